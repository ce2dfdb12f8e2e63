"""`alert-router import`: the files that it writes, its report, and its comparisons."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.app import TYPES
from router.cli import main
from router.cli.amtool import decided, differences
from router.config.load import load
from tests.peers import require

SHOP = Path(__file__).parents[1] / "importers/alertmanager/shop.yml"


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["import", *map(str, arguments)])
    return done.exit_code, done.output


def test_the_written_config_loads_and_the_report_lies_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets are readable by their owner only; a secret file of Alertmanager is copied."""
    monkeypatch.setenv("PATH", "")
    shutil.copy(SHOP, tmp_path / "am.yml")
    (tmp_path / "slack-url").write_text("https://hooks.slack.example.com/x\n")
    code, output = run(tmp_path / "am.yml", "--into", tmp_path / "made")
    assert (code, "routing was not compared: amtool is not in PATH" in output) == (0, True)
    config = load(tmp_path / "made/config.yaml", {}, TYPES)
    assert len(config.settings.rules.rules) == 5
    assert (tmp_path / "made/secrets/shop-url").read_text() == "https://hooks.slack.example.com/x"
    assert (tmp_path / "made/secrets/shop-url").stat().st_mode & 0o777 == 0o600
    report = (tmp_path / "made/report.txt").read_text()
    assert f"{tmp_path}/am.yml:13:3: `group_wait` isn't needed" in report
    assert report.splitlines()[0] in output


def test_nothing_is_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is anything else written then."""
    monkeypatch.setenv("PATH", "")
    (tmp_path / "config.yaml").write_text("mine")
    code, output = run(SHOP, "--into", tmp_path)
    assert (code, "nothing was written, because there is already" in output) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_an_error_has_its_place(tmp_path: Path) -> None:
    (tmp_path / "am.yml").write_text("receivers: []")
    assert run(tmp_path / "am.yml")[1].startswith(f"{tmp_path}/am.yml:1:1: there is no `route`")


@pytest.mark.peer
def test_the_routing_is_that_of_amtool() -> None:
    """For label sets around every route, and for given ones."""
    require("amtool")
    code, output = run(SHOP, "--labels", "team=shop,severity=critical")
    assert code == 0, output
    assert "label sets compared with amtool, 0 differ" in output


@pytest.mark.peer
def test_a_difference_names_the_labels_and_both_decisions(tmp_path: Path) -> None:
    """As if the channels of a receiver had been mixed up."""
    amtool = require("amtool")
    run(SHOP, "--into", tmp_path)
    settings = load(tmp_path / "config.yaml", {}, TYPES).settings
    tree = '{"route": {"receiver": "everybody"}, "receivers": [{"name": "everybody"}]}'
    sets = [{"team": "shop"}]
    channels = {"everybody": ["everybody"]}
    assert differences(settings, channels, sets, decided(str(amtool), tree, sets)) == [
        '{team="shop"}: amtool names everybody (everybody), but the rules notify shop'
    ]

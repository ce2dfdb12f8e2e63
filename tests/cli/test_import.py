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
    assert (code, "nothing was written, because these files exist" in output) == (1, True)
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


def test_the_shifts_of_a_pager_are_shown_next_to_the_schedule_here(tmp_path: Path) -> None:
    pager = SHOP.parents[1] / "pagers"
    code, output = run("oncall", pager / "oncall.json", "--into", tmp_path)
    assert code == 0, output
    assert "oncall: contacts: 2, schedules: 1, policies: 1" in output
    assert "Primary: shifts compared: 1, different: 0" in output
    assert load(tmp_path / "config.yaml", {}, TYPES).settings.people.schedules


def test_shifts_that_differ_are_marked_and_fail(tmp_path: Path) -> None:
    """The config is written, so that it can be corrected."""
    pager = SHOP.parents[1] / "pagers"
    code, output = run("opsgenie", pager / "opsgenie.json", "--into", tmp_path)
    assert (code, (tmp_path / "config.yaml").exists()) == (1, True)
    assert [line for line in output.splitlines() if line.rstrip().endswith("differs")]


def test_a_tool_needs_files(tmp_path: Path) -> None:
    """A folder needs files of an export in it."""
    assert run("goalert") == (
        1,
        "give the files of the export: alert-router import goalert FILE...\n",
    )
    assert "no file here ends with .json" in run("goalert", tmp_path)[1]

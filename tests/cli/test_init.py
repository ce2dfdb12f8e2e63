"""`init`: files to start from, which work as they are."""

import asyncio
import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.cli import main
from router.cli.init import EXAMPLE
from router.telemetry import logs
from tests.daemon import Daemon
from tests.pages import ROOT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that `init` wrote, as the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ALERT_ROUTER_CONFIG", raising=False)
    done = CliRunner().invoke(main, ["init", "mine"])
    assert done.exit_code == 0, done.output
    assert "alert-router serve" in done.stdout
    monkeypatch.chdir(tmp_path / "mine")
    return tmp_path / "mine"


def test_the_config_is_right_without_warnings(folder: Path) -> None:
    """So do the rule tests pass, and so does the sample alert page somebody."""
    done = CliRunner().invoke(main, ["check", "--strict"])
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    done = CliRunner().invoke(main, ["test"])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(main, ["explain", "alert.json"])
    assert "high-error-rate: P0" in done.stdout
    assert {path.name for path in folder.iterdir()} == {"config.yaml", "rules", "alert.json"}


def test_nothing_is_overwritten(folder: Path) -> None:
    """Not even if a single file is there."""
    before = (folder / "config.yaml").read_text()
    (folder / "alert.json").unlink()
    (folder / "config.yaml").write_text(before + "# mine\n")
    done = CliRunner().invoke(main, ["init"])
    assert (done.exit_code, "config.yaml" in done.stderr) == (1, True)
    assert (folder / "config.yaml").read_text() == before + "# mine\n"
    assert not (folder / "alert.json").exists()


def test_the_complete_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It checks and tests as in a checkout, and a wheel contains the same files."""
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["init", "--example"]).exit_code == 0
    for command in (["check"], ["test"], ["explain", "deploy/samples/payment-failures.json"]):
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 0, done.output
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert wheel == {place: f"router/cli/example/{name}" for name, place in EXAMPLE.items()}


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(main, ["init", str(tmp_path / "file/below")])
    assert (done.exit_code, str(tmp_path / "file") in done.stderr) == (1, True)


async def test_a_router_starts_on_it(folder: Path) -> None:
    """On another port, and the commands that `init` prints work."""
    logs.configure()
    config = folder / "config.yaml"
    text = await asyncio.to_thread(config.read_text)
    await asyncio.to_thread(
        config.write_text, text.replace("listen: 127.0.0.1:9095", "listen: 127.0.0.1:0")
    )
    async with Daemon(config) as daemon:
        sample = json.loads(await asyncio.to_thread((folder / "alert.json").read_text))
        answer = await daemon.ask("POST", "/webhooks/alertmanager", json=sample)
        assert answer.status == 200

        async def run(*arguments: str) -> tuple[int, str]:
            call = [*arguments, "--url", daemon.url]
            done = await asyncio.to_thread(CliRunner().invoke, main, call)
            return done.exit_code, done.stdout

        assert "Error rate at 12% on shop" in (await run("incidents"))[1]
        code, out = await run("ack", "1", "--by", "ana")
        assert (code, "INC-1 acknowledged by ana" in out) == (0, True)

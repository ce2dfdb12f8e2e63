"""`alert-router replay`: over the store of a running daemon, and over a file."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from router.cli import main
from tests.daemon import RULES, Daemon, alert, write_config


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["replay", *arguments])


@pytest.fixture
async def config(tmp_path: Path) -> Path:
    """Config of a router that received two alerts; one of them was acknowledged."""
    path = write_config(tmp_path)
    async with Daemon(path) as daemon:
        await daemon.alert(alert())
        await daemon.alert(alert("DiskFull", instance="db|<b>1"))
        await daemon.ask("POST", "/api/v1/incidents/1/ack", json={})
        await daemon.until_idle()
        # Read while the daemon has the store open.
        first = await asyncio.to_thread(run, "--config", str(path))
        assert first.exit_code == 0, first.output
        assert "the same incidents, and the same messages" in first.output
    return path


def changed(config: Path, **rule: Any) -> str:
    """A rule file beside the config's own, with the first rule changed."""
    rules = [RULES[0] | rule, RULES[1]]
    (config.parent / "changed.yaml").write_text(yaml.safe_dump({"rules": rules}))
    return "changed.yaml"


def test_changed_rules_are_held_against_what_was_sent(config: Path) -> None:
    found = run("--config", str(config), "--rules", changed(config, thresholds={"P0": "> 90%"}))
    assert found.exit_code == 0, found.output
    assert "Missing incidents (1)" in found.output
    assert "INC-1 P0 Payment failures at 2.3% on api" in found.output


def test_for_programs_and_for_pull_requests(config: Path) -> None:
    """The same in both; in a comment nothing of an alert is markup."""
    rules = ("--config", str(config), "--rules", changed(config, severity="P1", thresholds={}))
    found = json.loads(run(*rules, "--json").stdout)
    assert [(one["then"]["severity"], one["now"]["severity"]) for one in found["severity"]] == [
        ("P0", "P1")
    ]
    assert found["channels"]["log"] == {"then": 3, "now": 3, "more": 0, "fewer": 0}
    rules = (
        "--config",
        str(config),
        "--rules",
        changed(
            config,
            match=['alertname="DiskFull"'],
            severity="P1",
            thresholds={},
            group_by=["instance"],
        ),
    )
    comment = run(*rules, "--markdown").stdout
    assert comment.startswith("### Replay: +0 pages, −0")  # noqa: RUF001
    assert "db\\|&lt;b&gt;1" in comment


def test_a_file_has_what_the_store_has(config: Path, tmp_path: Path) -> None:
    """And no keys."""
    file = tmp_path / "history.jsonl"
    assert run("--config", str(config), "--export", str(file)).exit_code == 0
    assert "secret" not in file.read_text()
    rules = (
        "--config",
        str(config),
        "--rules",
        changed(config, thresholds={"P0": "> 90%"}),
        "--json",
    )
    assert json.loads(run(*rules, "--history", str(file)).stdout) == json.loads(run(*rules).stdout)


def test_two_configs_are_held_against_each_other(config: Path) -> None:
    found = run("--config", str(config), "--against", str(config))
    assert "the same incidents, and the same messages" in found.output


def test_what_cannot_be_read_is_said(config: Path, tmp_path: Path) -> None:
    """The line of a file; a store that isn't there; rules that aren't."""
    (bad := tmp_path / "bad.jsonl").write_text('{"event": 3}\n')
    assert "bad.jsonl:1: " in run("--config", str(config), "--history", str(bad)).output
    assert "no file matches" in run("--config", str(config), "--rules", "nothing/*.yaml").output
    (config.parent / "router.db").unlink()
    assert "can't read the history" in run("--config", str(config)).output

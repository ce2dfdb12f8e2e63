"""`alert-router check`, and how every command finds its config."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.cli import main
from tests.daemon import Daemon, alert, write_config

ROOT = Path(__file__).parents[2]


def test_a_good_config_is_said_to_be_one(tmp_path: Path) -> None:
    """With what is in it."""
    done = CliRunner().invoke(main, ["check", "--config", str(write_config(tmp_path))])
    assert (done.exit_code, done.stdout) == (
        0,
        f"{tmp_path}/config.yaml: no errors (rules: 2, channels: 1, sources: 1)\n",
    )


def test_the_example_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands."""
    monkeypatch.chdir(ROOT)
    assert CliRunner().invoke(main, ["check", "--config", "config.example.yaml"]).exit_code == 0


def test_a_coming_gap_is_a_warning(tmp_path: Path) -> None:
    """On stderr, and no error: a holiday isn't a mistake in the config."""
    layer = {
        "rotate": "daily",
        "handover": "09:00",
        "contacts": ["ana"],
        "restrict": [{"from": "09:00", "to": "17:00"}],
    }
    path = write_config(
        tmp_path,
        contacts={"ana": {}},
        schedules={"primary": {"layers": [layer]}},
        policies={"all": {"steps": [{"notify": ["schedule:primary"]}]}},
    )
    done = CliRunner().invoke(main, ["check", "--config", str(path)])
    assert done.exit_code == 0
    gap, contact = done.stderr.splitlines()
    assert (
        "warning: nobody is on call in schedule 'primary', which policy 'all' of P0 notifies, from "
        in gap
    )
    assert contact == (
        f"{path}: warning: policy 'all' of P0 notifies 'ana' (schedule:primary), who has no "
        "contact method for P0: see `reach` of contacts.ana"
    )


def test_a_suspect_value_is_a_warning_with_its_place(tmp_path: Path) -> None:
    path = write_config(tmp_path, prometheus={"url": "http://prometheus:9090", "insecure": True})
    done = CliRunner().invoke(main, ["check", "--config", str(path)])
    assert done.exit_code == 0
    (line,) = done.stderr.splitlines()
    assert re.match(rf"{re.escape(str(path))}:\d+:\d+: warning: url is plain http", line)


def test_every_error_is_said_at_once(tmp_path: Path) -> None:
    """Each error is a line on stderr: file:line:column, the problem, and a suggestion."""
    rules = [{"name": "a", "match": ["x=y"], "severty": "P1"}]
    path = write_config(
        tmp_path,
        rules,
        channels={"log": {"type": "consle"}},
        severities={name: {"policy": "al"} for name in ("P0", "P1", "P2")},
    )
    done = CliRunner().invoke(main, ["check", "--config", str(path)])
    assert (done.exit_code, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert all(re.match(rf"{tmp_path}/(config|rules)\.yaml:\d+:\d+: \S", line) for line in lines)
    for part in ("did you mean 'console'?", "did you mean 'severity'?", "no policy for P3"):
        assert sum(part in line for line in lines) == 1, part
    assert sum("unknown policy 'al', did you mean 'all'?" in line for line in lines) == 3
    assert lines == sorted(
        lines, key=lambda line: (line.split(":")[0], *map(int, line.split(":")[1:3]))
    )


def test_the_config_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--config`, then ./config.yaml, then the environment.

    Without any, the error says what to do.
    """
    elsewhere, here = tmp_path / "elsewhere", tmp_path / "here"
    elsewhere.mkdir()
    here.mkdir()
    other = write_config(elsewhere)
    monkeypatch.chdir(here)
    monkeypatch.delenv("ALERT_ROUTER_CONFIG", raising=False)
    nothing = CliRunner().invoke(main, ["check"])
    assert nothing.exit_code == 1
    assert "No config file at config.yaml" in nothing.stderr
    monkeypatch.setenv("ALERT_ROUTER_CONFIG", str(other))
    assert str(other) in CliRunner().invoke(main, ["check"]).stdout
    write_config(here)
    assert CliRunner().invoke(main, ["check"]).stdout.startswith("config.yaml:")
    assert str(other) in CliRunner().invoke(main, ["check", "--config", str(other)]).stdout
    gone = CliRunner().invoke(main, ["check", "--config", "gone.yaml"])
    assert (gone.exit_code, "No config file at gone.yaml" in gone.stderr) == (1, True)


def test_the_installed_command_does_the_same(tmp_path: Path) -> None:
    """The installed command works in its own process and prints help when called without
    arguments.
    """
    program = Path(sys.executable).with_name("alert-router")
    path = write_config(tmp_path)
    done = subprocess.run(
        [program, "check", "--config", path], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    helped = subprocess.run([program, "--help"], capture_output=True, text=True, check=False).stdout
    for command in (
        "serve",
        "check",
        "explain",
        "incidents",
        "ack",
        "resolve",
        "migrate",
        "schema",
    ):
        assert re.search(rf"\b{command}\b", helped)


DEAD = [
    {"name": "all", "match": ['alertname=~"A|B"'], "severity": "P2"},
    {"name": "dead", "match": ['alertname="A"', 'host="x"'], "severity": "P1"},
    {"name": "tiers", "match": ['alertname="C"'], "thresholds": {"P0": "> 1%", "P1": "> 5%"}},
]


def test_rules_that_can_do_nothing_are_warned_of(tmp_path: Path) -> None:
    """Rules without effect get a warning with position and reason; an option turns it into an
    error.
    """
    path = write_config(tmp_path, DEAD)
    done = CliRunner().invoke(main, ["check", "--config", str(path)])
    assert done.exit_code == 0
    dead, tier = done.stderr.splitlines()
    first = f"{tmp_path}/rules.yaml:2:3"
    why = (
        f"rule 'dead' matches no alert: earlier rules match all its alerts: 'all' ({first}); set "
        f"`continue` there"
    )
    assert re.fullmatch(
        rf"{re.escape(str(tmp_path))}/rules\.yaml:\d+:3: warning: {re.escape(why)}", dead
    )
    assert (
        "no value results in the tier P1 of rule 'tiers': a worse one applies if '> 5%' holds"
        in tier
    )
    strict = CliRunner().invoke(main, ["check", "--strict", "--config", str(path)])
    assert (strict.exit_code, strict.stdout) == (1, "")
    assert strict.stderr == done.stderr.replace("warning: ", "")


def test_a_rule_of_an_unknown_source_is_warned_of(tmp_path: Path) -> None:
    """Sources are known by name and by type."""
    rules = [
        {"name": source, "source": source, "match": [f'alertname="{source}"'], "severity": "P2"}
        for source in ("sentri", "shop", "sentry", "heartbeat")
    ]
    path = write_config(tmp_path, rules, sources={"shop": {"type": "sentry", "insecure": True}})
    done = CliRunner().invoke(main, ["check", "--config", str(path)])
    (line,) = done.stderr.splitlines()
    assert line.endswith("rule 'sentri' matches no alert: no source 'sentri' is configured")


async def test_the_rules_are_held_against_what_was_seen(tmp_path: Path) -> None:
    """Labels and names that no stored alert had, and how many were compared with."""
    path = write_config(tmp_path, DEAD[:1])
    async with Daemon(path) as daemon:
        await daemon.alert(alert("A"), alert("A", service="web"))
    rules = [{"name": "a", "match": ['alertname="A"', 'hots="x"'], "severity": "P2"}]
    rules.append({"name": "b", "match": ['alertname="Aa"'], "severity": "P2"})
    path = write_config(tmp_path, rules)
    done = await asyncio.to_thread(
        CliRunner().invoke, main, ["check", "--seen", "--config", str(path)]
    )
    assert done.exit_code == 0, done.output
    said = done.stderr.splitlines()[-3:]
    assert said[0] == "compared with 2 stored alerts"
    assert said[1].endswith("warning: rule 'a': no alert has had the label 'hots'")
    assert said[2].endswith(
        "warning: rule 'b': no alert has had a name that alertname=\"Aa\" matches"
    )


def test_no_store_is_made_to_look_at(tmp_path: Path) -> None:
    """The output says that there is no store."""
    path = write_config(tmp_path)
    done = CliRunner().invoke(main, ["check", "--seen", "--config", str(path)])
    assert (done.exit_code, done.stdout) == (1, "")
    assert (
        done.stderr == f"can't read the stored alerts: there is no store at {tmp_path}/router.db\n"
    )
    assert not (tmp_path / "router.db").exists()


def test_links_to_another_port_are_warned_of(tmp_path: Path) -> None:
    """After a change of `listen` alone, links in messages would lead nowhere."""
    path = write_config(tmp_path, listen="127.0.0.1:9177", external_url="http://127.0.0.1:9095")
    done = CliRunner().invoke(main, ["check", "--config", str(path)])
    assert done.exit_code == 0
    assert "links in messages lead to http://127.0.0.1:9095, but `listen` has port 9177" in (
        done.stderr
    )
    path = write_config(tmp_path, listen="127.0.0.1:9177", external_url="http://127.0.0.1:9177")
    assert "links in messages" not in CliRunner().invoke(main, ["check", "-c", str(path)]).stderr

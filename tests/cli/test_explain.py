"""`alert-router explain`: why an alert would, or wouldn't, page somebody."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from router.cli import main
from tests.daemon import Daemon, alert, group, write_config

ROOT = Path(__file__).parents[2]


def explain(folder: Path, payload: object, *options: str) -> Result:
    """Over standard input."""
    body = payload if isinstance(payload, (bytes, str)) else json.dumps(payload)
    path = folder / "config.yaml"
    if not path.exists():
        write_config(folder)
    return CliRunner().invoke(main, ["explain", "-", "--config", str(path), *options], input=body)


def test_each_rule_has_its_say(tmp_path: Path) -> None:
    """Each rule that matched or didn't, with the reason, the consequence and its position."""
    done = explain(tmp_path, group(alert("DiskFull", instance="db-1")))
    assert done.exit_code == 0, done.output
    text = done.stdout
    for part in (
        'alertname="DiskFull"',
        'alertname="PaymentFailures"',
        f"{tmp_path}/rules.yaml:2:3",
        'disk-full: P3 (matched), incident disk-full{instance="db-1"}, policy all notifies',
        "at once: log",
    ):
        assert part in text, text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("0.023", "payment-failures: P0 (above threshold: 0.023 against > 1%)"),
        ("0.5%", "payment-failures: P2 (above threshold: 0.5% against > 0.1%)"),
        (
            "0.0001",
            "payment-failures: opens no incident (below threshold: 0.0001 against > 0.1%)",
        ),
        ("many", "payment-failures: P2 (value unreadable: many against > 0.1%)"),
        ("", "payment-failures: P2 (value unreadable: no value against > 0.1%)"),
    ],
)
def test_the_value_is_held_against_the_threshold(tmp_path: Path, value: str, said: str) -> None:
    """The value as parsed, and the result of the comparison."""
    assert said in explain(tmp_path, group(alert(value=value))).stdout


def test_who_would_be_told_and_when(tmp_path: Path) -> None:
    """Each step of the policy, with what makes it unnecessary."""
    steps = [
        {"notify": ["channel:log"]},
        {"after": "5m", "notify": ["channel:log"], "unless": "acknowledged"},
    ]
    write_config(tmp_path, policies={"all": {"steps": steps}})
    text = explain(tmp_path, group(alert())).stdout
    assert "at once: log" in text
    assert "after 5m, unless acknowledged: log" in text


def test_a_resolved_alert_pages_nobody(tmp_path: Path) -> None:
    """It opens nothing, so no policy is shown, and no silence."""
    write_config(tmp_path, **QUIET)
    payload = group(alert("DiskFull", instance="db-1", status="resolved"))
    text = explain(tmp_path, payload, "--at", "2026-11-28 23:00").stdout
    assert text.rstrip().endswith(
        "disk-full: the alert is resolved, and opens no incident; "
        'if it fires in incident disk-full{instance="db-1"}, it ends there'
    )
    assert "notified" not in text
    assert "policy" not in text
    (found,) = json.loads(explain(tmp_path, payload, "--json").stdout)
    assert (found["status"], found["outcomes"][0]["policy"]) == ("resolved", None)


def test_json_is_for_programs(tmp_path: Path) -> None:
    """The same facts, and nothing else on standard output."""
    done = explain(tmp_path, group(alert(), alert("DiskFull")), "--json")
    found: Any = json.loads(done.stdout)
    assert [one["outcomes"][0]["rule"] for one in found] == ["payment-failures", "disk-full"]
    assert found[0]["outcomes"][0]["severity"] == "P0"
    assert [rule["reason"] for rule in found[1]["rules"]] == [
        "matcher_failed",
        "matched",
        "taken_before",
    ]


def test_a_file_and_the_shipped_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick start's sample opens a P0."""
    monkeypatch.chdir(ROOT)
    arguments = [
        "explain",
        "deploy/samples/payment-failures.json",
        "--config",
        "config.example.yaml",
    ]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0
    assert "payment-failures: P0" in done.stdout


def test_long_lines_stay_whole_in_a_pipe(tmp_path: Path) -> None:
    instance = "a-very-long-name-of-an-instance-" * 8
    assert (
        f'incident disk-full{{instance="{instance}"}}'
        in explain(tmp_path, group(alert("DiskFull", instance=instance))).stdout
    )


def test_labels_are_not_taken_for_markup(tmp_path: Path) -> None:
    """Square brackets and braces are shown as they are."""
    assert "[bold]x[/bold] {y}" in explain(tmp_path, group(alert(note="[bold]x[/bold] {y}"))).stdout


def test_an_alert_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """And the others are explained."""
    done = explain(tmp_path, group(alert() | {"startsAt": "never"}, alert("DiskFull")))
    assert done.exit_code == 0
    assert "not understood: /alerts/0/startsAt" in done.stdout
    assert "disk-full: P3" in done.stdout


@pytest.mark.parametrize(
    ("payload", "options", "said"),
    [
        ("{", (), "-: the body: "),
        (group(alert() | {"startsAt": "never"}), (), "-: /alerts/0/startsAt: "),
        (
            group(),
            ("--source", "sentry"),
            "no source 'sentry' is configured; the sources are: alertmanager",
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    tmp_path: Path, payload: object, options: tuple[str, ...], said: str
) -> None:
    """Exit code 1, on stderr."""
    done = explain(tmp_path, payload, *options)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(said)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The error names the file."""
    done = CliRunner().invoke(
        main, ["explain", "gone.json", "--config", str(write_config(tmp_path))]
    )
    assert (done.exit_code, done.stderr) == (1, "gone.json: No such file or directory\n")


def test_a_sentry_webhook(tmp_path: Path) -> None:
    """Its kind, a header in life, is an option here."""
    write_config(tmp_path, sources={"sentry": {"insecure": True}})
    body = (ROOT / "tests/payloads/sentry-metric_alert-critical.json").read_bytes()
    done = explain(tmp_path, body, "--source", "sentry", "--resource", "metric_alert")
    assert done.exit_code == 0, done.output
    assert "default: P2" in done.stdout


QUIET = {
    "silences": [
        {"name": "night", "match": ['alertname="DiskFull"'], "from": "22:00", "to": "06:00"}
    ],
    "inhibit": [
        {"rule": "payment-failures", "target": ['alertname="DiskFull"'], "equal": ["service"]}
    ],
}


@pytest.mark.parametrize(
    ("at", "silenced"), [("2026-11-28 23:00", True), ("2026-11-28 12:00", False)]
)
def test_what_keeps_it_quiet_at_a_time(tmp_path: Path, at: str, silenced: bool) -> None:
    """The silence, until when; and the incidents that would."""
    write_config(tmp_path, **QUIET)
    text = explain(tmp_path, group(alert("DiskFull")), "--at", at).stdout
    assert (
        "silenced by night until 2026-11-29 06:00 UTC: nobody is notified until then" in text
    ) is silenced
    assert (
        "inhibited while an incident of rule payment-failures is open, with the same service"
        in text
    )


def test_a_time_that_is_none_is_refused(tmp_path: Path) -> None:
    """With how to write it."""
    done = explain(tmp_path, group(alert()), "--at", "tonight")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("--at: expected a time such as")


async def test_what_is_stored_counts_for_a_payload(tmp_path: Path) -> None:
    """An override that a person has set, and a silence."""
    path = write_config(
        tmp_path,
        channels={"log": {"type": "console"}, "text": {"type": "console"}},
        contacts={name: {"name": name, "reach": [{"via": "text"}]} for name in ("ana", "ben")},
        schedules={
            "primary": {
                "layers": [{"rotate": "weekly", "handover": "Mon 09:00", "contacts": ["ana"]}]
            }
        },
        policies={"all": {"steps": [{"notify": ["schedule:primary"]}]}},
    )
    body = tmp_path / "body.json"
    body.write_text(json.dumps(group(alert("DiskFull"))))
    async with Daemon(path) as daemon:
        hour = datetime.now(UTC) + timedelta(hours=1)
        override = {"contact": "ben", "to": f"{hour:%Y-%m-%dT%H:%MZ}"}
        assert (
            await daemon.ask("POST", "/api/v1/schedules/primary/overrides", json=override)
        ).status == 201
        silence = {"match": ['alertname="DiskFull"'], "for": "1h", "comment": "moving"}
        assert (await daemon.ask("POST", "/api/v1/silences", json=silence)).status == 201
        command = ["explain", "--config", str(path), str(body)]
        done = await asyncio.to_thread(CliRunner().invoke, main, command)
    assert "recipients: text/ben" in done.stdout
    assert "silenced by " in done.stdout
    assert "not considered" not in done.output

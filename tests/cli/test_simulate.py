"""`alert-router simulate`: the whole escalation of an alert that nobody answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import Result
from typer.testing import CliRunner

from router.cli import main
from tests.cli.test_incidents import run as run_beside
from tests.clock import SteppedClock
from tests.daemon import Daemon, alert, group, write_config

PEOPLE: dict[str, Any] = {
    "company": {"time_zone": "Europe/London"},
    "channels": {
        "log": {"type": "console"},
        "mail": {
            "type": "email",
            "smtp": {"host": "127.0.0.1", "port": 1},
            "from": "r@example.com",
        },
    },
    "contacts": {
        name: {"email": f"{name}@example.com", "reach": [{"via": "mail"}]}
        for name in ("ana", "ben")
    },
    "schedules": {
        "primary": {
            "layers": [
                {
                    "rotate": "weekly",
                    "handover": "Mon 09:00",
                    "contacts": ["ana", "ben"],
                    "start": "2026-01-05",
                }
            ]
        }
    },
    "policies": {
        "all": {
            "steps": [
                {"notify": ["channel:log"]},
                {"after": "5m", "notify": ["schedule:primary"], "unless": "acknowledged"},
            ]
        }
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """On call is Ana from Monday, 5 January 2026, at 9, and Ben a week later."""
    write_config(tmp_path, **PEOPLE)
    (tmp_path / "body.json").write_text(
        json.dumps(group(alert(), alert("DiskFull", instance="db-1")))
    )
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    """Beside no running router."""
    command = [
        "simulate",
        "--config",
        str(folder / "config.yaml"),
        "--url",
        "http://127.0.0.1:1",
        *arguments,
    ]
    return CliRunner().invoke(main, command)


def lines(done: Result) -> list[str]:
    assert done.exit_code == 0, done.output
    found = [" ".join(line.split()) for line in done.stdout.splitlines()]
    return [line for line in found if not line.startswith("not considered: ")]


def test_a_rule_is_enough(folder: Path) -> None:
    """Recipients depend on the time, here across a hand-over; times are in the company's time
    zone.
    """
    assert lines(
        run(
            folder,
            "--rule",
            "payment-failures",
            "--label",
            "service=web",
            "--at",
            "2026-01-12 08:56",
        )
    ) == [
        'INC-1 [P0] Payment failures at 1.1% on web (payment-failures{service="web"})',
        "after clock (Europe/London) incident who over why",
        (
            "+0s Mon 2026-01-12 08:56:00 INC-1 Incident detected: PaymentFailures at 1.1% "
            "(threshold > 1%)"
        ),
        "+0s Mon 2026-01-12 08:56:00 INC-1 log opened",
        "+5m Mon 2026-01-12 09:01:00 INC-1 Escalated to the next step: mail/ben",
        "+5m Mon 2026-01-12 09:01:00 INC-1 The policy has no further step",
        "+5m Mon 2026-01-12 09:01:00 INC-1 ben mail step due",
        (
            "+20m Mon 2026-01-12 09:16:00 INC-1 NOBODY ACKNOWLEDGED, and the policy has no "
            "further step"
        ),
        "+20m Mon 2026-01-12 09:16:00 INC-1 log unanswered",
        "+20m Mon 2026-01-12 09:16:00 INC-1 ben mail unanswered",
    ]


def test_an_answer_ends_it(folder: Path) -> None:
    said = lines(
        run(
            folder, "--rule", "disk-full", "--at", "2026-01-12T08:56Z", "--ack", "3m", "--by", "ana"
        )
    )
    assert "+3m Mon 2026-01-12 08:59:00 INC-1 Acknowledged by ana" in said
    assert not any("mail" in line for line in said)


def test_a_payload_may_hold_many_alerts(folder: Path) -> None:
    """Each line says about which incident it is."""
    said = lines(run(folder, str(folder / "body.json")))
    assert said[0].startswith("INC-1 [P0] Payment failures at 2.3% on api")
    assert said[1].startswith("INC-2 [P3]")
    assert sum("INC-2" in line and "step due" in line for line in said) == 1


def test_programs_read_json(folder: Path) -> None:
    done = run(
        folder,
        "--rule",
        "payment-failures",
        "--severity",
        "P2",
        "--at",
        "2026-01-12T08:56Z",
        "--json",
    )
    said = json.loads(done.stdout)
    assert (said["incidents"][0]["severity"], said["ended"], said["end"]) == (
        "P2",
        True,
        "2026-01-12T09:16:00.000Z",
    )
    assert said["moments"][-1] == {
        "at": "2026-01-12T09:16:00.000Z",
        "after": 1200.0,
        "incident": "INC-1",
        "who": "ben",
        "over": "mail",
        "reason": "unanswered",
        "text": None,
    }


def test_it_is_drawn(folder: Path) -> None:
    """Everybody has a row, and the answer is marked; an SVG is XML, a PNG a PNG."""
    svg, png = folder / "a.svg", folder / "a.png"
    lines(run(folder, "--rule", "disk-full", "--ack", "7m", "--svg", str(svg), "--png", str(png)))
    words = {"".join(element.itertext()).strip() for element in ET.parse(svg).iter()}
    assert {"INC-1", "log", "acknowledged"} <= words
    assert any(word.endswith("over mail") for word in words)
    assert png.read_bytes().startswith(b"\x89PNG")


def test_why_nobody_is_told(folder: Path) -> None:
    (folder / "low.json").write_text(json.dumps(group(alert(value="0.0001"))))
    assert lines(run(folder, str(folder / "low.json"))) == ["nobody is notified: below threshold"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give either the file of a webhook's body, or --rule NAME"),
        (
            ("x.json", "--rule", "disk-full"),
            "give either the file of a webhook's body, or --rule NAME",
        ),
        (("x.json",), "x.json: can't be read: No such file or directory"),
        (
            ("--rule", "disk-ful"),
            (
                "no rule 'disk-ful', did you mean 'disk-full'?; there are: payment-failures, "
                "disk-full, default"
            ),
        ),
        (
            ("--rule", "disk-full", "--severity", "P0"),
            "rule 'disk-full' never results in the severity P0",
        ),
        (("--rule", "disk-full", "--label", "a"), "--label: expected NAME=VALUE, found 'a'"),
        (("--rule", "disk-full", "--ack", "7"), "--ack: '7' has no unit: write 7s, 7m or 7h"),
        (
            ("--rule", "disk-full", "--at", "noon"),
            (
                "--at: expected a time such as '2026-11-23 09:00' (local) or "
                "'2026-11-23T09:00Z', found 'noon'"
            ),
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = run(folder, *arguments)
    assert (done.exit_code, done.stderr.strip()) == (1, said)


def test_without_a_store_or_a_router_it_says_so(folder: Path) -> None:
    """Somebody may have set an override or a silence there."""
    done = run(folder, "--rule", "disk-full")
    assert "without overrides that people set" in done.stderr
    said = (
        "not considered: silences that people have made, and open incidents: the store can't be "
        "read"
    )
    assert said in done.stdout
    assert said in json.loads(run(folder, "--rule", "disk-full", "--json").stdout)["left_out"][
        0
    ].join(("not considered: ", ""))


async def test_what_people_have_arranged_counts(router: Callable[..., Daemon]) -> None:
    """An override set in the running router changes who would be notified."""
    quiet = PEOPLE | {
        "channels": PEOPLE["channels"] | {"log": {"type": "webhook", "url": "http://127.0.0.1:1/"}}
    }
    async with router(SteppedClock(), **quiet) as daemon:
        command = (
            "simulate",
            "--rule",
            "disk-full",
            "--at",
            "2026-02-02 03:00",
            "--config",
            str(daemon.path),
        )
        _, out, _ = await run_beside(daemon, *command)
        assert "mail/ben" in out
        body = {"contact": "ana", "to": "2026-02-02 06:00"}
        assert (
            await daemon.ask("POST", "/api/v1/schedules/primary/overrides", json=body)
        ).status == 201
        _, out, err = await run_beside(daemon, *command)
        assert ("mail/ana" in out, "mail/ben" in out, err) == (True, False, "")


async def test_what_is_stored_counts(router: Callable[..., Daemon]) -> None:
    """A silence that a person has made, and an incident that is already open."""
    async with router(**PEOPLE) as daemon:
        command = ("simulate", "--rule", "disk-full", "--config", str(daemon.path))
        await daemon.alert(alert("DiskFull", instance="some-instance"))
        _, out, _ = await run_beside(daemon, *command)
        assert "Alert joined" in out
        assert "not considered: the rest of the escalation of INC-1, which was already open" in out
        silence = {"match": ['alertname="DiskFull"'], "for": "1h", "comment": "moving"}
        assert (await daemon.ask("POST", "/api/v1/silences", json=silence)).status == 201
        _, out, _ = await run_beside(daemon, *command, "--label", "instance=other")
        assert out.startswith("nobody is notified when it opens: silenced\n")
        assert "+59m" in out or "+1h" in out, "it opens once the silence is over"


def test_a_message_about_several_incidents_is_shown_for_each(folder: Path) -> None:
    """A limit bundles incidents into one message; the simulation names what it can't know."""
    people = PEOPLE | {
        "contacts": {"ana": PEOPLE["contacts"]["ana"] | {"throttle": "1/20s"}},
        "policies": {"all": {"steps": [{"notify": ["contact:ana"]}]}},
        "schedules": {},
        "channels": PEOPLE["channels"] | {"mail": PEOPLE["channels"]["mail"] | {"rate": "1/1m"}},
    }
    write_config(folder, **people)
    three = [alert("DiskFull", instance=name) for name in "abc"]
    (folder / "three.json").write_text(json.dumps(group(*three)))
    done = run(folder, str(folder / "three.json"))
    mails = [line for line in lines(done) if " ana mail " in line]
    assert [line.split(" ana mail ")[1] for line in mails] == [
        "opened", "in the message about INC-1", "in the message about INC-1",
    ]  # fmt: skip
    assert "not considered: earlier messages to ana: the throttle of 1 in 20s" in done.stdout
    assert (
        "not considered: the rate of channel mail (1 in 60 s), which other incidents share"
        in done.stdout
    )


def test_a_step_whose_condition_is_false_is_shown_as_skipped(folder: Path) -> None:
    steps = [
        {"notify": ["channel:log"]},
        {"notify": ["contact:ben"], "when": "labels.vip == 'yes'"},
    ]
    write_config(folder, **PEOPLE | {"policies": {"all": {"steps": steps}}})
    said = lines(run(folder, "--rule", "disk-full"))
    assert any(line.endswith("INC-1 Skipped contact:ben (condition is false)") for line in said)

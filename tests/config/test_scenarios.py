"""Rule test files: conversion into scenarios, and errors with positions."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from router.app import TYPES, load_config
from router.config.load import Config
from router.config.located import Invalid
from router.config.scenarios import load_scenarios
from router.core.virtual.scenario import Failing, Message, Scenario, ScenarioEvent, ScenarioState
from router.model.alert import Alert, AlertStatus
from router.model.event import Command
from router.model.incident import Severity, Status
from router.model.reason import Reason
from tests.daemon import write_config

ALERT = Alert("sentry", "f1", AlertStatus.FIRING, {"alertname": "A"}, {}, 17.0)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(
        write_config(
            tmp_path,
            channels={"log": {"type": "console"}},
            contacts={"ana": {}},
            company={"time_zone": "Europe/London"},
        )
    )


def decode(source: str, resource: str, path: Path) -> Sequence[Alert]:
    if path.name != "body.json":
        raise ValueError("can't be read: No such file or directory")
    return [ALERT]


def scenarios(config: Config, folder: Path, text: str) -> list[Scenario]:
    path = folder / "tests.yaml"
    path.write_text(text)
    return [located.scenario for located in load_scenarios([path], config, TYPES.hooks, {}, decode)]


def wrong(config: Config, folder: Path, text: str) -> list[str]:
    with pytest.raises(Invalid) as raised:
        scenarios(config, folder, text)
    return [str(problem).removeprefix(f"{folder}/") for problem in raised.value.problems]


def test_everything_there_is_to_write(config: Config, tmp_path: Path) -> None:
    """Each key arrives where the core reads it."""
    (scenario,) = scenarios(
        config,
        tmp_path,
        """
        tests:
          - name: all of it
            start: 2026-03-28 23:30
            until: 3h
            timeline:
              - at: 1m
                source: sentry
                alerts:
                  - {labels: {alertname: B}, annotations: {value: 1}, status: resolved, times: 2}
              - {at: 2m, payload: body.json}
              - {at: 3m, do: severity, severity: P1, by: ana, incident: 2, text: why}
              - {at: 3m, do: status, status: monitoring, title: T}
              - {at: 4m, fails: {log: refuses}, works: [log]}
            expect:
              notified:
                - at: 5m
                  to: [channel:log, contact:ana, log/ana]
                  within: 1s
                  reason: opened
                  severity: P0
                  title: T
              incidents:
                - {at: 1h, rule: default, status: resolved}
                - {at: 1h, acknowledged_by: ana}
                - {severity: P2}
              reasons: [{at: 2h, reason: steps_ended}]
        """.replace("source: sentry", "source: alertmanager"),
    )
    assert (scenario.name, scenario.start, scenario.zone, scenario.end) == (
        "all of it",
        1774740600.0,
        "Europe/London",
        10_800,
    )
    reported = scenario.timeline[0].reported[0]
    assert (reported.times, reported.dated, reported.alert.status) == (
        2,
        False,
        AlertStatus.RESOLVED,
    )
    assert (reported.alert.labels, reported.alert.annotations) == (
        {"alertname": "B"},
        {"value": "1"},
    )
    assert [(r.alert, r.dated) for r in scenario.timeline[1].reported] == [(ALERT, True)]
    assert scenario.timeline[2:] == (
        ScenarioEvent(180, (), Command.SEVERITY, "ana", 2, "why", Severity.P1),
        ScenarioEvent(180, (), Command.STATUS, "somebody", status=Status.MONITORING, title="T"),
        ScenarioEvent(240, by="somebody", fails={"log": Failing.REFUSES}, works=("log",)),
    )
    assert scenario.messages == tuple(
        Message(300, to, 1, Reason.OPENED, Severity.P0, "T")
        for to in ("log", "contact:ana", "log/ana")
    )
    assert scenario.snapshots == (
        ScenarioState(
            3600, ({"rule": "default", "status": Status.RESOLVED}, {"acknowledged_by": "ana"})
        ),
        ScenarioState(10_800, ({"severity": Severity.P2},)),
    )
    assert scenario.reasons == ((7200, Reason.STEPS_ENDED),)


SMALL = """
tests:
  - name: small
    timeline: [{at: 1m, do: note}, {at: 3m, do: note}]
    expect: {incidents: [], notified: [{at: 2m, to: [log], within: 2m}]}
"""


def test_a_test_ends_at_the_last_time_in_it(config: Config, tmp_path: Path) -> None:
    """Events expected later within a duration count; an empty list means no incident."""
    (scenario,) = scenarios(config, tmp_path, SMALL)
    assert (scenario.end, scenario.snapshots) == (240, (ScenarioState(240, ()),))


def test_a_test_starts_on_a_monday_morning_where_the_company_is(
    config: Config, tmp_path: Path
) -> None:
    """Or by the clock that it names, or at a time with an offset."""

    def start(changed: str) -> float:
        return scenarios(
            config, tmp_path, SMALL.replace("name: small", f"name: small\n    {changed}")
        )[0].start

    assert start("until: 4m") == 1767603600
    assert start("time_zone: Asia/Tokyo") == 1767603600 - 9 * 3600
    assert start("start: 2026-01-05T09:00+02:00") == 1767603600 - 2 * 3600


def test_every_mistake_is_said_with_its_place(config: Config, tmp_path: Path) -> None:
    """All errors are reported together, each with what to do."""
    text = """tests:
  - name: one
    timeline:
      - {at: 2}
      - {at: 1m, do: ackn}
      - {at: 1m, do: severity, payload: gone.json}
      - {at: 1m, fails: {slog: down}, works: [slog]}
    expect:
      notified: [{at: 0s, to: [ana, slog, log/bob, contact:bob, role:cto]}]
      incidents: [{rule: nope}]
      reasons: [{at: 1m, reason: bored}]
  - name: two
    timeline: [{at: 5m, payload: nope.json, source: sentry}]
    until: 1m
    expect: {}
  - name: two
    timeline: []
    expect: {}
"""
    problems = wrong(config, tmp_path, text)
    assert [problem.partition(": ")[0].removeprefix("tests.yaml:") for problem in problems] == [
        "4:9",
        "4:14",
        "5:22",
        "6:9",
        "6:41",
        "7:32",
        "7:47",
        "9:32",
        "9:37",
        "9:43",
        "9:52",
        "9:65",
        "10:26",
        "11:34",
        "13:34",
        "13:53",
        "14:12",
        "16:11",
    ]
    said = "\n".join(problems)
    for part in (
        "nothing happens in this step: give it alerts, payload, do, fails or works",
        "'2' has no unit: write 2s, 2m or 2h",
        "unknown value 'ackn', did you mean 'ack'?",
        "`do: severity` needs `severity`, and nothing else allows it",
        "unknown channel 'slog', did you mean 'log'?",
        "unknown channel 'ana': a contact is written contact:ana",
        "unknown contact 'bob'",
        "expected a channel, contact:NAME or CHANNEL/NAME, found 'role:cto'",
        "unknown rule 'nope'",
        "gone.json: can't be read: No such file or directory",
        "nope.json: can't be read: No such file or directory",
        "unknown source 'sentry'",
        "the test has times after its `until`",
        f"test 'two' already exists, at {tmp_path}/tests.yaml:12:11",
    ):
        assert part in said, part


def test_files_that_cannot_be_read_are_mistakes_too(config: Config, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"none\.yaml:1:1: can't be read"):
        load_scenarios([tmp_path / "none.yaml"], config, TYPES.hooks, {}, decode)

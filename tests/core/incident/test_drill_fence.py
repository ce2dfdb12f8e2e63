"""A drill takes the way of a real alert, and changes nothing for what is real."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.deployments.similar import similar
from router.core.incident.policy import Repeat
from router.core.outbox.digest import Standing, Waiting, plan
from router.core.rules.lint_unseen import KnownLabels
from router.core.rules.matcher import parse_matchers
from router.core.rules.rule import CANARY
from router.core.suppression.inhibition import Inhibition
from router.core.suppression.recurring_silence import RecurringSilence, TimeSpan
from router.model.alert import DRILL, Alert, AlertStatus
from router.model.event import Command
from router.model.incident import Incident, Severity
from router.model.notification import Notification, NotificationState, Rejected
from router.model.reason import Reason
from tests.world import NOW, POLICIES, World, alert, rule, settings

WEB_BY_API = Inhibition(parse_matchers("service=web"), parse_matchers("service=api"))


def drilled(fingerprint: str = "f1", value: str = "20%", **changed: Any) -> Alert:
    """The drill of a real alert: the same in all but what marks it."""
    mark = {"source": DRILL, "stands_for": "alertmanager", "drill": "d1"}
    return alert(f"drill-{fingerprint}", value, **(mark | changed))


def canary(*to: str) -> Alert:
    return drilled("canary", to=to, severity=Severity.P3, annotations={"summary": "Canary"})


def test_the_rules_judge_it_as_the_source_it_stands_for() -> None:
    """A rule that is only for one source takes it, at the severity that a real alert would have."""
    world = World(settings(rule("theirs", source="sentry"), rule("ours", source="alertmanager")))
    world.see(drilled(value="2%"))
    assert (world.incident.rule, world.incident.severity, world.incident.drill) == (
        "ours",
        Severity.P1,
        True,
    )
    assert world.incident.title == "[DRILL] Payments on api"


def test_a_real_alert_of_the_same_kind_opens_its_own_incident() -> None:
    """Before or after the drill's, and with labels made to look like its key."""
    world = World()
    world.see(alert(), drilled(), alert("f2"), drilled("f2"), alert("f3", service='api"} drill d1'))
    assert [(incident.drill, incident.alerts) for incident in world.incidents.values()] == [
        (False, 2),
        (True, 2),
        (False, 1),
    ]
    assert len({incident.key for incident in world.incidents.values()}) == 3


def test_two_drills_keep_apart() -> None:
    world = World()
    world.see(drilled(), drilled("other", drill="d2"))
    assert len(world.incidents) == 2


def test_it_fills_no_window_of_a_real_rule() -> None:
    """Four occurrences of a drill and one real one are one real one."""
    world = World(settings(rule(count_over=300.0, thresholds={"P0": "> 3", "P2": "> 0"})))
    world.see(*(drilled(f"f{n}") for n in range(4)), alert())
    assert [(incident.drill, incident.severity) for incident in world.incidents.values()] == [
        (True, Severity.P0),
        (False, "P2"),
    ]


def test_nothing_keeps_a_drill_quiet() -> None:
    """Neither a silence nor an inhibition, when it opens and while it pages."""
    silence = RecurringSilence(
        "all", parse_matchers("service=~.*"), TimeSpan(NOW, NOW + 9000), "ana", ""
    )
    world = World(settings(silences=(silence,), inhibitions=(WEB_BY_API,)))
    world.see(alert(), drilled(service="web"))
    assert [incident.drill for incident in world.incidents.values()] == [True]
    world.advance(301)
    assert world.story().count(Reason.STEP_DUE) == 1


def test_a_drill_inhibits_nothing() -> None:
    world = World(settings(inhibitions=(WEB_BY_API,)))
    world.see(drilled(service="api"))
    assert world.see(alert(service="web")) == [Reason.OPENED]


def test_a_drill_takes_nobodys_room() -> None:
    """Where a person's limit is used up, a drill is still sent, separately, and delays no real
    page.
    """
    world = World()
    world.see(alert(value="2%"), drilled(value="2%"))
    due = [
        Waiting(
            Notification(
                incident.id, "sms/ana", 1, NotificationState.PENDING, Reason.OPENED, NOW, NOW
            ),
            Standing.of(incident),
        )
        for incident in world.incidents.values()
    ]
    assert plan(due, 0) == (((due[1],),), (due[0],))


def test_a_drill_isnt_what_fixed_a_real_one() -> None:
    """It's nowhere among the similar past incidents."""
    world = World()
    world.see(drilled())
    world.command(Command.RESOLVE, 1, text="it was only a drill")
    world.see(alert())
    assert similar(world.incidents[2], world.incidents.values()) == []


def test_a_drill_is_nothing_that_was_seen() -> None:
    """A rule whose alert only ever came in a drill is still one that asks for what never came."""
    seen = KnownLabels()
    seen.add(drilled())
    assert seen.alerts == 0
    seen.add(alert(labels={"alertname": "Other", "service": "api"}))
    assert len(seen.doubts([rule()])) == 1


# --- canaries


@pytest.mark.parametrize("command", [Command.ESCALATE, Command.SEVERITY])
def test_a_canary_tells_its_addresses_and_nobody_else(command: Command) -> None:
    """It stays so for any policies, rules and commands, after any time, and if it doesn't
    arrive.
    """
    loud = {name: replace(one, repeat=Repeat(300.0, 4)) for name, one in POLICIES.items()}
    catch_all = rule("all", "", severity=Severity.P0)
    world = World(settings(catch_all, policies=loud))
    assert world.see(canary("sms/ana", "log")) == [Reason.OPENED]
    assert (world.incident.rule, world.incident.key) == ("canary", "canary{} drill d1")
    assert [one.name for one in (CANARY,)] == [
        verdict.rule.name for verdict in world.settings.rules.verdicts(canary("log"))
    ]
    world.deliver("sms/ana", result=Rejected("gone"))
    world.command(command, 1, **({"severity": Severity.P0} if command is Command.SEVERITY else {}))
    world.advance(90_000)
    assert {message.channel for message in world.queued} == {"sms/ana", "log"}


# --- the law


alerts = st.builds(
    alert,
    st.sampled_from(["f1", "f2"]),
    st.sampled_from(["20%", "2%", "0.1%"]),
    service=st.sampled_from(["api", "web"]),
    status=st.sampled_from([AlertStatus.FIRING, AlertStatus.FIRING, AlertStatus.RESOLVED]),
)
drills = st.builds(
    drilled,
    st.sampled_from(["f1", "f2"]),
    st.sampled_from(["20%", "2%", "0.1%"]),
    service=st.sampled_from(["api", "web"]),
    status=st.sampled_from([AlertStatus.FIRING, AlertStatus.FIRING, AlertStatus.RESOLVED]),
) | st.builds(canary, st.sampled_from(["slack", "sms/ana"]))
commands = st.sampled_from(
    [Command.ACKNOWLEDGE, Command.ESCALATE, Command.RESOLVE, Command.FALSE_POSITIVE]
)
moves = st.one_of(
    alerts, drills, st.sampled_from([60.0, 300.0, 1800.0]), st.tuples(st.integers(0, 3), commands)
)


def real(world: World) -> list[Incident]:
    return [incident for incident in world.incidents.values() if not incident.drill]


def live(script: Sequence[Any], *, drilling: bool) -> list[object]:
    """State of everything real: incidents, timelines and messages."""
    world = World(
        settings(
            rule(count_over=600.0, thresholds={"P0": "> 2", "P1": "> 0"}), inhibitions=(WEB_BY_API,)
        )
    )
    for move in script:
        match move:
            case Alert() if drilling or not move.is_drill:
                world.see(move)
            case float():
                world.advance(move)
            case (int() as which, command):
                if which < len(found := real(world)):
                    world.command(command, found[which].id)
    names = {one.id: number for number, one in enumerate(real(world))}
    notified = [
        (names[message.incident_id], message.channel, message.reason, message.at)
        for message in world.queued
        if message.incident_id in names
    ]
    stories = [
        [(entry.at, entry.what) for entry in world.timeline if entry.incident_id == name]
        for name in names
    ]
    return [
        [replace(one, id=0, muted=None, merged_into=0) for one in real(world)],
        stories,
        notified,
    ]


@given(st.lists(moves, max_size=25))
def test_a_drill_never_changes_a_real_incident(script: list[Any]) -> None:
    """For any events in any order, everything real is the same as without the drill."""
    assert live(script, drilling=True) == live(script, drilling=False)

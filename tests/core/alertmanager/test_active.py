"""Active alerts as Alertmanager's clients see them."""

from typing import Any

import pytest

from router.core.alertmanager.active import (
    ActiveAlert,
    AlertFilter,
    State,
    active_alerts,
    grouped,
)
from router.core.oncall.schedule import Restriction
from router.core.rules.matcher import Matcher, MatchOp, parse_matchers
from router.core.suppression.inhibition import Inhibition
from router.core.suppression.recurring_silence import RecurringSilence, TimeSpan, Weekly
from router.model.alert import DRILL, Lifetime
from router.model.event import Command
from router.model.incident import Severity
from tests.world import NOW, World, alert, over, rule, settings

FIRST, SECOND = "00000000000000a1", "00000000000000a2"


def shown(world: World) -> list[ActiveAlert]:
    stored = [
        (rule_match, world.memory.alerts[key]) for key, rule_match in world.rule_matches.items()
    ]
    incidents = [incident for incident in world.memory.incidents.values() if incident.is_open]
    return active_alerts(stored, incidents, world.settings, world.now)


def test_an_alert_has_the_policy_of_its_severity_as_receiver() -> None:
    world = World()
    world.see(alert(FIRST, lifetime=Lifetime.END, ends_at=NOW + 240))
    world.advance(60)
    (one,) = shown(world)
    assert one.fingerprint == FIRST
    assert (one.starts_at, one.ends_at, one.updated_at) == (NOW, NOW + 240, NOW)
    assert (one.state, one.receivers) == (State.ACTIVE, ["critical"])
    assert (one.silenced_by, one.inhibited_by, one.muted_by) == ((), (), ())


def test_the_receiver_follows_the_severity_of_the_incident() -> None:
    world = World()
    world.see(alert(FIRST, "2%"))
    assert shown(world)[0].receivers == ["high"]
    world.command(Command.SEVERITY, severity=Severity.P0)
    assert shown(world)[0].receivers == ["critical"]


def test_an_alert_that_opens_nothing_is_unprocessed() -> None:
    world = World()
    world.see(alert(FIRST, "0.1%"))
    (one,) = shown(world)
    assert (one.state, one.receivers) == (State.UNPROCESSED, [])
    assert one.ends_at > world.now


def test_resolved_alerts_drills_and_ended_ones_are_left_out() -> None:
    world = World()
    world.see(alert(FIRST), over(FIRST), alert(SECOND, source=DRILL, drill="d"))
    world.see(alert("00000000000000a3", lifetime=Lifetime.END, ends_at=NOW + 60))
    world.now += 60
    assert shown(world) == []


def test_other_identities_become_the_fingerprint_of_the_labels() -> None:
    """Sources have identities of their own; clients expect Alertmanager's."""
    world = World()
    world.see(alert("am-eu:" + FIRST), alert("sentry-42", service="db"))
    assert {alert.fingerprint for alert in shown(world)} == {FIRST, "c9abc357aac15bd0"}


def test_silences_have_ids_and_windows_have_names() -> None:
    made = RecurringSilence("id-1", parse_matchers('service="api"'), TimeSpan(NOW, NOW + 600))
    other = RecurringSilence("id-2", parse_matchers('service=~"a.*"'), TimeSpan(NOW, NOW + 600))
    later = RecurringSilence("id-3", parse_matchers('service="api"'), TimeSpan(NOW + 1, NOW + 9))
    always = Weekly(Restriction(0, 0), "UTC")
    window = RecurringSilence("nights", parse_matchers('service="api"'), always)
    world = World(settings(silences=(window, made, other, later)))
    world.see(alert(FIRST), alert(SECOND, service="db"))
    first, second = shown(world)
    assert (first.state, first.silenced_by) == (State.SUPPRESSED, ("id-1", "id-2"))
    assert first.muted_by == ("nights",)
    assert first.receivers == ["critical"]
    assert second.state is State.ACTIVE


def test_an_inhibited_alert_names_the_alerts_of_the_cause() -> None:
    inhibition = Inhibition(parse_matchers('alertname="Payments"'), rule="network")
    network = rule("network", "alertname=Network", severity=Severity.P1, group_by=())
    world = World(settings(network, rule(), inhibitions=(inhibition,)))
    world.see(alert(FIRST, labels={"alertname": "Network"}))
    world.see(alert(SECOND))
    cause, effect = shown(world)
    assert (cause.state, effect.state) == (State.ACTIVE, State.SUPPRESSED)
    assert effect.inhibited_by == (FIRST,)


def one(**changes: Any) -> ActiveAlert:
    values: dict[str, Any] = {"state": State.ACTIVE, "groups": ()} | changes
    return ActiveAlert(
        FIRST, {"service": "api"}, {}, "", NOW, NOW, NOW, values.pop("state"), **values
    )


@pytest.mark.parametrize(
    ("alert", "flag"),
    [
        (one(), "active"),
        (one(state=State.UNPROCESSED), "unprocessed"),
        (one(state=State.SUPPRESSED, silenced_by=("s",)), "silenced"),
        (one(state=State.SUPPRESSED, inhibited_by=("i",)), "inhibited"),
        (one(state=State.SUPPRESSED, muted_by=("m",)), "muted"),
    ],
)
def test_each_flag_leaves_out_its_state(alert: ActiveAlert, flag: str) -> None:
    flags = {"active", "unprocessed", "silenced", "inhibited", "muted"}
    assert AlertFilter().has(alert)
    for other in flags:
        assert AlertFilter(**{other: False}).has(alert) is (other != flag)  # type: ignore[arg-type]


def test_matchers_and_the_receiver_leave_out_alerts() -> None:
    world = World(settings(rule("a", continues=True), rule("b", thresholds={"P1": "> 1%"})))
    world.see(alert(FIRST))
    (found,) = shown(world)
    assert found.receivers == ["critical", "high"]
    assert AlertFilter(parse_matchers('service=~"a.*"')).has(found)
    assert not AlertFilter(parse_matchers('service!="api"')).has(found)
    high = AlertFilter(receiver=Matcher("receiver", MatchOp.MATCHES, "hig."))
    assert high.has(found)
    assert not AlertFilter(receiver=Matcher("receiver", MatchOp.MATCHES, "igh")).has(found)
    assert [group.receiver for group in grouped([found], high)] == ["high"]


def test_groups_are_those_of_incidents() -> None:
    """Alerts of one rule with the same labels `group_by`, muted ones as well."""
    silence = RecurringSilence("s", parse_matchers('instance="b"'), TimeSpan(NOW, NOW + 600))
    world = World(settings(silences=(silence,)))
    named = {"alertname": "Payments", "service": "api"}
    world.see(
        alert(FIRST),
        alert(SECOND, labels=named | {"instance": "b"}),
        alert("00000000000000a3", service="db"),
        alert("00000000000000a4", "0.1%"),
    )
    found = grouped(shown(world), AlertFilter())
    assert [
        (dict(group.labels), group.receiver, [alert.fingerprint for alert in alerts])
        for group, alerts in found.items()
    ] == [
        ({"service": "api"}, "critical", [FIRST, SECOND]),
        ({"service": "db"}, "critical", ["00000000000000a3"]),
    ]

"""Muted alerts have no effect and are checked again in time: scripts over a store in memory."""

from typing import Any

import pytest

from router.core.incident.batch import Batch
from router.core.incident.policy import Policy, SeverityPlan, Step, Unless
from router.core.incident.settings import Settings
from router.core.incident.suppression import HELD_FOR, INHIBITED_FOR, NO_INCIDENT
from router.core.rules.matcher import parse_matchers
from router.core.suppression.inhibition import Inhibition
from router.core.suppression.recurring_silence import RecurringSilence, TimeSpan
from router.model.alert import Alert, AlertStatus
from router.model.event import AlertSeen, Command, Event, SilencesChanged, TimerDue
from router.model.incident import Severity
from router.model.reason import Reason
from tests.world import NOW, PLANS, POLICIES, World, alert, over, rule, settings

HOUR = 3600.0
P0, P1, P2, P3 = Severity


def silenced(
    start: float = 0, end: float = HOUR, match: str = "service=api", **changed: Any
) -> Settings:
    return settings(
        silences=(
            RecurringSilence(
                "maintenance", parse_matchers(match), TimeSpan(NOW + start, NOW + end)
            ),
        ),
        **changed,
    )


def inhibited() -> Settings:
    """While the web has an incident, payments alerts are muted there."""
    return settings(
        rule("web", "alertname=WebDown", severity=P0),
        rule(),
        inhibitions=(
            Inhibition(
                parse_matchers("alertname=Payments"),
                parse_matchers("alertname=WebDown"),
                equal=("service",),
            ),
        ),
    )


def web_down(**changed: Any) -> Alert:
    return alert("w1", labels={"alertname": "WebDown", "service": "api"}, **changed)


# --- silences


def test_a_silenced_alert_opens_nothing() -> None:
    """It's stored with the reason, and nobody is notified however often it repeats."""
    world = World(silenced())
    assert world.see(alert()) == [Reason.SILENCED]
    world.now += 60
    assert world.see(alert()) == [Reason.SILENCED]
    assert (world.incidents, world.queued) == ({}, [])
    assert world.rule_matches["f1", "payments"].reason is Reason.SILENCED


def test_others_are_heard() -> None:
    world = World(silenced())
    assert world.see(alert(), alert("f2", service="web")) == [Reason.SILENCED, Reason.OPENED]


def test_it_opens_when_the_silence_ends_though_nobody_repeats_it() -> None:
    """Its own timer opens it; its last-seen time is unchanged."""
    world = World(silenced())
    world.see(alert())
    world.advance(HOUR - 1)
    assert not world.incidents
    world.advance(1)
    assert world.incident.opened_at == NOW + HOUR
    assert world.rule_matches["f1", "payments"].last_seen == NOW
    assert world.see(alert()) == [Reason.REPEATED]


def test_what_is_over_by_then_is_never_heard_of() -> None:
    world = World(silenced())
    world.see(alert())
    assert world.see(over()) == [Reason.CLEARED]
    world.advance(2 * HOUR)
    assert not world.incidents


def test_what_is_no_longer_bad_enough_is_not_either() -> None:
    world = World(silenced())
    world.see(alert())
    world.see(alert(value="0.1%"))
    world.advance(2 * HOUR)
    assert not world.incidents


def test_a_silence_that_is_ended_early_is_over_at_once() -> None:
    """The alert is looked at as soon as silences have changed, and not when the silence would have
    ended.
    """
    world = World(silenced())
    world.see(alert())
    world.advance(60)
    world.settings = settings()
    assert world.happen(SilencesChanged(world.now)) == [Reason.SILENCES_CHANGED]
    world.advance(0)
    assert world.incident.opened_at == NOW + 60


def test_one_silence_after_another_is_one() -> None:
    """At the end of the first it's looked at, and it's still silenced."""
    spans = (TimeSpan(NOW, NOW + 60), TimeSpan(NOW + 60, NOW + 120))
    world = World(
        settings(
            silences=tuple(
                RecurringSilence("s", parse_matchers("service=api"), span) for span in spans
            )
        )
    )
    world.see(alert())
    world.advance(119)
    assert not world.incidents
    world.advance(1)
    assert world.incident.opened_at == NOW + 120


def test_what_somebody_answered_stays_answered() -> None:
    """A false positive that still fires doesn't come back because of a silence."""
    world = World(silenced(start=60))
    world.see(alert())
    world.command(Command.FALSE_POSITIVE)
    world.advance(90)
    assert world.see(alert()) == [Reason.HELD_FALSE_POSITIVE]
    world.advance(2 * HOUR)
    assert world.see(alert()) == [Reason.HELD_FALSE_POSITIVE]


def test_what_began_in_silence_was_answered_by_nobody() -> None:
    """It opens an incident after it, though the one before was a false positive."""
    world = World(silenced(start=60))
    world.see(alert())
    world.command(Command.FALSE_POSITIVE)
    world.advance(90)
    world.see(over())
    assert world.see(alert(starts_at=NOW + 90)) == [Reason.SILENCED]
    world.advance(HOUR)
    assert (world.incident.id, world.incident.is_open) == (2, True)


def test_a_silenced_alert_joins_no_incident_and_makes_none_worse() -> None:
    """The incident's timeline says so once; after the silence the alert joins and raises it."""
    world = World(silenced(match="pod=2"))
    world.see(alert(value="2%"))
    joining = alert("f2", labels={"alertname": "Payments", "service": "api", "pod": "2"})
    assert world.see(joining) == world.see(joining) == [Reason.SILENCED]
    assert (world.incident.alerts, world.incident.severity) == (1, P1)
    assert world.story().count(Reason.SILENCED) == 1
    world.advance(HOUR)
    assert (world.incident.alerts, world.incident.severity) == (2, P0)


def test_what_gets_worse_in_silence_raises_the_severity_after_it() -> None:
    world = World(silenced(start=60))
    world.see(alert(value="2%"))
    world.advance(60)
    assert world.see(alert(value="20%")) == [Reason.SILENCED]
    assert world.incident.severity is P1
    world.advance(HOUR)
    assert world.incident.severity is P0


def test_silence_does_not_hide_the_end() -> None:
    """The alert no longer holds its incident open, and everybody notified gets the end."""
    world = World(silenced(start=60))
    world.see(alert())
    world.advance(90)
    assert world.see(over()) == [Reason.CLEARED]
    assert not world.incident.is_open
    assert {queued.channel for queued in world.queued if queued.reason is Reason.RESOLVED} == {
        "slack",
        "pager",
    }


def test_a_sentry_event_is_not_lost_in_silence() -> None:
    """It comes once, so it's the deadline that brings it back; it isn't counted twice."""
    counting = rule(count_over=7200.0, thresholds={"P2": "> 0", "P0": "> 1"})
    world = World(
        settings(
            counting,
            silences=(
                RecurringSilence("s", parse_matchers("service=api"), TimeSpan(NOW, NOW + HOUR)),
            ),
        )
    )
    world.see(alert(source="sentry", event_id="1"))
    world.advance(HOUR)
    assert world.incident.severity is P2


# --- the pages of an open incident


def steps(world: World) -> list[tuple[float, str]]:
    return [
        (queued.at - NOW, queued.channel)
        for queued in world.queued
        if queued.reason is Reason.STEP_DUE
    ]


def test_a_silence_holds_back_the_pages_of_an_open_incident() -> None:
    """The policy pauses during the silence; the remaining steps keep their distance.

    The timeline records it once.
    """
    world = World(silenced(start=60))
    world.see(alert())
    world.advance(HOUR - 1)
    assert (steps(world), world.incident.muted) == ([], (Reason.SILENCED, "maintenance"))
    world.advance(2 * HOUR)
    assert steps(world) == [(HOUR, "phone"), (HOUR + 1500, "cto")]
    assert world.incident.muted is None
    assert world.story().count(Reason.SILENCED) == 1


def test_pages_go_on_within_a_minute_of_an_early_end() -> None:
    world = World(silenced(start=60))
    world.see(alert())
    world.advance(400)
    world.settings = settings()
    world.advance(HELD_FOR)
    assert [channel for _, channel in steps(world)] == ["phone"]


def test_pages_go_on_while_any_of_its_alerts_is_heard() -> None:
    """One alert that isn't silenced is reason enough."""
    world = World(silenced(match="pod=1"))
    world.see(alert("f2", labels={"alertname": "Payments", "service": "api", "pod": "2"}))
    world.settings = silenced(match="pod=~1|2")
    world.advance(300)
    assert steps(world) == []
    world.settings = silenced(match="pod=2")
    world.see(alert("f3", labels={"alertname": "Payments", "service": "api", "pod": "3"}))
    world.advance(HELD_FOR)
    assert [channel for _, channel in steps(world)] == ["phone"]


@pytest.mark.parametrize("command", [Command.ESCALATE, Command.SEVERITY])
def test_what_a_person_wants_is_done(command: Command) -> None:
    """They know of the silence."""
    world = World(silenced(start=60))
    world.see(alert(value="2%"))
    world.advance(90)
    world.queued.clear()
    world.command(command, **({"severity": P0} if command is Command.SEVERITY else {}))
    assert "pager" in {queued.channel for queued in world.queued}


def test_an_acknowledgement_in_silence_ends_it_as_ever() -> None:
    policies = POLICIES | {
        "critical": Policy(
            "critical",
            (
                Step(after=0, notify=("slack",)),
                Step(after=300, notify=("phone",), unless=Unless.ACKNOWLEDGED),
            ),
        )
    }
    world = World(silenced(start=60, policies=policies))
    world.see(alert())
    world.advance(400)
    world.command(Command.ACKNOWLEDGE)
    world.advance(2 * HOUR)
    assert (steps(world), world.story()[-2:]) == ([], [Reason.STEP_SKIPPED, Reason.STEPS_ENDED])


# --- inhibition


def test_while_the_cause_is_open_the_effect_opens_nothing() -> None:
    """Nor in one webhook with it, if the cause comes first."""
    world = World(inhibited())
    assert world.see(web_down(), alert()) == [Reason.OPENED, Reason.INHIBITED]
    assert world.see(alert("f2", service="web")) == [Reason.OPENED]
    assert [incident.rule for incident in world.incidents.values()] == ["web", "payments"]


def test_it_opens_when_the_cause_is_over() -> None:
    """At once, without a repeat and before its next check."""
    world = World(inhibited())
    world.see(web_down(), alert())
    world.advance(INHIBITED_FOR / 2)
    world.see(web_down(status=AlertStatus.RESOLVED))
    world.advance(0)
    assert (world.incident.rule, world.incident.opened_at) == ("payments", NOW + INHIBITED_FOR / 2)


def test_it_is_looked_at_again_while_the_cause_lasts() -> None:
    world = World(inhibited())
    world.see(web_down(), alert())
    world.advance(10 * HOUR)
    assert [incident.rule for incident in world.incidents.values()] == ["web"]


def test_the_pages_of_an_effect_that_came_first_are_held_back() -> None:
    """The cause comes, and they wait until it's over."""
    world = World(inhibited())
    world.see(alert())
    world.advance(60)
    world.see(web_down())
    world.advance(HOUR)
    assert world.incidents[1].muted == (Reason.INHIBITED, "INC-2")
    assert [
        queued
        for queued in world.queued
        if queued.incident_id == 1 and queued.reason is Reason.STEP_DUE
    ] == []
    world.see(web_down(status=AlertStatus.RESOLVED))
    world.advance(HELD_FOR)
    assert world.incidents[1].muted is None


def test_what_keeps_each_other_quiet_is_not_quiet_for_ever() -> None:
    """One of two alerts that inhibit each other pages."""
    both = (
        Inhibition(parse_matchers("alertname=Payments"), rule="web"),
        Inhibition(parse_matchers("alertname=WebDown"), rule="payments"),
    )
    world = World(settings(rule("web", "alertname=WebDown", severity=P0), rule()))
    world.see(alert(), web_down())
    world.settings = settings(
        rule("web", "alertname=WebDown", severity=P0), rule(), inhibitions=both
    )
    world.advance(HOUR)
    assert steps(world)


# --- what it costs


@pytest.mark.parametrize(
    ("config", "seen", "named", "besides"),
    [
        pytest.param(settings(), alert(), [], None, id="no inhibition"),
        pytest.param(silenced(), alert(), [], None, id="a silence"),
        pytest.param(
            inhibited(), alert("f2", labels={"alertname": "DiskFull"}), [], None, id="no target"
        ),
        pytest.param(inhibited(), alert(), [], ["payments"], id="a target"),
        pytest.param(
            settings(inhibitions=(Inhibition(parse_matchers("service=api"), rule="database"),)),
            alert(),
            ["database"],
            None,
            id="a target of a rule",
        ),
        pytest.param(
            settings(
                rule("payments"),
                rule("database", "alertname=DatabaseDown"),
                rule("odd", 'severity=~"c.*"'),
                inhibitions=(
                    Inhibition(
                        parse_matchers("service=api"), parse_matchers("alertname=DatabaseDown")
                    ),
                ),
            ),
            alert(),
            [],
            ["payments"],
            id="a target of incidents with labels: not those of rules that want other labels",
        ),
    ],
)
def test_open_incidents_are_read_only_where_they_may_inhibit(
    config: Settings, seen: Alert, named: list[str], besides: list[str] | None
) -> None:
    """The read is on the way of every alert, and there may be thousands of incidents."""
    plans = [*Batch(config, [AlertSeen(NOW, seen)]).reads]
    assert [[*plan.open] for plan in plans] == [[], named]
    assert [plan.open_besides for plan in plans] == [None, besides]


def test_a_deadline_that_is_out_of_date_does_nothing() -> None:
    """The alert has repeated meanwhile, and was handled."""
    world = World(silenced())
    world.see(alert())
    world.settings = settings()
    world.see(alert())
    assert [incident for incident, _ in world.timers if incident == NO_INCIDENT]
    world.advance(2 * HOUR)
    assert len(world.incidents) == 1


def test_what_happens_in_silence_is_in_the_history() -> None:
    """A check of an alert that is still muted isn't recorded; any other due work is."""
    plans = {**PLANS, P1: SeverityPlan("high", respond_within=2000.0)}
    world = World(silenced(start=60, severities=plans))
    kept: list[Event] = []
    world.watch = lambda changes: kept.extend(changes.history)
    world.see(alert(value="2%"))
    world.advance(HOUR - 1)
    timers = [(event.name, event.at - NOW) for event in kept if isinstance(event, TimerDue)]
    assert timers == [("step", 1800), ("respond", 2000)]

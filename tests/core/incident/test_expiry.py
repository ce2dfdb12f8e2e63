"""Alerts whose source reports them no more."""

from typing import Any

from router.core.incident.policy import Policy, Promote, SeverityPlan, Step
from router.core.incident.settings import AT_LEAST, INTERVALS
from router.model.event import Command
from router.model.incident import Severity, Status
from router.model.reason import Reason
from tests.world import NOW, PLANS, POLICIES, World, alert, over, rule, settings

P0, P1, P2, P3 = Severity
HOUR = 3600.0


def expiring(**changed: Any) -> World:
    """A P1 whose alert is stale after an hour, with a step and a promotion in two hours."""
    steps = (Step(notify=("slack",)), Step(after=2 * HOUR, notify=("pager",)))
    policy = Policy("high", steps, promote=Promote(P0, 2 * HOUR))
    config = settings(
        rule(thresholds={"P1": "> 1%"}, expire_after=HOUR, **changed),
        policies=POLICIES | {"high": policy},
        severities=PLANS | {P1: SeverityPlan("high")},
    )
    return World(config)


def test_a_stale_alert_pages_nobody_and_asks() -> None:
    world = expiring()
    world.see(alert())
    world.advance(HOUR - 1)
    assert world.incident.stale_since is None
    world.advance(3 * HOUR)
    assert world.incident.stale_since == NOW
    assert (world.incident.is_open, world.incident.severity) == (True, P1)
    assert world.story().count(Reason.STALE) == 1
    assert not {Reason.STEP_DUE, Reason.PROMOTED} & {*world.story()}
    assert [message.channel for message in world.queued if message.reason is Reason.STALE] == [
        "slack"
    ]
    assert world.rule_matches["f1", "payments"].reason is Reason.STALE


def test_a_report_makes_it_an_ordinary_alert_again() -> None:
    """The policy goes on where it stood, with the deadlines that were put off."""
    world = expiring()
    world.see(alert())
    world.advance(3 * HOUR)
    assert world.see(alert()) == [Reason.REPORTED_AGAIN]
    assert world.incident.stale_since is None
    world.advance(HOUR - 1)
    assert Reason.STEP_DUE in world.story()
    world.advance(1)
    assert world.story().count(Reason.STALE) == 2


def test_reports_in_time_keep_it_alive() -> None:
    world = expiring()
    for _ in range(8):
        world.see(alert())
        world.advance(HOUR - 60)
    assert Reason.STALE not in world.story()
    assert world.incident.severity is P0, "promoted meanwhile"


def test_a_stale_alert_ends_where_the_rule_says_so() -> None:
    """Not as if it had been resolved; its next report reopens the incident."""
    world = expiring(resolve_stale=True)
    world.see(alert())
    world.advance(HOUR)
    assert world.incident.status is Status.RESOLVED
    assert world.story()[-2:] == [Reason.STALE, Reason.RESOLVED]
    assert "stale" in world.timeline[-1].data["why"]
    world.advance(60)
    assert world.see(alert()) == [Reason.REOPENED]


def test_one_alert_that_still_comes_keeps_the_incident_alive() -> None:
    world = expiring()
    world.see(alert(), alert("f2"))
    for _ in range(4):
        world.advance(HOUR - 60)
        world.see(alert("f2"))
    assert world.story().count(Reason.STALE) == 1
    assert world.incident.stale_since is None
    assert Reason.STEP_DUE in world.story()


def test_several_observed_repeat_intervals_are_the_default() -> None:
    """With observed repeats only: at least five hours for Alertmanager's repeats every four."""
    world = World()
    world.see(alert())
    world.advance(4 * HOUR)
    world.see(alert())
    world.advance(INTERVALS * 4 * HOUR - 61)
    assert Reason.STALE not in world.story()
    world.advance(61)
    assert Reason.STALE in world.story()


def test_frequent_repeats_do_not_make_it_hasty() -> None:
    world = World()
    for _ in range(5):
        world.see(alert())
        world.advance(300)
    world.advance(AT_LEAST - 301)
    assert Reason.STALE not in world.story()


def test_what_never_repeated_is_never_stale_by_default() -> None:
    """An occurrence of a Sentry issue has no repeats, and a person's report neither."""
    world = World()
    world.see(alert(), alert("s1", source="sentry", event_id="e1", service="web"))
    world.advance(30 * 24 * HOUR)
    assert Reason.STALE not in {entry.what for entry in world.timeline}


def test_a_source_has_its_own_time() -> None:
    world = World(settings(expire_after={"sentry": HOUR}))
    world.see(alert("s1", source="sentry", event_id="e1"), alert("f1", service="web"))
    world.advance(HOUR)
    assert [incident.stale_since for incident in world.incidents.values()] == [NOW, None]


def test_a_closed_incident_has_no_stale_alerts() -> None:
    world = expiring()
    world.see(alert())
    world.command(Command.RESOLVE)
    world.advance(2 * HOUR)
    assert Reason.STALE not in world.story()
    assert world.timers == {}


def test_a_stale_alert_can_be_resolved() -> None:
    world = expiring()
    world.see(alert())
    world.advance(2 * HOUR)
    assert world.see(over()) == [Reason.CLEARED]
    assert world.incident.status is Status.RESOLVED

"""Alerts with a lifetime end when no report moves their end: timelines."""

from typing import Any

import pytest

from router.core.incident.timeout import GRACE, LATE
from router.core.rules.matcher import parse_matchers
from router.core.suppression.recurring_silence import RecurringSilence, TimeSpan
from router.model.alert import Alert, AlertStatus, Lifetime
from router.model.event import TimerDue
from router.model.incident import Status
from router.model.reason import Reason
from tests.world import NOW, World, alert, over, rule, settings

MINUTE = 60.0
LIFE = 4 * MINUTE
"""The lifetime that Prometheus gives an alert by default, in seconds."""


def lively(world: World, life: float = LIFE, **changed: Any) -> Alert:
    """A report of now."""
    values: dict[str, Any] = {"lifetime": Lifetime.END, "ends_at": world.now + life}
    return alert(**(values | changed))


def test_an_alert_that_vanishes_ends_at_its_end() -> None:
    world = World()
    world.see(lively(world))
    world.advance(LIFE - 1)
    assert world.incident.is_open
    world.advance(1)
    assert world.incident.status is Status.RESOLVED
    assert world.story()[-2:] == [Reason.TIMED_OUT, Reason.RESOLVED]
    assert "timed out" in world.timeline[-1].data["why"]
    assert world.rule_matches["f1", "payments"].status is AlertStatus.RESOLVED


def test_reports_move_the_end() -> None:
    """Each report of Prometheus has an end a little later; the last one counts."""
    world = World()
    world.see(lively(world))
    for _ in range(30):
        world.advance(MINUTE)
        assert world.see(lively(world)) == [Reason.REPEATED]
    world.advance(LIFE - 1)
    assert world.incident.is_open
    world.advance(1)
    assert not world.incident.is_open


def test_the_same_firing_that_comes_back_reopens_the_incident() -> None:
    world = World()
    world.see(lively(world))
    world.advance(LIFE)
    assert world.see(lively(world)) == [Reason.REOPENED]


def test_a_resolve_after_the_end_changes_nothing() -> None:
    world = World()
    world.see(lively(world))
    world.advance(LIFE)
    story = world.story()
    world.see(over(ends_at=world.now))
    assert world.story() == story


def test_a_short_life_is_moved_by_reports_that_cost_no_write_otherwise() -> None:
    """Repeats within a minute are written only when they move the end by a quarter of the life."""
    world = World()
    for _ in range(20):
        world.see(lively(world, 30))
        world.advance(10)
    assert world.incident.is_open
    assert Reason.TIMED_OUT not in world.story()


@pytest.mark.parametrize(
    ("first", "then", "life"),
    [
        ((Lifetime.END, 600), (Lifetime.END, 60), 600),
        ((Lifetime.END, 600), (Lifetime.END, 700), 700),
        ((Lifetime.END, 600), (Lifetime.TIMEOUT, 300), 600),
        ((Lifetime.TIMEOUT, 300), (Lifetime.END, 60), 60),
        ((Lifetime.TIMEOUT, 300), (Lifetime.END, 600), 600),
    ],
)
def test_a_given_end_wins_over_an_earlier_one_and_over_a_timeout(
    first: tuple[Lifetime, float], then: tuple[Lifetime, float], life: float
) -> None:
    """As in Alertmanager, `Alert.Merge`."""
    world = World()
    for lifetime, seconds in (first, then):
        world.see(lively(world, lifetime=lifetime, ends_at=NOW + seconds))
    world.advance(life - 1)
    assert world.incident.is_open
    world.advance(1)
    assert not world.incident.is_open


def test_a_muted_alert_and_one_under_every_threshold_end_as_well() -> None:
    silence = RecurringSilence("s", parse_matchers('service="db"'), TimeSpan(NOW, NOW + 1e6))
    world = World(settings(rule(), silences=(silence,)))
    world.see(
        lively(world, fingerprint="muted", service="db"),
        lively(world, fingerprint="fine", value="0.1%"),
    )
    world.advance(LIFE)
    assert {rule_match.status for rule_match in world.rule_matches.values()} == {
        AlertStatus.RESOLVED
    }
    assert not world.memory.incidents


def test_all_rules_let_the_alert_go() -> None:
    world = World(settings(rule("a", continues=True), rule("b")))
    world.see(lively(world))
    world.advance(LIFE)
    assert [incident.is_open for incident in world.memory.incidents.values()] == [False, False]


def test_a_source_can_report_again_after_a_restart() -> None:
    """Reports could not arrive while the router was down, so their absence says nothing."""
    world = World(settings(resumed_at=NOW + LIFE - 1))
    world.see(lively(world))
    world.advance(LIFE - 1 + GRACE - 1)
    assert world.incident.is_open
    world.advance(1)
    assert not world.incident.is_open


def test_a_deadline_that_comes_late_waits_for_reports() -> None:
    """The store was away, and reports were refused."""
    world = World()
    world.see(lively(world))
    world.now += LIFE + LATE + 1
    due = world.due(world.now)
    assert [one.name for one in due] == ["ends/f1"]
    assert world.happen(*due) == [Reason.TIMER_OUTDATED]
    assert world.incident.is_open
    world.advance(GRACE)
    assert not world.incident.is_open


def test_a_deadline_of_an_unknown_or_lasting_alert_has_no_effect() -> None:
    world = World()
    world.see(alert())
    for name in ("ends/f1", "ends/f2"):
        assert world.happen(TimerDue(world.now, 0, name, world.now)) == [Reason.TIMER_OUTDATED]
    assert world.incident.is_open

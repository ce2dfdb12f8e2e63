"""Flapping: an incident that changes too often stays open, and its changes notify nobody."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.explain.pages import IncidentHistory
from router.core.explain.why import why_person
from router.core.incident.policy import Policy, Step
from router.core.oncall.recipients import ContactMethod, People
from router.core.rules.rule import Flapping, SeverityFrom
from router.model.event import Command
from router.model.incident import Severity
from router.model.reason import Reason
from tests.world import World, alert, over, rule, settings

MILD = "2%"
"""The value of a P1."""


def world(**changed: Any) -> World:
    return World(settings(rule(**changed)))


def cycle(made: World, *, fires: float = 60.0, clear: float = 60.0, value: str = MILD) -> None:
    made.see(alert(value=value, starts_at=made.now))
    made.advance(fires)
    made.see(over(value=value, starts_at=made.now - fires))
    made.advance(clear)


def flapping(**changed: Any) -> World:
    """Three cycles, six changes: the last of them began the flapping."""
    made = world(**changed)
    for _ in range(3):
        cycle(made)
    made.deliver()
    made.queued.clear()
    return made


def test_the_sixth_change_within_an_hour_begins_it() -> None:
    """The incident stays open, and everybody notified of it receives the reason."""
    made = world()
    for _ in range(2):
        cycle(made)
    made.deliver()
    made.see(alert(value=MILD, starts_at=made.now))
    assert made.incident.flapping_since is None
    made.deliver()
    made.see(over(value=MILD))
    assert made.incident.is_open
    assert made.incident.flapping_since == made.now
    assert made.story()[-3:] == [Reason.CLEARED, Reason.FLAPPING, Reason.QUIET]
    assert made.timeline[-2].data == {"changes": 6, "within": "1h", "settle": "30m"}
    assert [reason for _, reason in made.deliver("slack")] == [Reason.QUIET]


def test_its_changes_notify_nobody() -> None:
    """Only the message that is edited in place follows them; the incident isn't reopened.

    An acknowledgement stays valid; without one, the policy goes on.
    """
    made = flapping()
    made.command(Command.ACKNOWLEDGE)
    made.queued.clear()
    for _ in range(5):
        cycle(made, clear=900.0)
    assert {message.reason for message in made.queued} == {Reason.JOINED, Reason.QUIET}
    assert {message.channel for message in made.queued} == {"slack"}
    assert made.incident.reopened == 2


def test_a_worse_severity_does_and_a_p0_no_longer_flaps() -> None:
    made = flapping()
    made.see(alert(value="20%", starts_at=made.now))
    assert made.incident.severity is Severity.P0
    assert made.incident.flapping_since is None
    assert {message.channel for message in made.queued} >= {"slack", "pager"}
    assert made.story()[-1] is Reason.SETTLED
    made.see(over(value="20%"))
    assert not made.incident.is_open


def test_it_settles_once_nothing_fires_for_a_while() -> None:
    """Then the incident resolves, and everybody is notified of that."""
    made = flapping()
    made.advance(1739)
    assert made.incident.is_open
    made.advance(1)
    assert made.story()[-2:] == [Reason.SETTLED, Reason.RESOLVED]
    assert made.incident.flapping_since is None
    assert made.queued[-1].reason is Reason.RESOLVED


def test_it_settles_once_it_fires_steadily() -> None:
    """The incident stays open. Its next changes are reported again."""
    made = flapping()
    made.see(alert(value=MILD, starts_at=made.now))
    made.advance(1800)
    assert made.story()[-1] is Reason.SETTLED
    assert made.timeline[-1].data["why"] == "its alerts have fired for 30m"
    assert made.queued[-1].reason is Reason.SETTLED
    made.advance(1800)
    made.see(over(value=MILD))
    assert made.story()[-1] is Reason.RESOLVED


def test_rare_changes_are_no_flapping() -> None:
    made = world()
    for _ in range(12):
        cycle(made, fires=300.0, clear=1500.0)
    assert Reason.FLAPPING not in {entry.what for entry in made.timeline}


def test_a_new_incident_continues_the_count() -> None:
    """An alert that returns after `reopen_within` flaps, too, if its rule counts over longer."""
    made = world(flapping=Flapping(changes=6, within=7200.0, settle=1800.0))
    for _ in range(3):
        cycle(made, clear=700.0)
    assert made.incident.id == 3
    assert made.incident.flapping_since is not None


def test_a_rule_may_never_flap() -> None:
    made = flapping(flapping=Flapping(changes=0))
    assert not made.incident.is_open
    assert made.incident.changes == ()


def test_a_test_of_a_channel_never_flaps() -> None:
    """However often somebody repeats it."""
    made = world()
    for _ in range(4):
        made.see(alert(to=("slack",), starts_at=made.now))
        made.advance(1)
        made.see(over(to=("slack",)))
        assert not made.incident.is_open
        made.advance(1)


def test_a_severity_that_follows_its_alert_stays_the_worst() -> None:
    """A warning and a critical alert by turns are one page, not many."""
    levels = SeverityFrom(label="level", map={"warn": Severity.P2, "bad": Severity.P1}, follow=True)
    made = world(severity_from=levels, severity=Severity.P3)

    def see(level: str) -> Severity:
        labels = {"alertname": "Payments", "service": "api"}
        made.see(alert(labels=labels, annotations={"level": level}))
        made.advance(60)
        return made.incident.severity

    assert [see(level) for level in ["warn", "bad", "warn", "bad", "warn", "bad"]][-1] == "P1"
    assert made.incident.flapping_since is not None
    assert see("warn") is Severity.P1


def test_a_person_who_closes_it_ends_it() -> None:
    """The next firing is reported, and begins it again."""
    made = flapping()
    made.command(Command.RESOLVE)
    assert made.incident.flapping_since is None
    made.queued.clear()
    made.see(alert(value=MILD, starts_at=made.now))
    assert {message.reason for message in made.queued} == {Reason.REOPENED}
    assert made.incident.flapping_since == made.now


def test_explain_says_why_nobody_was_notified_of_a_change() -> None:
    made = World(
        settings(
            rule(),
            people=People({"ana": (ContactMethod("sms"),)}),
            policies={
                name: Policy(name, (Step(after=0, notify=("contact:ana",)),))
                for name in ("critical", "high", "low")
            },
        )
    )
    for _ in range(3):
        cycle(made)
        made.deliver()
    for _ in range(3):
        cycle(made, clear=1500.0)
    history = IncidentHistory(made.incident, made.memory.timeline, ())
    answer = why_person("ana", made.now, [history], made.settings).answer
    assert "Flapping: 6 changes within 1h. Changes are not sent until there is none" in answer


@pytest.mark.parametrize("limit", [{"changes": 1}, {"changes": 101}, {"settle": 0.0}])
def test_a_limit_without_sense_is_refused(limit: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"flapping\."):
        Flapping(**limit)


values = st.sampled_from(["20%", "2%", "0.1%", "over"])
steps = st.lists(st.tuples(values, st.sampled_from([60.0, 300.0, 700.0, 2000.0])), max_size=25)


def pages(steps: list[tuple[str, float]], limit: Flapping) -> set[tuple[float, str]]:
    """The messages about an incident that is a P0 at that time."""
    made, found = world(flapping=limit), set()
    for value, seconds in steps:
        made.queued.clear()
        before = made.incidents and made.incident.is_open
        seen = over() if value == "over" else alert(value=value, starts_at=made.now)
        made.see(seen)
        if made.incidents and made.incident.severity is Severity.P0:
            # The end isn't a page.
            opened = made.incident.is_open and not (before and value == "over")
            found |= {(made.now, message.channel) for message in made.queued if opened}
        made.advance(seconds)
        for incident in made.incidents.values():
            flaps = incident.flapping_since is not None
            names = {name for of, name in made.timers if of == incident.id}
            assert not flaps or (incident.is_open and incident.severity is not Severity.P0)
            assert ("settle" in names) is bool(flaps and incident.firing)
            assert not flaps or incident.firing or "resolve" in names
    return found


@given(steps)
def test_no_page_about_a_p0_is_lost(steps: list[tuple[str, float]]) -> None:
    """Each one that is sent without flap detection is sent with it, too."""
    limit = Flapping(changes=3, within=7200.0, settle=1800.0)
    assert pages(steps, Flapping(changes=0)) <= pages(steps, limit)


@given(steps)
def test_every_incident_settles(steps: list[tuple[str, float]]) -> None:
    made = world(flapping=Flapping(changes=2, within=7200.0, settle=1800.0))
    for value, seconds in steps:
        made.see(over() if value == "over" else alert(value=value, starts_at=made.now))
        made.advance(seconds)
    made.advance(1800)
    assert all(incident.flapping_since is None for incident in made.incidents.values())

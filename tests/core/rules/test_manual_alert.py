"""Incidents opened by a person: the rules decide, except for what the person specified."""

import pytest

from router.core.explain.alert import explain
from router.core.rules.manual_alert import MAX_TITLE, reported
from router.model.event import Command
from router.model.incident import Severity
from router.model.reason import Reason
from tests.world import NOW, World, rule, settings


def test_it_falls_to_the_default_rule_with_its_severity() -> None:
    """And the timeline says who opened it."""
    world = World()
    assert world.see(reported("  Checkout\nis down ", "ana", world.now)) == [Reason.OPENED]
    assert world.incident.severity is Severity.P2
    assert world.incident.source == "person"
    assert world.incident.labels["alertname"] == "Checkout is down"
    assert next(entry.by for entry in world.timeline if entry.what is Reason.OPENED) == "ana"


def test_what_the_person_says_it_is_overrules_the_rule() -> None:
    """With and without a matching rule; `explain` shows the reason."""
    ours = settings(rule("checkout", 'alertname=~"Checkout.*"', thresholds={"P0": "> 10%"}))
    alert = reported(
        "Checkout is down", "ana", NOW, severity=Severity.P1, labels={"service": "web"}
    )
    (outcome,) = explain(ours, alert, NOW).outcomes
    assert (outcome.rule.name, outcome.judgement.severity) == ("checkout", Severity.P1)
    assert outcome.judgement.reason is Reason.SEVERITY_SET
    world = World(ours)
    world.see(alert)
    assert (world.incident.rule, world.incident.severity) == ("checkout", Severity.P1)


def test_the_same_title_is_the_same_incident() -> None:
    """While it's open, and for a while after: then it's reopened.

    It may be worse the second time.
    """
    world = World()
    world.see(reported("Checkout is down", "ana", world.now))
    world.advance(60)
    assert world.see(reported("Checkout is down", "ben", world.now)) == [Reason.CHANGED]
    worse = reported("Checkout is down", "ben", world.now + 1, severity=Severity.P0)
    assert world.see(worse) == [Reason.SEVERITY_RAISED]
    assert (len(world.incidents), world.incident.firing, world.incident.severity) == (
        1,
        1,
        Severity.P0,
    )
    world.command(Command.RESOLVE)
    world.advance(60)
    assert world.see(reported("Checkout is down", "cleo", world.now)) == [Reason.REOPENED]
    world.command(Command.RESOLVE)
    world.advance(world.settings.reopen_within + 1)
    assert world.see(reported("Checkout is down", "cleo", world.now)) == [Reason.OPENED]


def test_only_a_person_ends_it() -> None:
    """Nothing clears it automatically."""
    world = World()
    world.see(reported("Checkout is down", "ana", world.now))
    world.advance(30 * 86_400)
    assert world.incident.is_open
    assert world.command(Command.RESOLVE) is Reason.RESOLVED_BY_PERSON


@pytest.mark.parametrize("title", ["", " \n\0", "x" * (MAX_TITLE + 1)])
def test_a_title_that_says_nothing_or_too_much_is_refused(title: str) -> None:
    with pytest.raises(ValueError, match="title"):
        reported(title, "ana", NOW)


def test_it_is_no_alert_of_a_machine() -> None:
    """One with the same labels is another condition."""
    assert reported("Payments", "ana", NOW).fingerprint.startswith("person-")

"""Reports of alerts that come late, twice, from two sides, or from another incident: timelines."""

import pytest

from router.core.incident.dedup import LATE_FOR
from router.core.rules.matcher import parse_matchers
from router.core.rules.rule import SeverityFrom
from router.core.suppression.inhibition import Inhibition
from router.core.text.template import compile_template
from router.model.alert import AlertStatus
from router.model.event import Command
from router.model.incident import Severity, Status
from router.model.reason import Reason
from tests.world import NOW, World, alert, over, rule, settings

P0, P1, P2, P3 = Severity
MEASURED = "{{ labels.alertname }} at {{ value | percent }}"
BY_LABEL = SeverityFrom(label="severity", map={"critical": P1, "warning": P2})


# --- late reports


def test_a_resolve_of_an_earlier_firing_says_nothing_about_the_present_one() -> None:
    """A retry, or a second Alertmanager: the acknowledgement stands, and nobody reads RESOLVED."""
    world = World()
    world.see(alert(), over(ends_at=NOW + 60))
    world.advance(700)
    assert world.see(alert(starts_at=NOW + 690)) == [Reason.OPENED]
    world.command(Command.ACKNOWLEDGE, 2)
    assert world.see(over(ends_at=NOW + 60)) == [Reason.LATE_RESOLVE]
    assert (world.incident.is_open, world.incident.firing) == (True, 1)
    assert world.see(over(starts_at=NOW + 690, ends_at=NOW + 700)) == [Reason.CLEARED]


def test_a_late_resolve_is_no_news_for_any_rule_but_one_for_a_rule_that_it_ends() -> None:
    """Each rule has its own memory of the firing."""
    world = World(settings(rule("a", continues=True), rule("b", severity=P3)))
    world.see(alert())
    assert world.see(over(ends_at=NOW - 1)) == [Reason.LATE_RESOLVE]
    assert world.see(over(ends_at=NOW + 1)) == [Reason.CLEARED]
    assert [incident.is_open for incident in world.incidents.values()] == [False, False]


def test_a_firing_that_comes_after_its_own_resolve_opens_nothing() -> None:
    """Its resolve never comes again, so the incident would never end."""
    world = World()
    world.now += 100
    assert world.see(over(ends_at=NOW + 60)) == [Reason.NEVER_FIRED]
    world.now += 30
    assert world.see(alert()) == [Reason.LATE_FIRING]
    assert world.see(alert(starts_at=NOW + 7)) == [Reason.LATE_FIRING]
    assert world.incidents == {}


def test_a_firing_that_begins_after_the_resolve_opens() -> None:
    world = World()
    world.now += 100
    world.see(over(ends_at=NOW + 60))
    assert world.see(alert(starts_at=NOW + 61)) == [Reason.OPENED]


def test_what_is_still_reported_after_a_while_fires() -> None:
    """Silence would be the worse error."""
    world = World()
    world.see(over(ends_at=NOW + 60))
    world.now += LATE_FOR + 1
    assert world.see(alert()) == [Reason.OPENED]


def test_a_remembered_resolve_is_in_the_history() -> None:
    """A replay without it would open what the router didn't."""
    world = World()
    kept: list[object] = []
    world.watch = lambda changes: kept.extend(changes.history)
    world.see(over(ends_at=NOW + 60))
    assert len(kept) == 1


# --- a moved start


@pytest.mark.parametrize("command", [Command.RESOLVE, Command.FALSE_POSITIVE])
def test_a_moved_start_does_not_undo_a_close(command: Command) -> None:
    """The second Alertmanager of a pair reports the same firing a few seconds apart."""
    world = World()
    world.advance(30)
    world.see(alert())
    world.command(command)
    held = {Command.RESOLVE: Reason.HELD_RESOLVED}.get(command, Reason.HELD_FALSE_POSITIVE)
    assert world.see(alert(starts_at=NOW + 7)) == [held]
    assert world.see(alert()) == [held]


def test_a_moved_start_does_not_raise_a_lowered_severity() -> None:
    world = World()
    world.advance(30)
    world.see(alert())
    world.command(Command.SEVERITY, severity=P2)
    assert world.see(alert(starts_at=NOW + 7)) == [Reason.CHANGED]
    assert world.incident.severity is P2


def test_a_moved_start_is_no_second_occurrence() -> None:
    counting = rule(count_over=600.0, thresholds={"P1": "> 3", "P3": "> 0"})
    world = World(settings(counting))
    world.advance(30)
    for _ in range(3):
        world.see(alert())
        world.advance(60)
        world.see(alert(starts_at=NOW + 7))
        world.advance(60)
    assert world.incident.severity is P3


def test_a_start_after_the_last_report_is_another_firing() -> None:
    world = World()
    world.see(alert())
    world.command(Command.RESOLVE)
    world.advance(300)
    assert world.see(alert(starts_at=NOW + 250)) == [Reason.REOPENED]


def test_the_first_start_counts_for_a_late_resolve() -> None:
    """Both of a pair resolve it, whichever start they report."""
    world = World()
    world.advance(30)
    world.see(alert(starts_at=NOW + 7), alert())
    assert world.see(over(ends_at=NOW + 3)) == [Reason.CLEARED]


# --- another incident


def test_an_alert_that_moves_says_where_to() -> None:
    """Nothing is called resolved, in the timeline or by the status."""
    world = World()
    world.see(alert())
    assert world.see(alert(service="web")) == [Reason.OPENED]
    first, second = world.incidents.values()
    assert (first.status, first.merged_into, first.firing) == (Status.MERGED, second.id, 0)
    moved, merged = (
        next(entry for entry in world.timeline if entry.incident_id == 1 and entry.what is what)
        for what in (Reason.MOVED, Reason.MERGED)
    )
    assert (moved.data["to"], merged.data["into"]) == ("INC-2", "INC-2")


def test_an_alert_that_moves_leaves_the_others_behind() -> None:
    world = World()
    world.see(alert(), alert("f2"))
    world.see(alert(service="web"))
    assert [(incident.is_open, incident.firing) for incident in world.incidents.values()] == [
        (True, 1),
        (True, 1),
    ]


def test_a_later_alert_with_the_old_key_has_an_incident_of_its_own() -> None:
    """The old incident resolved without a person; only a person's merge redirects alerts."""
    world = World()
    world.see(alert())
    world.see(alert(service="web"))
    assert world.see(alert("f2")) == [Reason.REOPENED]
    assert world.incidents[1].firing == 1


# --- what people have decided


def test_a_false_positive_holds_until_the_alert_ends() -> None:
    """Also while another incident with the key is open, and long after the reopening window."""
    world = World()
    world.see(alert(value="2%"))
    world.command(Command.FALSE_POSITIVE)
    world.advance(86_400)
    assert world.see(alert("f2", value="2%")) == [Reason.OPENED]
    assert world.see(alert(value="2.01%")) == [Reason.HELD_FALSE_POSITIVE]
    assert world.incident.firing == 1
    assert world.see(over(), alert(value="2%")) == [Reason.CLEARED, Reason.JOINED]


@pytest.mark.parametrize(
    ("worse", "lets_go"), [("2.1%", False), ("2.3%", True), ("1.1%", False), ("lots", False)]
)
def test_a_false_positive_lets_go_when_the_value_gets_worse(worse: str, lets_go: bool) -> None:
    """Than it was when it was marked, by more than noise; step by step, too."""
    world = World()
    world.see(alert(value="2%"))
    world.command(Command.FALSE_POSITIVE)
    (reason,) = world.see(alert(value=worse))
    assert reason is (Reason.OPENED if lets_go else Reason.HELD_FALSE_POSITIVE)


def test_a_slow_rise_lets_go_in_the_end() -> None:
    """It's compared with the value at the time of the decision."""
    world = World()
    world.see(alert(value="2%"))
    world.command(Command.FALSE_POSITIVE)
    reasons = [world.see(alert(value=f"{value}%"))[0] for value in (2.1, 2.15, 2.19, 2.25)]
    assert reasons == [Reason.HELD_FALSE_POSITIVE] * 3 + [Reason.OPENED]


def test_a_value_that_falls_is_worse_where_less_is_worse() -> None:
    world = World(settings(rule(thresholds={"P1": "< 50%"})))
    world.see(alert(value="40%"))
    world.command(Command.FALSE_POSITIVE)
    assert world.see(alert(value="44%")) == [Reason.HELD_FALSE_POSITIVE]
    assert world.see(alert(value="30%")) == [Reason.OPENED]


def test_closing_by_hand_shows_the_alerts_that_still_fire() -> None:
    world = World()
    world.see(alert(), alert("f2"))
    world.command(Command.RESOLVE)
    assert (world.incident.is_open, world.incident.firing) == (False, 2)
    world.see(over())
    assert (world.incident.firing, world.story()[-1]) == (1, Reason.CLEARED)
    world.advance(700)
    assert world.see(alert("f2")) == [Reason.OPENED]
    assert [incident.firing for incident in world.incidents.values()] == [0, 1]


# --- severity from a label


def test_a_pair_of_warning_and_critical_is_one_incident_that_gets_worse() -> None:
    world = World(settings(rule(severity=P2, severity_from=BY_LABEL)))
    labels = {"alertname": "Payments", "service": "api"}
    assert world.see(alert("w", labels=labels | {"severity": "warning"})) == [Reason.OPENED]
    critical = alert("c", labels=labels | {"severity": "critical"})
    assert world.see(critical) == [Reason.SEVERITY_RAISED]
    assert (world.incident.severity, world.incident.firing) == (P1, 2)
    world.see(over("c", labels=critical.labels))
    assert (world.incident.severity, world.incident.firing) == (P1, 1)


@pytest.mark.parametrize("follow", [True, False])
def test_the_severity_of_one_alert_follows_it(follow: bool) -> None:
    """Warning, critical, warning: the incident's severity follows the alert if the rule says so."""
    given = SeverityFrom(label="severity", map=BY_LABEL.map, follow=follow)
    world = World(settings(rule(severity=P2, severity_from=given)))
    labels = {"alertname": "Payments", "service": "api"}
    for level in ("warning", "critical", "warning"):
        world.see(alert(labels=labels | {"severity": level}))
    assert (len(world.incidents), world.incident.severity) == (1, P2 if follow else P1)
    assert (Reason.SEVERITY_LOWERED in world.story()) is follow


def test_a_severity_that_a_person_set_does_not_follow() -> None:
    given = SeverityFrom(label="severity", map=BY_LABEL.map, follow=True)
    world = World(settings(rule(severity=P2, severity_from=given)))
    labels = {"alertname": "Payments", "service": "api"}
    world.see(alert(labels=labels | {"severity": "critical"}))
    world.command(Command.SEVERITY, severity=P0)
    world.see(alert(labels=labels | {"severity": "warning"}))
    assert world.incident.severity is P0


def test_a_value_that_is_not_mapped_is_a_warning() -> None:
    world = World(settings(rule(severity=P2, severity_from=BY_LABEL)))
    world.see(alert(labels={"alertname": "Payments", "service": "api", "severity": "page"}))
    (warning,) = [entry for entry in world.timeline if entry.what is Reason.SEVERITY_UNMAPPED]
    assert (world.incident.severity, warning.data["label"]) == (P2, "severity=page")


# --- values


def test_an_unreadable_value_is_a_warning_and_no_measurement() -> None:
    """The lowest tier; no line of the timeline words the text as if it had been measured."""
    world = World()
    world.see(alert(value="lots"))
    opened = world.timeline[0]
    assert (world.incident.severity, world.incident.measured) == (P1, None)
    assert (opened.data["value"], opened.data["threshold"]) == (None, None)
    (warning,) = [entry for entry in world.timeline if entry.what is Reason.VALUE_UNREADABLE]
    assert (warning.data["unread"], warning.data["rule"]) == ("lots", "payments")


def test_a_value_that_turns_unreadable_is_a_warning_once() -> None:
    world = World()
    world.see(alert(value="2%"))
    for text in ("lots", "more", "2%", "NaN"):
        world.see(alert(value=text))
    warnings = [
        entry.data["unread"] for entry in world.timeline if entry.what is Reason.VALUE_UNREADABLE
    ]
    assert warnings == ["lots", "NaN"]


def test_the_worst_value_is_on_the_incident_and_in_its_title() -> None:
    titled = rule(thresholds={"P0": "> 10%", "P1": "> 1%"}, summary=compile_template(MEASURED))
    world = World(settings(titled))
    world.see(alert(value="2%"))
    assert world.incident.title == "Payments at 2%"
    world.see(alert(value="40%"))
    measured = world.incident.measured
    assert measured is not None
    assert (measured.value, measured.read, measured.threshold) == (0.4, "40%", "> 10%")
    assert (world.incident.title, world.incident.first_title) == (
        "Payments at 40%",
        "Payments at 2%",
    )
    world.see(alert(value="30%"))
    assert world.incident.measured == measured


def test_a_value_that_gets_worse_within_its_tier_is_on_the_timeline() -> None:
    """Small changes are ignored as noise."""
    world = World()
    world.see(alert(value="20%"), alert(value="21%"))
    assert world.story().count(Reason.CHANGED) == 0
    world.see(alert(value="40%"))
    assert world.timeline[-1].data["value"] == "40%"
    measured = world.incident.measured
    assert (measured and measured.read) == "40%"


def test_an_alert_below_its_threshold_is_not_cleared() -> None:
    """It still fires at its source, and the end names the reason."""
    world = World()
    world.see(alert())
    world.see(alert(value="0.5%"))
    assert Reason.CLEARED not in world.story()
    below = next(entry for entry in world.timeline if entry.what is Reason.BELOW_THRESHOLD)
    assert (below.data["alert"], below.data["value"]) == ("Payments", "0.5%")
    assert world.timeline[-1].data["why"] == "no alert is above its threshold"


# --- inhibition


def test_an_incident_does_not_inhibit_its_own_alerts() -> None:
    """Neither the one that opened it, nor others that join it or make it worse."""
    own = Inhibition(parse_matchers("service=api"), rule="payments", equal=("service",))
    world = World(settings(inhibitions=(own,)))
    assert world.see(alert(value="2%")) == [Reason.OPENED]
    assert world.see(alert("f2", value="2%")) == [Reason.JOINED]
    assert world.see(alert(value="40%")) == [Reason.SEVERITY_RAISED]
    assert world.incident.severity is P0
    world.advance(300)
    assert Reason.STEP_DUE in world.story()


def test_an_alert_is_not_inhibited_by_the_incident_that_it_leaves() -> None:
    """Its labels changed, so that the cause that muted it would be gone with it."""
    config = settings(
        rule("web", "service=web", severity=P1),
        rule(),
        inhibitions=(Inhibition(parse_matchers("service=api"), rule="web"),),
    )
    world = World(config)
    world.see(alert(service="web"))
    assert world.see(alert()) == [Reason.OPENED]
    assert [incident.is_open for incident in world.incidents.values()] == [False, True]


def test_two_incidents_that_inhibit_each_other_do_not_both_fall_silent() -> None:
    mutual = (
        Inhibition(parse_matchers("service=api"), rule="web"),
        Inhibition(parse_matchers("service=web"), rule="api"),
    )
    rules = (rule("api", "service=api", severity=P0), rule("web", "service=web", severity=P0))
    world = World(settings(*rules))
    world.see(alert("a"), alert("w", service="web"))
    world.settings = settings(*rules, inhibitions=mutual)
    world.advance(300)
    paged = [incident for incident in world.incidents if Reason.STEP_DUE in world.story(incident)]
    assert len(paged) == 1


def test_a_replayed_occurrence_after_its_resolve_stays_a_replay() -> None:
    world = World()
    first = alert(source="sentry", event_id="e1")
    world.see(first, over(source="sentry", event_id="e2"))
    assert world.see(first) == [Reason.REPLAYED]
    assert world.rule_matches["f1", "payments"].status is AlertStatus.RESOLVED

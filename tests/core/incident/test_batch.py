"""Batches of events over a store: combined results, independent of how they are grouped."""

import pytest
from msgspec.structs import replace

from router.core.incident.dedup import SEEN_EVERY
from router.core.incident.settings import AT_LEAST
from router.core.incident.snapshot import Conflict, Writes
from router.core.incident.suppression import NO_INCIDENT
from router.model.alert import Alert, AlertStatus, RuleMatch
from router.model.event import AlertSeen, Command, Commanded, Event, Recorded
from router.model.incident import Severity, Status
from router.model.reason import Reason
from router.model.record import Record
from tests.world import NOW, World, alert, over, rule, settings

P0, P1, P2, P3 = Severity


def rule_match(world: World, fingerprint: str = "f1", name: str = "payments") -> RuleMatch:
    return world.rule_matches[fingerprint, name]


def seen(world: World, *alerts: Alert) -> list[AlertSeen]:
    return [AlertSeen(world.now, each) for each in alerts]


def resolve(world: World, incident_id: int = 1) -> Commanded:
    return Commanded(world.now, incident_id, "ana", Command.RESOLVE)


# --- repeats


def test_a_repeat_costs_nothing() -> None:
    """Nothing at all is written, as long as the stored time isn't stale."""
    world = World()
    assert world.see(alert()) == [Reason.OPENED]
    world.now += SEEN_EVERY - 1
    changes, reasons = world.decide(*seen(world, alert()))
    assert (changes, reasons) == (Writes(), [Reason.REPEATED])


def test_a_stale_repeat_costs_its_time() -> None:
    """Only that, and once however often it's repeated in one request.

    The first also sets when the alert is stale.
    """
    world = World()
    world.see(alert())
    world.now += SEEN_EVERY
    world.see(alert())
    assert world.timers[NO_INCIDENT, "stale/1"] == world.now + AT_LEAST
    world.now += SEEN_EVERY
    assert world.decide(*seen(world, alert()))[0] == Writes(
        seen=[("f1", "payments", world.now, None)]
    )
    world.see(alert(), alert())
    assert rule_match(world).last_seen == world.now
    assert not world.decide(*seen(world, alert()))[0]


@pytest.mark.parametrize(
    "quiet",
    [
        pytest.param([alert(value="0.1%")], id="under every threshold"),
        pytest.param([alert(), over()], id="resolved"),
    ],
)
def test_what_opens_nothing_repeats_for_nothing(quiet: list[Alert]) -> None:
    world = World()
    world.see(*quiet)
    assert world.decide(*seen(world, quiet[-1])) == (Writes(), [Reason.REPEATED])


def test_resolved_without_having_fired_is_nothing() -> None:
    world = World()
    assert world.decide(*seen(world, over())) == (Writes(), [Reason.NEVER_FIRED])


@pytest.mark.parametrize(
    "changed",
    [
        {"value": "21%"},
        {"annotations": {"value": "20%", "summary": "new"}},
        {"url": "https://elsewhere"},
        {"labels": {"alertname": "Payments", "service": "api", "pod": "2"}},
        {"starts_at": NOW + 1},
    ],
)
def test_a_change_is_looked_at(changed: dict[str, object]) -> None:
    """It's kept, and the incident isn't touched where it's none the worse."""
    world = World()
    world.see(alert())
    changes, reasons = world.decide(*seen(world, alert(**changed)))
    assert (reasons, set(changes.rule_matches), changes.incidents) == (
        [Reason.CHANGED],
        {("f1", "payments")},
        {},
    )


def test_the_end_of_an_alert_is_no_change() -> None:
    """Alertmanager moves it on with every repeat."""
    world = World()
    world.see(alert(ends_at=NOW + 240))
    assert world.see(alert(ends_at=NOW + 300)) == [Reason.REPEATED]


# --- several events in one transaction


def test_the_same_alert_twice_in_one_request_joins_once() -> None:
    world = World()
    assert world.see(alert(), alert()) == [Reason.OPENED, Reason.REPEATED]
    assert (world.incident.firing, world.incident.alerts, world.incident.version) == (1, 1, 1)


def test_resolved_and_back_in_one_request() -> None:
    """The same incident reopens, and each channel gets one message."""
    world = World()
    world.see(alert())
    assert world.see(over(), alert(starts_at=NOW + 5)) == [Reason.CLEARED, Reason.REOPENED]
    assert (world.incident.is_open, world.incident.firing, world.incident.version) == (True, 1, 2)
    assert world.timers == {(1, "step"): NOW + 300}
    assert (rule_match(world).status, rule_match(world).counted) == (AlertStatus.FIRING, True)


def test_back_and_resolved_in_one_request() -> None:
    """Though the last of them is what the store has already."""
    world = World()
    world.see(alert(), over())
    assert world.see(alert(starts_at=NOW + 5), over()) == [Reason.REOPENED, Reason.CLEARED]
    assert (world.incident.is_open, world.timers) == (False, {})


def test_a_repeat_that_stops_being_one_within_the_transaction() -> None:
    """Firing, resolved, firing: the third is what the store has, and no repeat of what came before
    it.
    """
    world = World()
    world.see(alert())
    assert world.see(over(), alert()) == [Reason.CLEARED, Reason.REOPENED]


@pytest.mark.parametrize("command", [Command.RESOLVE, Command.FALSE_POSITIVE])
def test_a_repeat_in_one_transaction_with_a_closing_command(command: Command) -> None:
    """The alert is evaluated again, and muted."""
    world = World(settings(rule("payments", continues=True), rule("all", "", severity=P2)))
    world.see(alert(), alert("f2"))
    held = {
        Command.RESOLVE: Reason.HELD_RESOLVED,
        Command.FALSE_POSITIVE: Reason.HELD_FALSE_POSITIVE,
    }[command]
    closing = Commanded(world.now, 1, "ana", command)
    assert world.happen(closing, *seen(world, alert()))[1] is held
    assert (rule_match(world).incident_id, rule_match(world).reason) == (1, held)
    assert (rule_match(world, "f2").incident_id, rule_match(world, "f2").digest) == (1, "")
    assert rule_match(world, "f1", "all").incident_id == 2


def test_joined_and_closed_in_one_transaction() -> None:
    """An alert that isn't stored yet is let go of as well."""
    world = World()
    world.see(alert())
    world.happen(*seen(world, alert("f2")), resolve(world))
    assert not any(each.digest for each in world.rule_matches.values())
    assert world.see(alert("f2")) == [Reason.HELD_RESOLVED]


def test_one_fold_is_one_version_of_each_incident() -> None:
    """However much happens to them."""
    world = World()
    world.see(alert(), alert("f2"), alert("f3", service="web"), alert("f4", value="2%"))
    assert [incident.version for incident in world.incidents.values()] == [1, 1]
    world.happen(
        *seen(world, over(), over("f2")), Commanded(world.now, 1, "ana", Command.NOTE, "n")
    )
    assert [incident.version for incident in world.incidents.values()] == [2, 1]
    assert sorted(world.incidents) == [1, 2]


def test_alerts_of_one_key_share_an_incident_from_the_first() -> None:
    world = World()
    assert world.see(alert(), alert("f2"), alert("f3", service="web")) == [
        Reason.OPENED,
        Reason.JOINED,
        Reason.OPENED,
    ]
    assert [(i.key, i.firing) for i in world.incidents.values()] == [
        ('payments{service="api"}', 2),
        ('payments{service="web"}', 1),
    ]


def test_after_the_window_another_incident_opens_with_the_next_number() -> None:
    world = World()
    world.see(alert(), over())
    world.advance(601)
    assert world.see(alert(starts_at=world.now), alert("f2", service="web")) == [
        Reason.OPENED,
        Reason.OPENED,
    ]
    assert [(i.id, i.is_open) for i in world.incidents.values()] == [
        (1, False),
        (2, True),
        (3, True),
    ]


@pytest.mark.parametrize(
    "other",
    [
        Commanded(NOW, 1, "ben", Command.ACKNOWLEDGE),
        AlertSeen(NOW, alert("f2")),
        AlertSeen(NOW, alert("f3", value="2%")),
    ],
)
def test_what_lost_a_race_is_decided_again_from_scratch(other: Event) -> None:
    """Nothing of the lost try is left."""
    world = World()
    world.see(alert())
    changes, _ = world.decide(*seen(world, over()))
    world.happen(other)
    before = (
        dict(world.rule_matches),
        dict(world.timers),
        list(world.timeline),
        dict(world.outbox),
    )
    with pytest.raises(Conflict):
        world.save(changes)
    assert before == (world.rule_matches, world.timers, world.timeline, world.outbox)
    assert world.see(over()) == [Reason.CLEARED]
    assert world.incident.firing == sum(each.counted for each in world.rule_matches.values())


def test_two_who_open_the_same_incident_end_up_in_one() -> None:
    """The second is refused by the store, and joins when it decides again."""
    world = World()
    lost, _ = world.decide(*seen(world, alert("f2")))
    world.see(alert("f1"))
    with pytest.raises(Conflict):
        world.save(lost)
    assert world.see(alert("f2")) == [Reason.JOINED]


# --- thresholds and severity


def test_under_the_threshold_is_kept_and_opens_nothing() -> None:
    world = World()
    assert world.see(alert(value="0.1%")) == [Reason.BELOW_THRESHOLD]
    assert (world.incidents, rule_match(world).severity, rule_match(world).counted) == (
        {},
        None,
        False,
    )
    assert world.see(alert(value="2%")) == [Reason.OPENED]


def test_under_the_threshold_after_all_clears_it() -> None:
    """The incident ends as if the alert had; over it again soon, it reopens."""
    world = World()
    world.see(alert(value="2%"))
    assert world.see(alert(value="0.1%")) == [Reason.BELOW_THRESHOLD]
    assert world.story()[-2:] == [Reason.BELOW_THRESHOLD, Reason.RESOLVED]
    assert world.timeline[-1].data["why"] == "no alert is above its threshold"
    assert world.see(over()) == [Reason.CLEARED]
    assert world.see(alert(value="2%")) == [Reason.REOPENED]


def test_severity_rises_with_the_value_and_stays() -> None:
    world = World()
    world.see(alert(value="2%"))
    assert world.see(alert(value="20%")) == [Reason.SEVERITY_RAISED]
    assert world.see(alert(value="3%")) == [Reason.CHANGED]
    assert world.incident.severity is P0


def test_a_person_lowers_the_severity_for_as_long_as_nothing_gets_worse() -> None:
    """A P0 that goes on with another value is what they knew of. Better and worse again isn't."""
    world = World()
    world.see(alert(value="20%"))
    world.command(Command.SEVERITY, severity=P2)
    assert world.see(alert(value="21%")) == [Reason.CHANGED]
    assert world.incident.severity is P2
    assert world.see(alert("f2", value="2%")) == [Reason.SEVERITY_RAISED]
    assert world.incident.severity is P1
    assert world.see(alert(value="2%"), alert(value="20%")) == [
        Reason.CHANGED,
        Reason.SEVERITY_RAISED,
    ]


# --- what people have answered


def test_what_somebody_resolved_is_held_back_for_a_while() -> None:
    """Each repeat is looked at again; after the window what still fires is another incident."""
    world = World()
    world.see(alert())
    world.command(Command.RESOLVE)
    assert (rule_match(world).incident_id, rule_match(world).digest) == (1, "")
    world.advance(600)
    assert world.see(alert()) == [Reason.HELD_RESOLVED]
    world.advance(1)
    assert world.see(alert()) == [Reason.OPENED]
    assert world.incident.id == 2


@pytest.mark.parametrize(
    "news",
    [
        pytest.param([alert(starts_at=NOW + 9)], id="it fires anew"),
        pytest.param([over(), alert()], id="it was over"),
        pytest.param([alert("f2")], id="another fires"),
        pytest.param([alert(value="0.1%"), alert()], id="it was under the threshold"),
        pytest.param([alert(value="20%")], id="it gets worse"),
    ],
)
@pytest.mark.parametrize(
    ("command", "reason"),
    [(Command.RESOLVE, Reason.REOPENED), (Command.FALSE_POSITIVE, Reason.OPENED)],
)
def test_news_ends_the_hold(news: list[Alert], command: Command, reason: Reason) -> None:
    """A resolved incident reopens; after a false positive a new one opens."""
    world = World()
    world.see(alert(value="2%"))
    world.command(command)
    assert world.see(alert(value="2.1%"))[0] in {Reason.HELD_RESOLVED, Reason.HELD_FALSE_POSITIVE}
    assert world.see(*news)[-1] is reason


def test_held_alerts_are_counted_once_another_has_reopened_the_incident() -> None:
    world = World()
    world.see(alert(), alert("f2"))
    world.command(Command.RESOLVE)
    world.see(alert())
    assert world.see(alert("f3")) == [Reason.REOPENED]
    assert world.see(alert(), alert("f2")) == [Reason.CHANGED, Reason.CHANGED]
    assert world.incident.firing == 3


def test_an_alert_that_is_held_can_end() -> None:
    world = World()
    world.see(alert())
    world.command(Command.RESOLVE)
    assert world.see(over()) == [Reason.CLEARED]
    assert world.story()[-2:] == [Reason.RESOLVED_BY_PERSON, Reason.CLEARED]
    assert world.incident.firing == 0


# --- several rules, and other rules


def test_an_alert_that_continues_is_in_an_incident_of_each_rule() -> None:
    """It opens both, holds both open and clears both; the answer is the first's."""
    world = World(settings(rule("a", continues=True), rule("b", severity=P3)))
    assert world.see(alert()) == [Reason.OPENED]
    assert [(i.rule, i.severity, i.firing) for i in world.incidents.values()] == [
        ("a", P0, 1),
        ("b", P3, 1),
    ]
    assert world.see(alert()) == [Reason.REPEATED]
    world.command(Command.RESOLVE, 2)
    assert world.see(alert(), over()) == [Reason.CHANGED, Reason.CLEARED]
    assert [i.is_open for i in world.incidents.values()] == [False, False]


def test_rules_that_change_nothing_for_an_alert_leave_its_incident_alone() -> None:
    world = World()
    world.see(alert())
    world.settings = settings(rule(), rule("other", "service=web"))
    changes, reasons = world.decide(*seen(world, alert()))
    assert (reasons, changes.incidents, len(changes.rule_matches)) == ([Reason.CHANGED], {}, 1)


def test_rules_that_give_it_to_another_rule_move_it() -> None:
    """The incident that loses its last alert so is closed, and says where the alert went: nothing
    is resolved.
    """
    world = World()
    world.see(alert())
    world.settings = settings(rule("other"), rule())
    assert world.see(alert()) == [Reason.OPENED]
    assert [(i.rule, i.is_open, i.firing) for i in world.incidents.values()] == [
        ("payments", False, 0),
        ("other", True, 1),
    ]
    assert set(world.rule_matches) == {("f1", "other")}
    moved = next(entry for entry in world.timeline if entry.what is Reason.MOVED)
    assert moved.data["to"] == "INC-2"
    assert (world.incidents[1].status, world.incidents[1].merged_into) == (Status.MERGED, 2)
    assert not {Reason.RESOLVED, Reason.CLEARED} & {entry.what for entry in world.timeline}


def test_an_occurrence_elsewhere_ends_nothing() -> None:
    """A Sentry issue is one condition in production and in staging: what's seen there says nothing
    about here.
    """
    world = World(
        settings(
            rule("staging", "environment=staging", severity=P3), rule("fatal", "", severity=P1)
        )
    )
    here = alert(source="sentry", event_id="e1", labels={"environment": "production"})
    there = replace(here, event_id="e2", labels={"environment": "staging"})
    assert world.see(here, there) == [Reason.OPENED, Reason.OPENED]
    assert [(i.rule, i.is_open) for i in world.incidents.values()] == [
        ("fatal", True),
        ("staging", True),
    ]
    world.see(replace(here, event_id="e3", status=AlertStatus.RESOLVED, labels={}))
    assert [i.is_open for i in world.incidents.values()] == [False, False]


def test_rules_that_group_it_otherwise_move_it() -> None:
    world = World()
    world.see(alert(), alert("f2"))
    world.settings = settings(rule(group_by=("alertname",)))
    assert world.see(alert(), alert("f2")) == [Reason.OPENED, Reason.JOINED]
    assert [(i.key, i.is_open, i.firing) for i in world.incidents.values()] == [
        ('payments{service="api"}', False, 0),
        ('payments{alertname="Payments"}', True, 2),
    ]


def test_a_changed_grouping_label_moves_it() -> None:
    """From an incident to another that is open, which becomes as bad as the alert."""
    world = World()
    world.see(alert(), alert("f2", value="2%", service="web"))
    assert world.see(alert(service="web")) == [Reason.SEVERITY_RAISED]
    assert [(i.is_open, i.firing, i.severity) for i in world.incidents.values()] == [
        (False, 0, P0),
        (True, 2, P0),
    ]


def test_rules_that_find_it_worse_raise_the_severity() -> None:
    """Though somebody had lowered it: under those rules it wasn't this bad."""
    world = World()
    world.see(alert(value="2%"))
    world.command(Command.SEVERITY, severity=P2)
    world.settings = settings(rule(severity=P0))
    assert world.see(alert(value="2%")) == [Reason.SEVERITY_RAISED]


def test_an_alert_that_changes_rules_and_back_within_a_transaction_is_in_one_incident() -> None:
    """The state for the rule in between is dropped, since it was never stored."""
    world = World(settings(rule("api", "service=api"), rule("web", "service=web")))
    world.see(alert(), alert(service="web"), alert())
    assert set(world.rule_matches) == {("f1", "api")}
    assert [(i.rule, i.firing) for i in world.incidents.values()] == [("api", 1), ("web", 0)]


def test_a_document_of_an_incident_that_is_not_there_is_not_written() -> None:
    """It goes with a line of the timeline, and there's none."""
    lost = Recorded(
        NOW, 7, Reason.PUBLISHED, records=(Record("note", "n1", NOW, 1, "{}"),), receipt="r1"
    )
    changes, reasons = World().decide(lost)
    assert (changes.records, reasons) == ([], [Reason.UNKNOWN_INCIDENT])

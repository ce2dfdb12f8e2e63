"""Replay of the past under other rules: incidents that would differ, and people's reactions."""

from msgspec.structs import replace

from router.core.incident.policy import Policy, SeverityPlan, Step, Unless
from router.core.incident.settings import Settings
from router.core.oncall.recipients import ContactMethod, People
from router.core.replay.diff import ReplayDiff, acted_on, difference
from router.core.replay.history import History, real
from router.core.replay.replay import Replay
from router.core.virtual.router import VirtualRouter
from router.model.alert import DRILL, AlertStatus, Lifetime
from router.model.event import AlertSeen, Command, Commanded, DeliverySettled, Event
from router.model.incident import Severity
from router.model.notification import Attempt, Notification, Sent
from tests.world import NOW, World, alert, rule, settings

P0, P1, P2, P3 = Severity


def config(*ways: str, **changed: object) -> Settings:
    """A P0 pages Ana, and Ben after five minutes; a P1 pages Ben alone; an incident for each
    service.
    """
    return settings(
        rule(**changed),
        policies={
            "loud": Policy(
                "loud",
                (
                    Step(after=0, notify=("contact:ana",)),
                    Step(after=300, notify=("contact:ben",), unless=Unless.ACKNOWLEDGED),
                ),
            ),
            "quiet": Policy("quiet", (Step(after=0, notify=("contact:ben",)),)),
        },
        severities={P0: SeverityPlan("loud")} | dict.fromkeys((P1, P2, P3), SeverityPlan("quiet")),
        people=People(
            {"ana": tuple(map(ContactMethod, ways or ("sms",))), "ben": (ContactMethod("sms"),)}
        ),
        edited=frozenset(),
    )


def lived(*events: Event, until: float = 1000.0, ways: tuple[str, ...] = ()) -> History:
    """Records of a router that lived through these events."""
    kept: list[Event] = []
    router = VirtualRouter(config(*ways), NOW, watch=lambda changes: kept.extend(changes.history))
    for event in events:
        router.run_until(event.at)
        router.happen(event)
    router.run_until(NOW + until)
    return History(kept, router.memory.timeline, [*router.memory.incidents.values()])


def fires(service: str, value: str, at: float = 0.0) -> AlertSeen:
    return AlertSeen(NOW + at, alert(service, value, service=service))


def over(service: str, at: float) -> AlertSeen:
    return AlertSeen(
        NOW + at, replace(alert(service, service=service), status=AlertStatus.RESOLVED)
    )


def ack(incident_id: int, at: float) -> Commanded:
    return Commanded(NOW + at, incident_id, "cem", Command.ACKNOWLEDGE)


def replayed(past: History, **changed: object) -> ReplayDiff:
    replay = Replay(config(**changed), past)
    replay.run(NOW + 1000)
    return difference(past, replay, NOW)


PAST = lived(
    fires("a", "20%"), ack(1, 60), fires("b", "2%", 100), fires("c", "0.5%", 200), over("a", 400)
)


def test_under_the_same_rules_there_is_no_difference() -> None:
    found = replayed(PAST)
    assert not found
    assert {who: (person.then, person.now) for who, person in found.people.items()} == {
        "ana": (3, 3),
        "ben": (1, 1),
    }


def test_what_was_queued_between_the_claim_and_the_sending_is_another_message() -> None:
    """Rendering takes a moment. An acknowledgement within it goes into the next message."""
    world = World(config())
    kept: list[Event] = []

    def happen(*events: Event) -> None:
        changes, _ = world.decide(*events)
        world.save(changes)
        kept.extend(changes.history)

    def send(held: Notification) -> None:
        attempt = Attempt(world.now, 0.01, Sent())
        seen_entry = max(entry.id for entry in world.timeline)
        happen(DeliverySettled(world.now, held, (attempt,), seen_entry, taken_at=world.now - 0.03))

    happen(fires("a", "20%"))
    (first,) = world.claim("sms/ana")
    world.now += 0.02
    happen(ack(1, 0.02))
    world.now += 0.02
    send(first)
    world.now += 0.1
    (second,) = world.claim("sms/ana")
    send(second)
    past = History(kept, world.timeline, [*world.incidents.values()])
    replay = Replay(config(), past)
    replay.run(NOW + 1000)
    assert not difference(past, replay, NOW)
    assert [delivery.address for delivery in replay.delivered] == ["sms/ana", "sms/ana"]


def test_a_lower_threshold_opens_what_there_was_none_of() -> None:
    found = replayed(PAST, thresholds={"P0": "> 10%", "P1": "> 0.1%"})
    assert [(incident.key, incident.severity) for incident in found.appeared] == [
        ('payments{service="c"}', P1)
    ]
    assert (found.more, found.fewer) == (1, 0)


def test_a_higher_threshold_loses_what_somebody_acted_on() -> None:
    """And it's said: the page that was answered wouldn't have been."""
    found = replayed(PAST, thresholds={"P1": "> 30%"})
    assert [incident.id for incident in found.vanished] == [1, 2]
    assert (found.more, found.fewer) == (0, 4)
    assert found.missed(P0) == 3
    assert [(lost.who, lost.times, lost.acted) for lost in found.lost] == [
        ("ana", 3, True),
        ("ben", 1, False),
    ]


def test_who_is_told_over_two_ways_is_one_person_who_is_not_told() -> None:
    found = replayed(lived(fires("a", "20%"), ways=("sms", "mail")), thresholds={"P1": "> 30%"})
    assert [(lost.who, lost.times) for lost in found.lost] == [("ana", 2), ("ben", 1)]


def test_another_severity_is_another_policy() -> None:
    found = replayed(PAST, thresholds={"P0": "> 1%"})
    assert [(then.id, then.severity, now.severity) for then, now in found.severity] == [(2, P1, P0)]
    assert {who: (person.more, person.fewer) for who, person in found.people.items()} == {
        "ana": (1, 0),
        "ben": (0, 0),
    }


def test_what_is_merged_takes_what_people_did_to_its_parts() -> None:
    """One incident for all: who acknowledged one of them acknowledges it."""
    found = replayed(PAST, group_by=())
    ((pair),) = found.merged
    assert ([one.id for one in pair.then], len(pair.now)) == ([1, 2], 1)
    assert pair.now[0].acknowledged_by == "cem"


def test_what_is_split_is_answered_in_each_part() -> None:
    past = lived(
        fires("a", "20%"),
        AlertSeen(NOW + 1, alert("a2", "20%", service="a", labels=LABELS)),
        ack(1, 60),
    )
    found = replayed(past, group_by=("service", "host"))
    ((pair),) = found.split
    assert [one.acknowledged_by for one in pair.now] == ["cem", "cem"]
    assert (found.more, found.fewer) == (2, 0), "that it opened, and that it's acknowledged"


LABELS = {"alertname": "Payments", "service": "a", "host": "h2"}


def test_deadlines_that_there_were_not_come_when_they_are_due() -> None:
    """Nobody acknowledged what was a P1; as a P0 it would have been escalated."""
    found = replayed(lived(fires("b", "2%"), fires("z", "0.5%", 900)), thresholds={"P0": "> 1%"})
    assert {who: (person.then, person.now) for who, person in found.people.items()} == {
        "ana": (0, 1),
        "ben": (1, 1),
    }


def test_a_replay_is_a_past_that_others_are_held_against() -> None:
    """Replayed once more by the same rules it's the same."""
    first = Replay(config(thresholds={"P0": "> 1%"}), PAST, deliveries=False)
    first.run()
    again = Replay(config(thresholds={"P0": "> 1%"}), first.past, deliveries=False)
    again.run()
    assert not difference(first.past, again, NOW)
    assert acted_on(first.past.entries) == {1}


def test_drills_are_left_out() -> None:
    """Drills and commands about them are left out; real incidents keep their numbers."""
    drill = fires("api", "20%", 10.0)
    posed = AlertSeen(
        drill.at, replace(drill.alert, fingerprint="drill-1", source=DRILL, drill="1")
    )
    past = lived(fires("web", "20%"), posed, fires("db", "20%", 20.0), ack(2, 30.0), ack(3, 40.0))
    assert [incident.drill for incident in past.incidents] == [False, True, False]
    left = real(past)
    assert [incident.id for incident in left.incidents] == [1, 3]
    assert len(left.events) < len(past.events)
    assert all(entry.incident_id != 2 for entry in left.entries)
    assert replayed(left) == replayed(
        lived(fires("web", "20%"), fires("db", "20%", 20.0), ack(2, 40.0))
    )


def test_an_alert_with_a_lifetime_ends_when_it_ended() -> None:
    """Its repeats, which moved the end, had no effect of their own and are not in the history."""

    def report(at: float) -> AlertSeen:
        lively = alert("a", service="a", lifetime=Lifetime.END, ends_at=NOW + at + 240)
        return AlertSeen(NOW + at, lively)

    past = lived(*map(report, (0, 60, 120, 180, 240, 300, 360)))
    assert [event.at - NOW for event in past.events if isinstance(event, AlertSeen)] == [0]
    again = Replay(config(), past)
    again.run(NOW + 1000)
    assert again.memory.incidents[1].closed_at == past.incidents[0].closed_at == NOW + 600
    assert again.memory.incidents.keys() == {1}

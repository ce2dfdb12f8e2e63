"""The timeline for readers: newest first, people's entries alone, deliveries folded."""

from router.core.oncall.recipients import People
from router.model.decision import Entry
from router.model.event import Command
from router.model.reason import Reason
from router.web.pages.history import grouped, kind_of, responders
from tests.world import World, alert


def entry(number: int, what: Reason, by: str = "") -> Entry:
    return Entry(1, float(number), what, by, {}, number)


TIMELINE = [
    entry(1, Reason.OPENED, "source:alertmanager"),
    entry(2, Reason.JOINED, "source:alertmanager"),
    entry(3, Reason.DELIVERED),
    entry(4, Reason.DELIVERY_FAILED),
    entry(5, Reason.ACKNOWLEDGED, "ana"),
    entry(6, Reason.NOTED, "ana"),
    entry(7, Reason.STEPS_ENDED),
]


def test_deliveries_and_alerts_in_a_row_are_one_group() -> None:
    """Entries of people are never folded."""
    found = [(group.kind, [one.id for one in group.entries]) for group in grouped(TIMELINE)]
    assert found == [
        ("router", [7]),
        ("person", [6]),
        ("person", [5]),
        ("delivery", [4, 3]),
        ("alert", [2, 1]),
    ]


def test_a_group_counts_its_failures() -> None:
    """A folded failure is seen without unfolding."""
    (deliveries,) = [group for group in grouped(TIMELINE) if group.kind == "delivery"]
    assert deliveries.failed == 1
    assert kind_of(TIMELINE[0]) == "alert"


def test_people_are_listed_with_what_they_do() -> None:
    """The lead first, then those who did something or were notified, each person once."""
    world = World()
    world.see(alert())
    world.command(Command.ACKNOWLEDGE, by="Ana Lima")
    people = People({"ana": ()}, called={"ana lima": "ana"})
    found = responders(world.incident, TIMELINE, people)
    assert [one for one in found if "ana" in one[0].lower()] == [
        ("Ana Lima", "leads, acknowledged")
    ]

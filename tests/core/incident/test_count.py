"""Rules that count: how often something happened lately, and that nothing happens twice."""

from msgspec.structs import replace

from router.core.incident.batch import MAX_WINDOW
from router.core.incident.snapshot import Writes
from router.model.alert import Alert
from router.model.event import AlertSeen, Command
from router.model.incident import Severity
from router.model.reason import Reason
from tests.world import NOW, World, alert, over, rule, settings

COUNTING = settings(
    rule("logins", count_over=300.0, thresholds={"P1": "> 4", "P2": "> 2"}, group_by=())
)


def event(number: int, fingerprint: str = "f1", **changed: object) -> Alert:
    """One occurrence, of a source that reports those."""
    return alert(
        fingerprint, source="sentry", event_id=f"e{number}", starts_at=NOW + number, **changed
    )


def test_a_replayed_event_has_no_second_effect() -> None:
    """In the same request, later, or after others of the same condition."""
    world = World(COUNTING)
    assert world.see(event(1), event(1)) == [Reason.BELOW_THRESHOLD, Reason.REPLAYED]
    world.see(event(2))
    assert world.decide(AlertSeen(world.now, event(1))) == (Writes(), [Reason.REPLAYED])
    assert len(world.windows["logins{}"]) == 2


def test_a_count_opens_and_raises_by_how_often() -> None:
    """Over all conditions of the key."""
    world = World(COUNTING)
    said = [world.see(event(n, fingerprint=f"f{n % 2}"))[0] for n in range(6)]
    assert said == [
        Reason.BELOW_THRESHOLD,
        Reason.BELOW_THRESHOLD,
        Reason.OPENED,
        Reason.JOINED,
        Reason.SEVERITY_RAISED,
        Reason.CHANGED,
    ]
    assert world.incident.title == "Payments on api"


def test_a_window_slides() -> None:
    """Two events, and another when the first is just outside."""
    world = World(COUNTING)
    world.see(event(1))
    world.advance(100)
    world.see(event(2))
    world.advance(199)
    _, reasons = world.decide(AlertSeen(world.now, event(3)))
    assert reasons == [Reason.OPENED]
    world.advance(1)
    assert world.see(event(3)) == [Reason.BELOW_THRESHOLD]
    assert world.windows == {"logins{}": (NOW + 100, NOW + 300)}


def test_a_window_holds_no_more_than_a_threshold_can_ask_for() -> None:
    world = World(COUNTING)
    world.windows["logins{}"] = (NOW,) * MAX_WINDOW
    world.see(event(1))
    assert len(world.windows["logins{}"]) == MAX_WINDOW


def test_a_state_that_is_counted_counts_once_each_time_it_fires() -> None:
    """Not when it's repeated, or comes with another value."""
    world = World(COUNTING)
    for value in range(9):
        world.see(alert(value=f"{value}%"))
    assert (world.windows["logins{}"], world.incidents) == ((NOW,), {})
    world.see(over(), alert(), alert(starts_at=NOW + 9))
    assert len(world.windows["logins{}"]) == 3
    assert world.incident.severity is Severity.P2


def test_each_occurrence_at_a_source_of_events_is_counted_though_alike() -> None:
    world = World(COUNTING)
    world.see(*(replace(event(n), starts_at=NOW) for n in range(3)))
    assert world.incident.severity is Severity.P2


def test_an_occurrence_of_what_somebody_has_resolved_is_held_back_for_a_while() -> None:
    """Each starts when it occurs, and is no news by that."""
    world = World()
    world.see(event(1))
    world.command(Command.RESOLVE)
    assert world.see(event(2)) == [Reason.HELD_RESOLVED]
    world.advance(601)
    assert world.see(event(3)) == [Reason.OPENED]

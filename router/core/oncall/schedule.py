"""On-call schedules: who is on call at a time, in which shifts, and when nobody is.

A schedule is a list of layers, and the last one that has somebody at a time says who it is: each
covers those before it, which show through where it has nobody
(https://support.pagerduty.com/main/docs/schedule-basics does the same). Then the overrides are
applied, in the order they're written, each to what the ones before it left: the later-written has
the last word, and who stands in for somebody can be stood in for. A swap is therefore two
overrides, each for the time of the turn that changes hands.

All times in and out are UTC epoch seconds; a stretch of time has its start in it, and its end not.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache

from msgspec import Struct

from router.core.oncall.local_time import DAY, at_minute, instant, wall
from router.core.oncall.rotation import Rotation, handovers, on_turn

EVERY_DAY = frozenset(range(7))


class Shift(Struct, frozen=True):
    """One contact is on call from `start` until `end`."""

    contact: str
    start: float
    end: float


class Gap(Struct, frozen=True):
    """Nobody is on call from `start` until `end`."""

    start: float
    end: float


class Restriction(Struct, frozen=True):
    """A window in which a layer counts, on each of `days` (0 is Monday), in minutes into the day by
    the local clock.

    It ends on the next day if `end` isn't after `start`; `days` are those it begins on.
    """

    start: int = 0
    end: int = 1440
    days: frozenset[int] = EVERY_DAY


class Imported(Struct, frozen=True):
    """Turns that are kept in a calendar elsewhere, which `source` names.

    `shifts` are in order and without overlaps; None if the calendar hasn't been seen, and then
    they're nobody's.
    """

    source: str
    shifts: tuple[Shift, ...] | None = None


class Layer(Struct, frozen=True):
    """People in turns, which count within the restrictions, if there are any.

    `time_zone` is that of its clock; "" for the schedule's.
    """

    turns: Rotation | Imported
    restrictions: tuple[Restriction, ...] = ()
    time_zone: str = ""


class Override(Struct, frozen=True):
    """`contact` instead of `replaces`, from `start` until `end`.

    Without `replaces` it's instead of everybody, and also where there's nobody. Without `contact`
    it's nobody.
    """

    contact: str
    start: float
    end: float
    replaces: str = ""


class Schedule(Struct, frozen=True):
    """See the module for how layers and overrides go together."""

    name: str
    time_zone: str
    layers: tuple[Layer, ...]
    overrides: tuple[Override, ...] = ()

    @property
    def known(self) -> bool:
        """Have all calendars that it takes turns from been seen?"""
        return not any(
            isinstance(one.turns, Imported) and one.turns.shifts is None for one in self.layers
        )


class Turn(Struct, frozen=True):
    """Who is on call, "" for nobody, and by what: `layer` counts from 1 (0: none has anybody), then
    the overrides.
    """

    contact: str
    layer: int
    overrides: tuple[Override, ...] = ()


def turn(schedule: Schedule, at: float) -> Turn:
    """Whose turn it is, and why."""
    layers = reversed(list(enumerate(schedule.layers, 1)))
    turns = (
        (_contact(layer, at, layer.time_zone or schedule.time_zone), number)
        for number, layer in layers
    )
    contact, number = next((one for one in turns if one[0]), ("", 0))
    applied = []
    for override in schedule.overrides:
        if override.start <= at < override.end and override.replaces in {"", contact}:
            contact = override.contact
            applied.append(override)
    return Turn(contact, number, tuple(applied))


def on_call(schedule: Schedule, at: float) -> tuple[str, ...]:
    """Who is on call: one contact, or () for nobody."""
    contact = turn(schedule, at).contact
    return (contact,) if contact else ()


def shifts(schedule: Schedule, start: float, end: float) -> tuple[Shift, ...]:
    """All shifts between `start` and `end`, in order, each as long as that contact is on call
    without a break.

    The first and the last are cut where they go beyond.
    """
    return tuple(shift for shift in _runs(schedule, start, end) if shift.contact)


def gaps(schedule: Schedule, start: float, end: float) -> tuple[Gap, ...]:
    """All the time between `start` and `end` when nobody is on call, in order."""
    return tuple(
        Gap(shift.start, shift.end) for shift in _runs(schedule, start, end) if not shift.contact
    )


# --- at one time


def _contact(layer: Layer, at: float, zone: str) -> str:
    within = (window for one in layer.restrictions for window in windows(one, at, at, zone))
    if layer.restrictions and not any(start <= at < end for start, end in within):
        return ""
    if isinstance(layer.turns, Imported):
        return _listed(layer.turns.shifts or (), at)
    return on_turn(layer.turns, at, zone)


def _listed(shifts: Sequence[Shift], at: float) -> str:
    begun = bisect_right(shifts, at, key=lambda shift: shift.start)
    return shifts[begun - 1].contact if begun and at < shifts[begun - 1].end else ""


def windows(
    restriction: Restriction, start: float, end: float, zone: str
) -> Iterator[tuple[float, float]]:
    """Each window of a restriction that may touch the time from `start` until `end`."""
    length = (restriction.end - restriction.start - 1) % 1440 + 1
    # From well before, since a window may end on the next day; until the day after, since a clock
    # that was set back over midnight shows the day before the one whose window has begun.
    day, last = wall(start, zone).date() - 2 * DAY, wall(end, zone).date() + DAY
    while day <= last:
        if day.weekday() in restriction.days:
            yield _window(day, restriction.start, length, zone)
        day += DAY


# The same few windows are asked for at each of their edges.
@lru_cache(maxsize=1024)
def _window(day: date, begin: int, length: int, zone: str) -> tuple[float, float]:
    return instant(at_minute(day, begin), zone), instant(at_minute(day, begin + length), zone)


# --- over time


def _runs(schedule: Schedule, start: float, end: float) -> list[Shift]:
    """The shifts of everybody and, as those of "", of nobody."""
    if start >= end:
        return []
    runs: list[Shift] = []
    since: dict[str, float] = {}
    edges = {change for change in changes(schedule, start, end) if start < change < end}
    for at in (start, *sorted(edges)):
        people = on_call(schedule, at) or ("",)
        runs += [
            Shift(contact, since.pop(contact), at)
            for contact in tuple(since)
            if contact not in people
        ]
        for contact in people:
            since.setdefault(contact, at)
    runs += [Shift(contact, begun, end) for contact, begun in since.items()]
    return sorted(runs, key=lambda run: (run.start, run.end, run.contact))


def changes(schedule: Schedule, start: float, end: float) -> Iterator[float]:
    """Every time between `start` and `end` at which somebody else may be on call, and some beyond."""
    for layer in schedule.layers:
        zone = layer.time_zone or schedule.time_zone
        for restriction in layer.restrictions:
            for window in windows(restriction, start, end, zone):
                yield from window
        if isinstance(layer.turns, Imported):
            yield from (
                edge for shift in layer.turns.shifts or () for edge in (shift.start, shift.end)
            )
        else:
            yield from handovers(layer.turns, start, end, zone)
    for override in schedule.overrides:
        yield from (override.start, override.end)

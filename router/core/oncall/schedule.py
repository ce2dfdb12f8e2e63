"""On-call schedules: who is on call at a time, in which shifts, and the gaps.

A schedule is a list of layers. The last layer that has somebody at a time decides; earlier layers
apply where it has nobody, as in PagerDuty
(https://support.pagerduty.com/main/docs/schedule-basics). Then the overrides are applied in the
order they are written, each to the result so far: the last one wins, and a replacement can itself
be replaced. A swap is two overrides, one for each shift.

All times are UTC epoch seconds. A period includes its start and excludes its end.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache

from msgspec import Struct, field
from msgspec.structs import force_setattr

from router.core.oncall.local_time import DAY, at_minute, gap_end, instant, local_time
from router.core.oncall.rotation import Rotation, handovers, on_turn
from router.model.scalars import Time, WeekdayList

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
    """A recurring window in local time, on each of `days` (0 is Monday), in minutes of the day.

    It ends on the next day if `end` isn't after `start`. `days` are the days on which it begins;
    empty means every day.
    """

    start: Time = field(name="from", default=Time(0))
    end: Time = field(name="to", default=Time(1440))
    days: WeekdayList = EVERY_DAY

    def __post_init__(self) -> None:
        if self.start == 1440:
            raise ValueError("`from` can't be 24:00: write 00:00 of the next day")
        if not self.days:
            force_setattr(self, "days", EVERY_DAY)


class Imported(Struct, frozen=True):
    """Shifts from an external calendar, which `source` names.

    `shifts` are in order and don't overlap. None: the calendar hasn't been read yet, so nobody is
    on call.
    """

    source: str
    shifts: tuple[Shift, ...] | None = None


class Layer(Struct, frozen=True):
    """People who take turns, within the restrictions if there are any.

    `time_zone`: the layer's; "" for the schedule's.
    """

    turns: Rotation | Imported
    restrictions: tuple[Restriction, ...] = ()
    time_zone: str = ""


class Override(Struct, frozen=True):
    """`contact` instead of `replaces`, from `start` until `end`.

    Without `replaces` the contact replaces everybody, and fills gaps. Without `contact` nobody is
    on call.
    """

    contact: str
    start: float
    end: float
    replaces: str = ""


class Schedule(Struct, frozen=True):
    """Layers and overrides. See the module's docstring for their precedence."""

    name: str
    time_zone: str
    layers: tuple[Layer, ...]
    overrides: tuple[Override, ...] = ()

    @property
    def known(self) -> bool:
        """Return whether all external calendars of the schedule have been read."""
        imported = (layer.turns for layer in self.layers if isinstance(layer.turns, Imported))
        return all(turns.shifts is not None for turns in imported)


class Turn(Struct, frozen=True):
    """The contact on call ("" for nobody), the layer (from 1; 0 for none) and the overrides."""

    contact: str
    layer: int
    overrides: tuple[Override, ...] = ()


def turn(schedule: Schedule, at: float) -> Turn:
    """The contact on call, with the layer and overrides that decide."""
    layers = reversed(list(enumerate(schedule.layers, 1)))
    turns = (
        (_contact(layer, at, layer.time_zone or schedule.time_zone), number)
        for number, layer in layers
    )
    contact, number = next((turn for turn in turns if turn[0]), ("", 0))
    applied = []
    for override in schedule.overrides:
        if override.start <= at < override.end and override.replaces in {"", contact}:
            contact = override.contact
            applied.append(override)
    return Turn(contact, number, tuple(applied))


def next_change(schedule: Schedule, at: float) -> float:
    """A time until which the turn is certainly the same as at `at`, at most a day later."""
    until = at + DAY.total_seconds()
    return min([until, *(edge for edge in changes(schedule, at, until) if edge > at)])


def on_call(schedule: Schedule, at: float) -> tuple[str, ...]:
    """The contact on call, or () for nobody."""
    contact = turn(schedule, at).contact
    return (contact,) if contact else ()


def shifts(schedule: Schedule, start: float, end: float) -> tuple[Shift, ...]:
    """All shifts between `start` and `end`, in order. A shift is on-call time without a break.

    The first and the last are cut to the period.
    """
    return tuple(shift for shift in _runs(schedule, start, end) if shift.contact)


def gaps(schedule: Schedule, start: float, end: float) -> tuple[Gap, ...]:
    """All periods between `start` and `end` when nobody is on call, in order."""
    return tuple(
        Gap(shift.start, shift.end) for shift in _runs(schedule, start, end) if not shift.contact
    )


# --- at one time


def _contact(layer: Layer, at: float, zone: str) -> str:
    within = (
        window
        for restriction in layer.restrictions
        for window in windows(restriction, at, at, zone)
    )
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
    """Each window of a restriction that may overlap the period from `start` until `end`."""
    length = (restriction.end - restriction.start - 1) % 1440 + 1
    # Begin a day earlier, since a window may end on the next day. Continue until the day after
    # `end`: after a clock was set back over midnight, it shows the day before.
    day, last = local_time(start, zone).date() - 2 * DAY, local_time(end, zone).date() + DAY
    while day <= last:
        if day.weekday() in restriction.days:
            yield _window(day, restriction.start, length, zone)
        day += DAY


# Cached, since the same few windows are needed again and again.
@lru_cache(maxsize=1024)
def _window(day: date, begin: int, length: int, zone: str) -> tuple[float, float]:
    """The start and end of a window. A skipped local time becomes the end of the gap.

    A window within the gap moves to the gap's end and keeps its length, so it's never empty.
    """
    start, end = at_minute(day, begin), at_minute(day, begin + length)
    after_start, after_end = gap_end(start, zone), gap_end(end, zone)
    begins = instant(start, zone) if after_start is None else after_start
    ends = instant(end, zone) if after_end is None else after_end
    return begins, ends if begins < ends else begins + 60.0 * length


# --- over time


def _runs(schedule: Schedule, start: float, end: float) -> list[Shift]:
    """All shifts; gaps are shifts with the contact ""."""
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
    """Times at which the contact may change: all from `start` to `end`, and some outside."""
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

"""Rotations: people who take turns, with handovers by the local clock.

Turns are counted in local time, so a handover at 09:00 is at 09:00 in summer and in winter. The
turn during which the clocks change is an hour shorter or longer than the others.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from router.core.oncall.local_time import DAY, at_minute, instant, local_time
from router.model.scalars import Duration

COUNTED_FROM = date(2001, 1, 1)
"""A Monday, from which turns are counted if the rotation has no start."""


class Rotate(StrEnum):
    """The interval between handovers.

    `weekdays`: daily from Monday to Friday, with nobody on the weekend.
    """

    DAILY = "daily"
    WEEKLY = "weekly"
    WEEKDAYS = "weekdays"
    CUSTOM = "custom"


class Handover(Struct, frozen=True):
    """The time of handovers: minutes into the day, and the weekday (0 is Monday) if weekly."""

    minute: int
    weekday: int | None = None


class Rotation(Struct, frozen=True):
    """The people who take turns, in order, and the interval.

    `every` is the length of a custom turn in seconds on the local clock: 86400 is until the same
    time tomorrow, even if that is 23 hours away. The first of `contacts` begins at the first
    handover on or after the day `start`, and nobody is on call before that. Without a `start`, the
    rotation has no beginning.
    """

    kind: Rotate
    handover: Handover
    contacts: tuple[str, ...]
    every: Duration = Duration(0.0)
    start: date | None = None

    @property
    def turn(self) -> timedelta:
        """The length of a turn on the local clock."""
        match self.kind:
            case Rotate.CUSTOM:
                return timedelta(seconds=self.every)
            case Rotate.WEEKLY:
                return 7 * DAY
            case Rotate.DAILY | Rotate.WEEKDAYS:
                return DAY

    @property
    def first(self) -> datetime:
        """The local time from which turns are counted."""
        day = self.start or COUNTED_FROM
        if self.handover.weekday is not None:
            day += (self.handover.weekday - day.weekday()) % 7 * DAY
        return at_minute(day, self.handover.minute)


def on_turn(rotation: Rotation, at: float, zone: str) -> str:
    """The contact at `at` (UTC epoch seconds), by the clock in `zone`; "" for nobody."""
    turn = _number(rotation, at, zone)
    if turn < 0 and rotation.start is not None:
        return ""
    if rotation.kind is Rotate.WEEKDAYS:
        first = rotation.first.weekday()
        week, day = divmod(turn + first, 7)
        if day > 4:
            return ""
        turn = week * 5 + day - min(first, 5)
    return rotation.contacts[turn % len(rotation.contacts)]


def handovers(rotation: Rotation, start: float, end: float, zone: str) -> Iterator[float]:
    """Each handover after `start` and up to `end`, in UTC epoch seconds."""
    for turn in range(_number(rotation, start, zone) + 1, _number(rotation, end, zone) + 1):
        yield _begin(rotation, turn, zone)


def _begin(rotation: Rotation, turn: int, zone: str) -> float:
    return instant(rotation.first + turn * rotation.turn, zone)


def _number(rotation: Rotation, at: float, zone: str) -> int:
    """The number of the turn at `at`. The first is 0, turns before it are negative."""
    # After the clock is set back, it may show an earlier time than at a past handover: look a day
    # ahead, then go back.
    turn = (local_time(at, zone) + DAY - rotation.first) // rotation.turn
    while _begin(rotation, turn, zone) > at:
        turn -= 1
    return turn

"""Rotations: people who take turns, handing over by the clock on the wall.

Turns are counted in local time, so that a hand-over at 09:00 is at 09:00 in summer and in winter;
the turn during which the clocks change is an hour shorter or longer than the others.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from router.core.oncall.local_time import DAY, at_minute, instant, wall

COUNTED_FROM = date(2001, 1, 1)
"""Where the turns of a rotation without a start are counted from: a Monday.

They go on before it, too.
"""


class Rotate(StrEnum):
    """How often a turn changes hands.

    `weekdays`: daily from Monday to Friday, and nobody has the weekend.
    """

    DAILY = "daily"
    WEEKLY = "weekly"
    WEEKDAYS = "weekdays"
    CUSTOM = "custom"


class Handover(Struct, frozen=True):
    """When turns change hands: minutes into the day, and the weekday (0 is Monday) if it's always
    the same.
    """

    minute: int
    weekday: int | None = None


class Rotation(Struct, frozen=True):
    """Who takes turns, in order, and how often the turn changes hands.

    `every` is the length of a custom turn in seconds on the clock: 86400 is until the same time
    tomorrow, even if that is 23 hours away. The first of `contacts` begins at the first hand-over
    on or after the day `start`, and nobody is on call before it. Without a `start` there's no
    beginning, and the order alone says who follows whom.
    """

    kind: Rotate
    handover: Handover
    contacts: tuple[str, ...]
    every: float = 0.0
    start: date | None = None

    @property
    def turn(self) -> timedelta:
        """How long one turn is, on the clock."""
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
    """Whose turn it is at `at` (UTC epoch seconds), by the clock in `zone`; "" for nobody's."""
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
    """Each hand-over after `start` and up to `end`, in UTC epoch seconds."""
    for turn in range(_number(rotation, start, zone) + 1, _number(rotation, end, zone) + 1):
        yield _begin(rotation, turn, zone)


def _begin(rotation: Rotation, turn: int, zone: str) -> float:
    return instant(rotation.first + turn * rotation.turn, zone)


def _number(rotation: Rotation, at: float, zone: str) -> int:
    """Which turn it is: the last one whose hand-over has been.

    The first is 0, those before it are negative.
    """
    # A clock that was set back shows less than it did at a hand-over that has been: look a day
    # ahead, then go back.
    turn = (wall(at, zone) + DAY - rotation.first) // rotation.turn
    while _begin(rotation, turn, zone) > at:
        turn -= 1
    return turn

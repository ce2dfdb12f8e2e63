"""When the next drill is due, and the next canary; when somebody is to be reminded.

Times are UTC epoch seconds.
"""

from datetime import timedelta
from math import floor

from msgspec import Struct

from router.core.oncall.local_time import DAY, at_minute, instant, wall
from router.core.oncall.rotation import Handover


class Cadence(Struct, frozen=True):
    """A drill of `scenario` in every `every` seconds, at that time of the week by the clock in
    `zone`.

    Once it's overdue, `tell` are told, and again every `remind` seconds. Only with `auto` it starts
    by itself.
    """

    scenario: str
    every: float
    at: Handover
    zone: str
    remind: float
    tell: tuple[str, ...] = ()
    auto: bool = False


class CanaryCadence(Struct, frozen=True):
    """A message to these addresses in every `every` seconds."""

    every: float
    to: tuple[str, ...]


def due_at(cadence: Cadence, last: float) -> float:
    """When the next drill is due; `last` is when the last one started, or else since when they're
    to be held.
    """
    day = (wall(last, cadence.zone) + timedelta(seconds=cadence.every)).date()
    if cadence.at.weekday is not None:
        day += (cadence.at.weekday - day.weekday()) % 7 * DAY
    return instant(at_minute(day, cadence.at.minute), cadence.zone)


def reminder(cadence: Cadence, due: float, now: float) -> str | None:
    """The id of the reminder of that drill that is due by now, the same for whoever looks; None
    while none is.
    """
    if now < due or not cadence.tell:
        return None
    return f"reminder-{due:.0f}-{floor((now - due) / cadence.remind)}"

"""The time of the next drill, canary or reminder.

Times are UTC epoch seconds.
"""

from datetime import timedelta
from math import floor

from msgspec import Struct

from router.core.oncall.local_time import DAY, at_minute, instant, local_time
from router.core.oncall.rotation import Handover


class Cadence(Struct, frozen=True):
    """A drill of `scenario` every `every` seconds, at the same weekday and local time in `zone`.

    Once it is overdue, the targets `tell` are notified, and again every `remind` seconds. It starts
    automatically only with `auto`.
    """

    scenario: str
    every: float
    at: Handover
    zone: str
    remind: float
    tell: tuple[str, ...] = ()
    auto: bool = False


class CanaryCadence(Struct, frozen=True):
    """A message to these addresses every `every` seconds."""

    every: float
    to: tuple[str, ...]


def due_at(cadence: Cadence, last: float) -> float:
    """The next drill's due time. `last` is the start of the last one, or of the schedule."""
    day = (local_time(last, cadence.zone) + timedelta(seconds=cadence.every)).date()
    if cadence.at.weekday is not None:
        day += (cadence.at.weekday - day.weekday()) % 7 * DAY
    return instant(at_minute(day, cadence.at.minute), cadence.zone)


def reminder(cadence: Cadence, due: float, now: float) -> str | None:
    """The id of the due drill reminder, the same on every replica; None if there is none."""
    if now < due or not cadence.tell:
        return None
    return f"reminder-{due:.0f}-{floor((now - due) / cadence.remind)}"

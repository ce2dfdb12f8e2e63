"""Schedules in answers: shifts and gaps."""

from msgspec import Struct

from router.core.oncall.schedule import Schedule, gaps, on_call, shifts
from router.web.api.content import Time
from router.web.api.views.times import exactly


class ShiftView(Struct, frozen=True):
    """A time in which one contact is on call."""

    contact: str
    start: Time
    end: Time


class GapView(Struct, frozen=True):
    """A time in which nobody is on call."""

    start: Time
    end: Time


class ScheduleView(Struct, frozen=True):
    """The contacts on call now, and the requested shifts and gaps."""

    name: str
    time_zone: str
    on_call: tuple[str, ...]
    shifts: list[ShiftView]
    gaps: list[GapView]


def schedule(configured: Schedule, now: float, start: float, end: float) -> ScheduleView:
    """Return who is on call now, and the shifts and gaps from `start` until `end`."""
    return ScheduleView(
        name=configured.name,
        time_zone=configured.time_zone,
        on_call=on_call(configured, now),
        shifts=[
            ShiftView(shift.contact, exactly(shift.start), exactly(shift.end))
            for shift in shifts(configured, start, end)
        ],
        gaps=[
            GapView(exactly(gap.start), exactly(gap.end)) for gap in gaps(configured, start, end)
        ],
    )

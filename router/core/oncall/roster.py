"""On-call shifts by calendar day, as a person reads them.

All times are UTC epoch seconds. A day is a local calendar day, so it may have 23 or 25 hours.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from msgspec import Struct

from router.core.oncall.local_time import DAY, at_minute, instant
from router.core.oncall.schedule import Schedule, gaps, shifts


class Duty(Struct, frozen=True):
    """The part of a shift within one day. Without `contact` it is a gap."""

    schedule: str
    contact: str
    start: float
    end: float


class RosterDay(Struct, frozen=True):
    """A day from `start` until `end`, and its duties in order."""

    day: date
    start: float
    end: float
    duties: tuple[Duty, ...]

    def of(self, *, schedule: str = "", contact: str = "") -> list[Duty]:
        """Return the duties of a schedule, or of a person."""
        return [
            duty
            for duty in self.duties
            if schedule in {"", duty.schedule} and contact in {"", duty.contact}
        ]


def roster(
    schedules: Iterable[Schedule], first: date, days: int, zone: str
) -> tuple[RosterDay, ...]:
    """Return `days` days from `first` by the clock of `zone`, with the duties of all schedules."""
    schedules = tuple(schedules)
    calendar = []
    for day in (first + number * DAY for number in range(days)):
        start, end = (instant(at_minute(each, 0), zone) for each in (day, day + DAY))
        calendar.append(RosterDay(day, start, end, tuple(_duties(schedules, start, end))))
    return tuple(calendar)


def _duties(schedules: Sequence[Schedule], start: float, end: float) -> Iterable[Duty]:
    for schedule in schedules:
        duties = [
            Duty(schedule.name, shift.contact, shift.start, shift.end)
            for shift in shifts(schedule, start, end)
        ]
        duties += [
            Duty(schedule.name, "", gap.start, gap.end) for gap in gaps(schedule, start, end)
        ]
        yield from sorted(duties, key=lambda duty: duty.start)

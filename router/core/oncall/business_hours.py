"""Business hours: opening days of an office, by its local time and public holidays."""

from collections.abc import Container
from datetime import date
from typing import Annotated, NewType

from msgspec import Struct

from router.core.oncall.local_time import DAY, at_minute, instant, local_time
from router.core.text.units import duration
from router.model.scalars import Time, TimeZone, Weekdays

FARTHEST = 366
"""Maximum days to look ahead. If the office opens on none of them, the last one is used."""

Holidays = NewType("Holidays", Container[date])  # type: ignore[misc]
"""Public holidays of a country, `GB`, or a subdivision, `GB-ENG`, by ISO 3166 code."""


class NextBusinessDay(Struct, frozen=True):
    """A delay until `minute` of the next business day; None: until the office opens."""

    minute: Time | None = None


# Annotated, to remain a separate type in a union with None.
Delay = Annotated[float | NextBusinessDay, "delay"]
"""Seconds, or until the next business day. Written `30m`, or `next business day 10:00`."""


def written(delay: Delay) -> str:
    """The text of a delay, as in the config."""
    if not isinstance(delay, NextBusinessDay):
        return duration(delay)
    if delay.minute is None:
        return "next business day"
    return f"next business day {at_minute(date.min, delay.minute):%H:%M}"


class Calendar(Struct, frozen=True):
    """The business days: `workdays` (0 is Monday) that are not `holidays`.

    `opens`: minutes into the day, by the clock of `time_zone`.
    """

    time_zone: TimeZone = TimeZone("UTC")
    holidays: Holidays = Holidays(frozenset())
    workdays: Weekdays = Weekdays(frozenset(range(5)))
    opens: Time = Time(540)

    def is_business_day(self, day: date) -> bool:
        return day.weekday() in self.workdays and day not in self.holidays

    def after(self, delay: Delay, since: float) -> float:
        """The end of a delay that begins at `since`, both in UTC epoch seconds."""
        if not isinstance(delay, NextBusinessDay):
            return since + delay
        day = local_time(since, self.time_zone).date() + DAY
        for _ in range(FARTHEST):
            if self.is_business_day(day):
                break
            day += DAY
        minute = self.opens if delay.minute is None else delay.minute
        return instant(at_minute(day, minute), self.time_zone)

"""Business days: when an office is open, by its own clock and its public holidays."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import date

from msgspec import Struct

from router.core.oncall.local_time import DAY, at_minute, instant, wall
from router.core.text.units import duration

FARTHEST = 366
"""Days to look ahead. Whoever works on none of them gets the last."""


class NextBusinessDay(Struct, frozen=True):
    """A length of time: until `minute` of the business day that follows; None is when the office
    opens.
    """

    minute: int | None = None


Delay = float | NextBusinessDay
"""Seconds, or until the next business day."""


def written(delay: Delay) -> str:
    """As the config has it."""
    if not isinstance(delay, NextBusinessDay):
        return duration(delay)
    return " ".join(
        [
            "next business day",
            *(
                []
                if delay.minute is None
                else [at_minute(date.min, delay.minute).strftime("%H:%M")]
            ),
        ]
    )


@dataclass(frozen=True, slots=True)
class Calendar:
    """`workdays`: 0 is Monday. `opens`: minutes into the day, by the clock of `time_zone`."""

    time_zone: str = "UTC"
    holidays: Container[date] = frozenset()
    workdays: frozenset[int] = frozenset(range(5))
    opens: int = 540

    def is_business_day(self, day: date) -> bool:
        return day.weekday() in self.workdays and day not in self.holidays

    def after(self, delay: Delay, since: float) -> float:
        """When `delay` is over that began at `since`, both in UTC epoch seconds."""
        if not isinstance(delay, NextBusinessDay):
            return since + delay
        day = wall(since, self.time_zone).date() + DAY
        for _ in range(FARTHEST):
            if self.is_business_day(day):
                break
            day += DAY
        return instant(
            at_minute(day, self.opens if delay.minute is None else delay.minute), self.time_zone
        )

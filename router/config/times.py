"""Parse times as people write them: times of day, weekdays, handovers, days and moments."""

import re
from datetime import UTC, date, datetime, time
from typing import Final

from router.core.oncall.rotation import Handover
from router.model.scalars import Day, DayStart, Moment, Time, Weekdays

__all__ = [
    "DAYS", "Day", "DayStart", "Moment", "Time", "Weekdays", "parse_day", "parse_day_start",
    "parse_handover", "parse_moment", "parse_time", "parse_weekdays",
]  # fmt: skip

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def parse_time(text: str) -> Time:
    """Raises: ValueError."""
    match = re.fullmatch(r"([0-9]{1,2}):([0-5][0-9])", text)
    minute = int(match[1]) * 60 + int(match[2]) if match else -1
    if not 0 <= minute <= 1440:
        raise ValueError(f"expected a time of day such as 09:00 or 17:30, found {text!r}")
    return Time(minute)


def parse_weekdays(text: str) -> Weekdays:
    """Raises: ValueError."""
    first, dash, last = text.partition("-")
    begin = _weekday(first, text)
    end = _weekday(last, text) if dash else begin
    return Weekdays(frozenset((begin + step) % 7 for step in range((end - begin) % 7 + 1)))


def _weekday(text: str, whole: str) -> int:
    written = text.strip().casefold()
    for number, day in enumerate(DAYS):
        if written in {day, day[:3]}:
            return number
    raise ValueError(f"expected a weekday such as Mon, or a range such as Mon-Fri, found {whole!r}")


def parse_handover(text: str) -> Handover:
    """`09:00`, or `Mon 09:00`. Raises: ValueError."""
    day, _, clock = text.strip().rpartition(" ")
    try:
        minute = parse_time(clock)
        weekday = _weekday(day, text) if day else None
    except ValueError:
        minute = Time(1440)
        weekday = None
    if minute == 1440:
        raise ValueError(f"expected a handover such as 'Mon 09:00' or '09:00', found {text!r}")
    return Handover(minute, weekday)


def parse_day(text: str) -> Day:
    """Raises: ValueError."""
    try:
        return Day(date.fromisoformat(text))
    except ValueError:
        raise ValueError(f"expected a day such as 2026-11-23, found {text!r}") from None


def parse_day_start(text: str) -> DayStart:
    """Raises: ValueError."""
    return DayStart(datetime.combine(parse_day(text), time(), UTC).timestamp())


def parse_moment(text: str) -> Moment:
    """Raises: ValueError, also for a day without a time, which could mean its start or end."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or ":" not in text:
        raise ValueError(
            "expected a time such as '2026-11-23 09:00' (local) or '2026-11-23T09:00Z', "
            f"found {text!r}"
        )
    return Moment(moment)

"""Times in the config that a person writes by the clock: times of day, weekdays, hand-overs, days
and moments.
"""

import re
from datetime import date, datetime
from typing import Final, NewType

from router.core.oncall.rotation import Handover

Time = NewType("Time", int)
"""Minutes into the day. Written `09:00`; `24:00` is midnight at the end of the day."""

Weekdays = NewType("Weekdays", frozenset[int])
"""Weekdays, of which 0 is Monday. Written `Mon` or `Mon-Fri`; `Fri-Mon` goes over the weekend."""

Day = NewType("Day", date)
"""A day. Written `2026-11-23`."""

Moment = NewType("Moment", datetime)
"""A time of a day, local if it has no offset.

Written `2026-11-23 09:00`, or `2026-11-23T09:00Z`, or with `+01:00`.
"""

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
    day, _, time = text.strip().rpartition(" ")
    try:
        minute = parse_time(time)
        weekday = _weekday(day, text) if day else None
    except ValueError:
        minute = Time(1440)
        weekday = None
    if minute == 1440:
        raise ValueError(f"expected a hand-over such as 'Mon 09:00' or '09:00', found {text!r}")
    return Handover(minute, weekday)


def parse_day(text: str) -> Day:
    """Raises: ValueError."""
    try:
        return Day(date.fromisoformat(text))
    except ValueError:
        raise ValueError(f"expected a day such as 2026-11-23, found {text!r}") from None


def parse_moment(text: str) -> Moment:
    """Raises: ValueError, for a day without a time too, since it isn't said whether it's the day's
    start or end.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or ":" not in text:
        raise ValueError(
            f"expected a time such as '2026-11-23 09:00' (local) or '2026-11-23T09:00Z', found {text!r}"
        )
    return Moment(moment)

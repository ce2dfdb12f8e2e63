"""Parts of a week, and their conversion to a layer's windows `restrict`."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

DAY = 1440
WEEK = 7 * DAY
NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Span(Struct, frozen=True, order=True):
    """A part of the week, in minutes since Monday 00:00. `end` may be in the next week."""

    start: int
    end: int


def daily(start: int, minutes: int, days: Iterable[int] = range(7)) -> tuple[Span, ...]:
    """A window of `minutes` from `start`, on each of the days (0 is Monday)."""
    if minutes >= DAY and set(days) == set(range(7)):
        return ()
    return tuple(Span(day * DAY + start, day * DAY + start + minutes) for day in days)


def between(first: tuple[int, int], last: tuple[int, int]) -> Span:
    """The part of the week from one (day, minute) to another, at most a week later."""
    start, end = (day * DAY + minute for day, minute in (first, last))
    return Span(start, end if end > start else end + WEEK)


def overlap(sequence: Sequence[Span], other: Sequence[Span]) -> bool:
    """Check if the parts of the week overlap; () is the whole week."""
    if not sequence or not other:
        return True
    return any(
        first.start < second.end + shift and second.start + shift < first.end
        for first in sequence
        for second in other
        for shift in (-WEEK, 0, WEEK)
    )


def restrictions(spans: Iterable[Span]) -> list[dict[str, Any]]:
    """The windows by weekday and local time. Each ends on the same or the next day."""
    days: dict[tuple[int, int], list[int]] = {}
    for span in spans:
        for day, start, end in _pieces(span):
            days.setdefault((start, end), []).append(day)
    return [_window(sorted(set(on)), *edges) for edges, on in days.items()]


def _pieces(span: Span) -> Iterable[tuple[int, int, int]]:
    """The day (0 is Monday), start and end of each piece; the end may be on the next day."""
    day, start = divmod(span.start, DAY)
    length = span.end - span.start
    if length <= DAY:
        end = (start + length) % DAY
        yield day % 7, start, end or DAY
        return
    yield day % 7, start, DAY
    last, end = divmod(span.end, DAY)
    for between_ in range(day + 1, last):
        yield between_ % 7, 0, DAY
    if end:
        yield last % 7, 0, end


def _window(days: Sequence[int], start: int, end: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if len(days) < 7:
        made["days"] = _ranges(days)
    return {**made, "from": clock(start), "to": clock(end)}


def _ranges(days: Sequence[int]) -> list[str]:
    """`[Mon-Fri]` for days in a row, else the days."""
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return [f"{NAMES[days[0]]}-{NAMES[days[-1]]}"]
    return [NAMES[day] for day in days]


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"

"""The uptime of a component by day: the bars of the status page."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from router.core.communication.notice import Notice
from router.model.statuspage import ComponentState

DAY = 86_400.0

LEAST = 60.0
"""Minimum seconds of data for a percentage to be shown."""

WEIGHTS = {ComponentState.MAJOR: 1.0, ComponentState.PARTIAL: 0.3}
"""The share of the time in each state that counts as downtime, as on Statuspage.

https://support.atlassian.com/statuspage/docs/display-historical-uptime-of-components/
"""


class Stretch(Struct, frozen=True):
    """A time whose worst state is `state`."""

    start: float
    end: float
    state: ComponentState


class Day(Struct, frozen=True):
    """One day in UTC, starting at `at`. `state` is its worst state, None without data.

    `lasted` has the seconds of each disruption, the worst first.
    """

    at: float
    state: ComponentState | None
    lasted: tuple[tuple[ComponentState, float], ...] = ()


class Uptime(Struct, frozen=True):
    """Days, oldest first. `ratio` is the part of the known time that the component was up.

    It is None while less than a minute is known. since: the first known moment, in UTC seconds;
    None if all days are known.
    """

    days: tuple[Day, ...]
    ratio: float | None
    since: float | None = None


def uptime(notices: Iterable[Notice], since: float | None, history: float, now: float) -> Uptime:
    """Return a component's uptime over the last `history` seconds, in whole days, incl. today."""
    today = now - now % DAY
    first = today - DAY * (max(1, round(history / DAY)) - 1)
    begin = max(first, since or first)
    worst = _worst(notices, begin, now)
    days = tuple(
        _day(first + DAY * number, begin, worst)
        for number in range(round((today - first) / DAY) + 1)
    )
    down = sum(WEIGHTS.get(stretch.state, 0.0) * (stretch.end - stretch.start) for stretch in worst)
    ratio = 1.0 - down / (now - begin) if now - begin >= LEAST else None
    return Uptime(days, ratio, begin if begin > first else None)


def _worst(notices: Iterable[Notice], begin: float, now: float) -> list[Stretch]:
    """Return the disruptions without overlap, in order, within the time that counts."""
    given = [
        Stretch(
            max(span.start, begin), min(now if span.end is None else span.end, now), notice.impact
        )
        for notice in notices
        for span in notice.spans
        if notice.impact is not ComponentState.OPERATIONAL
    ]
    edges = sorted(
        {
            edge
            for stretch in given
            if stretch.start < stretch.end
            for edge in (stretch.start, stretch.end)
        }
    )
    stretches = []
    for start, end in pairwise(edges):
        states = [
            stretch.state for stretch in given if stretch.start <= start and stretch.end >= end
        ]
        if states:
            stretches.append(Stretch(start, end, max(states, key=lambda state: state.rank)))
    return stretches


def _day(at: float, begin: float, worst: Sequence[Stretch]) -> Day:
    if at + DAY <= begin:
        return Day(at, None)
    lasted: dict[ComponentState, float] = {}
    for stretch in worst:
        overlap = min(stretch.end, at + DAY) - max(stretch.start, at)
        if overlap > 0:
            lasted[stretch.state] = lasted.get(stretch.state, 0.0) + overlap
    ordered = tuple(sorted(lasted.items(), key=lambda item: -item[0].rank))
    return Day(at, ordered[0][0] if ordered else ComponentState.OPERATIONAL, ordered)

"""Parts of a week as windows, which cover the same minutes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.times import parse_time, parse_weekdays
from router.core.oncall.schedule import Restriction, windows
from router.importers.pagers.week import DAY, WEEK, Span, daily, overlap, restrictions

MONDAY = 1_795_996_800.0  # 2026-11-30 00:00 UTC
spans = st.builds(
    lambda start, length: Span(start, start + length),
    st.integers(0, WEEK - 1),
    st.integers(1, WEEK - 1),
)


def covered(found: list[dict[str, object]], minute: int) -> bool:
    """Check if a window of the layer includes the minute after Monday 00:00 UTC."""
    at = MONDAY + minute * 60
    for window in found:
        days = window.get("days", ["Mon-Sun"])
        assert isinstance(days, list)
        on = frozenset(day for text in days for day in parse_weekdays(text))
        edges = parse_time(str(window["from"])), parse_time(str(window["to"]))
        for start, end in windows(Restriction(*edges, days=on), at, at, "UTC"):
            if start <= at < end:
                return True
    return False


@given(spans, st.integers(0, WEEK - 1))
def test_the_windows_cover_the_minutes_of_the_span(span: Span, minute: int) -> None:
    """Also over midnight, over several days, and into the next week."""
    inside = span.start <= minute < span.end or minute + WEEK < span.end
    assert covered(restrictions([span]), minute) is inside


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (daily(540, 480), daily(1020, 960), False),
        (daily(540, 481), daily(1020, 960), True),
        ((), daily(540, 480), True),
        ((Span(6 * DAY, 8 * DAY),), daily(0, 60, [0]), True),
    ],
)
def test_overlaps_are_found_over_the_end_of_the_week(
    one: tuple[Span, ...], other: tuple[Span, ...], expected: bool
) -> None:
    assert overlap(one, other) is expected

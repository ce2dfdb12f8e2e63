"""The bars: days, what happened on them, and the part of the time that a component was up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.communication.notice import Notice, notice
from router.core.communication.uptime import Day, uptime
from router.model.incident import Severity
from router.model.statuspage import ComponentState
from tests.core.statuspage.published import DAY, NOW, published, said

NOON = NOW + DAY / 2
HISTORY = 90 * DAY


def lasting(start: float, end: float | None, severity: Severity = Severity.P0) -> Notice:
    """A published incident that lasted from then to then."""
    entries = [said(1, start)] + ([said(2, end, "resolved")] if end is not None else [])
    public = notice(published(*entries, opened_at=start, severity=severity))
    assert public is not None
    return public


def test_ninety_days_are_ninety_bars_and_the_last_is_today() -> None:
    shown = uptime([], None, HISTORY, NOON)
    assert len(shown.days) == 90
    assert (shown.days[0].at, shown.days[-1].at) == (NOW - 89 * DAY, NOW)
    assert {day.state for day in shown.days} == {ComponentState.OPERATIONAL}
    assert shown.ratio == 1.0


def test_an_outage_over_midnight_is_on_both_days() -> None:
    shown = uptime([lasting(NOW - 600, NOW + 300)], None, HISTORY, NOON)
    yesterday, today = shown.days[-2:]
    assert yesterday == Day(NOW - DAY, ComponentState.MAJOR, ((ComponentState.MAJOR, 600.0),))
    assert today == Day(NOW, ComponentState.MAJOR, ((ComponentState.MAJOR, 300.0),))


@pytest.mark.parametrize(
    ("severity", "down"),
    [(Severity.P0, 900.0), (Severity.P1, 270.0), (Severity.P2, 0.0), (Severity.P3, 0.0)],
)
def test_uptime_counts_outages_by_how_bad_they_were(severity: Severity, down: float) -> None:
    """As Statuspage does: a major outage whole, a partial one by three tenths, a degraded
    performance not at all.
    """
    shown = uptime([lasting(NOW - 600, NOW + 300, severity)], None, HISTORY, NOON)
    assert shown.ratio == pytest.approx(1 - down / (89.5 * DAY))


def test_what_overlaps_counts_once_as_the_worse() -> None:
    shown = uptime(
        [lasting(NOW, NOW + 1000, Severity.P1), lasting(NOW + 500, NOW + 800, Severity.P0)],
        None,
        HISTORY,
        NOON,
    )
    assert shown.days[-1].lasted == ((ComponentState.MAJOR, 300.0), (ComponentState.PARTIAL, 700.0))


def test_an_outage_that_goes_on_counts_until_now() -> None:
    assert uptime([lasting(NOON - 60, None)], None, HISTORY, NOON).days[-1].lasted == (
        (ComponentState.MAJOR, 60.0),
    )


def test_nothing_is_claimed_about_days_before_a_component_was_watched() -> None:
    """Neither in the bars nor in the figure, which says since when it counts."""
    shown = uptime([lasting(NOW - 50 * DAY, NOW + 300)], NOW - DAY, HISTORY, NOON)
    assert [day.state for day in shown.days[-3:]] == [
        None,
        ComponentState.MAJOR,
        ComponentState.MAJOR,
    ]
    assert shown.ratio == pytest.approx(1 - (DAY + 300) / (1.5 * DAY))
    assert shown.since == NOW - DAY
    assert uptime([], None, HISTORY, NOON).since is None
    assert uptime([], NOON + DAY, HISTORY, NOON).ratio is None


SPANS = st.lists(
    st.tuples(st.floats(-120, 0.5), st.floats(0, 200), st.sampled_from(Severity)), max_size=6
)


@given(SPANS, st.floats(0, 0.99))
def test_whatever_happened_the_sums_are_right(
    spans: list[tuple[float, float, Severity]], hour: float
) -> None:
    """No day has more than a day, the ratio is one, and the days say the same as the ratio."""
    now = NOW + hour * DAY + 1
    notices = [lasting(NOW + start * DAY, min(now, NOW + start * DAY + length * 3600), severity)
               for start, length, severity in spans if NOW + start * DAY < now]  # fmt: skip
    shown = uptime(notices, None, HISTORY, now)
    down = 0.0
    for day in shown.days:
        assert sum(seconds for _, seconds in day.lasted) <= DAY + 1e-3
        down += sum(
            {ComponentState.MAJOR: 1.0, ComponentState.PARTIAL: 0.3}.get(state, 0.0) * seconds
            for state, seconds in day.lasted
        )
    assert shown.ratio is not None
    assert 0 <= shown.ratio <= 1
    assert shown.ratio == pytest.approx(1 - down / (now - shown.days[0].at), abs=1e-9)

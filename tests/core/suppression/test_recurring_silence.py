"""Silences: which alerts, from when until when, by a clock that jumps as well."""

from datetime import UTC, datetime

import pytest

from router.core.oncall.schedule import Restriction
from router.core.rules.matcher import parse_matchers
from router.core.suppression.recurring_silence import RecurringSilence, TimeSpan, Weekly

API = parse_matchers('service="api", level=~"warning|error"')
LABELS = {"service": "api", "level": "error"}


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("labels", "silenced"),
    [(LABELS, True), ({"service": "api"}, False), ({"service": "web", "level": "error"}, False)],
)
def test_all_matchers_must_hold(labels: dict[str, str], silenced: bool) -> None:
    """As in Alertmanager, whose matchers they are."""
    assert (RecurringSilence("s", API, TimeSpan(0, 100)).until(labels, 50) is not None) is silenced


@pytest.mark.parametrize(("now", "until"), [(9.9, None), (10, 20), (19.9, 20), (20, None)])
def test_a_span_has_its_start_and_not_its_end(now: float, until: float | None) -> None:
    """So one that follows another leaves no gap, and they don't overlap."""
    assert TimeSpan(10, 20).end_at(now) == until


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-27 21:59", None),
        ("2026-11-27 22:00", "2026-11-28 06:00"),  # a Friday night
        ("2026-11-28 05:59", "2026-11-28 06:00"),
        ("2026-11-28 06:00", None),
        ("2026-11-28 22:00", None),  # on Saturday none begins
    ],
)
def test_a_window_comes_again_and_may_go_over_midnight(now: str, until: str | None) -> None:
    """It belongs to the day on which it begins."""
    nights = Weekly(Restriction(22 * 60, 6 * 60, frozenset({4})), "UTC")
    assert nights.end_at(at(now)) == (at(until) if until else None)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (
            "2026-03-29 00:30",
            "2026-03-29 02:00",
        ),  # in London 01:00 to 03:00, of which the clock skips an hour
        ("2026-03-29 02:00", None),
        ("2026-10-25 00:00", "2026-10-25 03:00"),  # and shows 01:00 to 02:00 twice
        ("2026-10-25 02:59", "2026-10-25 03:00"),
    ],
)
def test_a_window_is_by_the_clock_on_the_wall(now: str, until: str | None) -> None:
    """When the clocks change it begins and ends when they say so."""
    window = Weekly(Restriction(60 if "10-25" in now else 30, 180), "Europe/London")
    assert window.end_at(at(now)) == (at(until) if until else None)

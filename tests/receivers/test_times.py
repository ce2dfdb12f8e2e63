"""Times are read as sources write them."""

from datetime import datetime

import pytest

from router.receivers.times import epoch, first_epoch


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["2026-08-22T10:00:00Z"], 1787392800.0),
        (["2026-08-22T10:00:00.123456789Z"], 1787392800.123456),
        (["2026-08-22T12:00:00+02:00"], 1787392800.0),
        (["2026-08-22T10:00:00"], 1787392800.0),
        ([1787392800.5], 1787392800.5),
        ([None, "", "yesterday", {}, "2026-08-22T10:00:00Z", 1.0], 1787392800.0),
        (["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+02:00"], None),
        ([-1, 0, 10**400, float("inf"), float("nan")], None),
        ([], None),
    ],
)
def test_takes_the_first_that_is_a_time(values: list[object], expected: float | None) -> None:
    """The first time there is, in seconds; None if there's none, or only zeros and nevers."""
    assert first_epoch(*values) == expected


def test_a_zero_time_is_none() -> None:
    """Go's zero time isn't a time."""
    assert epoch(datetime.fromisoformat("0001-01-01T00:00:00Z")) is None

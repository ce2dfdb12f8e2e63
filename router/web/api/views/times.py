"""Times in answers: RFC 3339, in UTC."""

from datetime import UTC, datetime


def when(at: float | None) -> str | None:
    """Return UTC epoch seconds as RFC 3339, in UTC, to the millisecond; None for None."""
    return None if at is None else exactly(at)


def exactly(at: float) -> str:
    """Return UTC epoch seconds as RFC 3339, in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Reads the times that sources write."""

from datetime import UTC, datetime

# 1970 to 9998: what lies outside is a zero or a "never", and would overflow when shown in a zone.
_LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


def epoch(moment: datetime) -> float | None:
    """UTC seconds since the epoch of a `moment` that has an offset; None if it's Go's zero time, or
    "never".
    """
    return _plausible(moment.timestamp())


def first_epoch(*values: object) -> float | None:
    """UTC seconds since the epoch of the first of `values` that is a time, if any.

    A time is text like RFC 3339's (taken as UTC if it has no offset), or a number of seconds.
    """
    return next((seconds for value in values if (seconds := _read(value)) is not None), None)


def _read(value: object) -> float | None:
    if isinstance(value, int | float):
        return _plausible(value)
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return epoch(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _plausible(seconds: float) -> float | None:
    return float(seconds) if 0 < seconds < _LATEST else None

"""Reads times in the formats of sources."""

import re
from datetime import UTC, datetime

from router.ports.errors import InvalidInput

UNKNOWN = 0.0
"""The start of an alert without one. It's replaced by the time at which the alert first arrived."""

# 1970 to 9998. Other times mean zero or "never", and would overflow when shown in a time zone.
LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
_MILLISECONDS = 1e11
"""Numbers of at least this are milliseconds: as seconds they would be after the year 5138."""

_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")
_ZERO = re.compile(r"(0000|0001|9999|\+?[0-9]{5,})-")
"""The zero times of Go and Java, and the years that mean "never"."""


def epoch(moment: datetime) -> float | None:
    """UTC seconds since 1970 of a `moment` with an offset; None for Go's zero time and "never"."""
    seconds = moment.timestamp()
    return seconds if 0 < seconds < LATEST else None


def first_epoch(*values: object) -> float | None:
    """UTC seconds since 1970 of the first of `values` that is a time, if any.

    A time is RFC 3339 text (UTC if it has no offset), or a number of seconds or milliseconds.
    """
    return next((seconds for value in values if (seconds := _read(value)) is not None), None)


def read_rfc3339(value: object, pointer: str) -> float | None:
    """UTC seconds since 1970; None if the time is zero or "never".

    Raises: InvalidInput, if it isn't an RFC 3339 time.
    """
    if not isinstance(value, str):
        raise InvalidInput("Expected `str`", pointer)
    if _ZERO.match(value):  # Python may not be able to represent it
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise InvalidInput("Invalid RFC3339 encoded datetime", pointer) from None
    if moment.tzinfo is None:
        raise InvalidInput("Expected a time with an offset, such as Z", pointer)
    return epoch(moment)


def _read(value: object) -> float | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value / 1000 if _MILLISECONDS <= value < _MILLISECONDS * 1e4 else value
        return _plausible(seconds)
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return epoch(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _plausible(seconds: float) -> float | None:
    return float(seconds) if 0 < seconds < LATEST else None

"""Delays between attempts."""

FIRST = 1.0
"""Maximum seconds before the second try."""
FACTOR = 2.0
LONGEST = 300.0
"""Seconds between two tries, at most, from the tenth on."""
LONGEST_ASKED = 3600.0
"""Maximum seconds of a service's Retry-After: a wrong header mustn't silence a channel for a day.
"""

_DOUBLINGS = 9  # the first that goes over LONGEST; bounded, since 2.0 ** 1024 overflows


def next_delay(attempt: int, *, retry_after: float | None, jitter: float) -> float:
    """Return the seconds to wait after the `attempt`th try (from 1) failed.

    Half to the whole of 1, 2, 4 … 256, 300, 300 … s. The caller's `jitter` in [0, 1) selects the
    point in between, so that simultaneous failures don't retry together. `retry_after`, the seconds
    a service asked for in a Retry-After header (RFC 9110, 10.2.3), is waited out in full, up to an
    hour.
    """
    whole = min(FIRST * FACTOR ** min(attempt - 1, _DOUBLINGS), LONGEST)
    own = whole * (1 + jitter) / 2
    return own if retry_after is None else max(own, min(retry_after, LONGEST_ASKED))

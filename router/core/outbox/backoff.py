"""Delays between attempts."""

FIRST = 1.0
"""Maximum seconds between the first and the second attempt."""
FACTOR = 2.0
LONGEST = 300.0
"""Maximum seconds between two attempts, reached with the tenth."""
LONGEST_ASKED = 3600.0
"""Maximum Retry-After in seconds: a wrong header must not silence a channel for a day."""

_DOUBLINGS = 9  # enough to exceed LONGEST; limited, since 2.0 ** 1024 overflows


def next_delay(attempt: int, *, retry_after: float | None, jitter: float) -> float:
    """Return the seconds to wait after the attempt number `attempt` (from 1) failed.

    It's between half and all of 1, 2, 4 … 256, 300, 300 … s. The caller's `jitter` in [0, 1)
    selects the point in between, so that messages that failed together aren't retried together. If
    the service sent a Retry-After header (RFC 9110, 10.2.3), `retry_after` is waited in full, up to
    an hour.
    """
    whole = min(FIRST * FACTOR ** min(attempt - 1, _DOUBLINGS), LONGEST)
    own = whole * (1 + jitter) / 2
    return own if retry_after is None else max(own, min(retry_after, LONGEST_ASKED))

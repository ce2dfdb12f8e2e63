"""A rate limit: at most `count` messages in any `per` seconds."""

import math
from collections import deque
from contextlib import suppress

from msgspec import Struct


class Limit(Struct, frozen=True):
    """At most `count` in any `per` seconds. Written `1/s`, `30/m`, `100/1h30m`."""

    count: int
    per: float


class RateLimit:
    """A sliding window over the times of the last sends.

    freed_at: when it last had room again after it was full. It is in memory: it is empty after a
    restart, and each replica counts for itself.
    """

    def __init__(self, count: int, per: float) -> None:
        self.limit = Limit(count, per)
        self.freed_at = -math.inf
        self._sent: deque[float] = deque()

    def free(self, now: float) -> int:
        """Return how many messages may be sent now."""
        limit = self.limit
        while self._sent and self._sent[-1] > now:
            self._sent.pop()  # the clock was set back
        while self._sent and self._sent[0] + limit.per <= now:
            if len(self._sent) == limit.count:
                self.freed_at = self._sent[0] + limit.per
            self._sent.popleft()
        return limit.count - len(self._sent)

    def take(self, now: float) -> None:
        self._sent.append(now)

    def give_back(self, taken: float, now: float) -> None:
        """Take back a message that was counted at the time `taken` but didn't arrive."""
        if self.free(now) <= 0:
            self.freed_at = now
        with suppress(ValueError):  # too long ago to count
            self._sent.remove(taken)

    def next_free(self, now: float) -> float:
        """Return the seconds until one more may be sent; 0 if one may be now."""
        return 0.0 if self.free(now) > 0 else self._sent[0] + self.limit.per - now

"""How fast somebody may be told: at most `count` messages in any `per` seconds."""

import math
from collections import deque
from contextlib import suppress

from msgspec import Struct


class Limit(Struct, frozen=True):
    """At most `count` in any `per` seconds. Written `1/s`, `30/m`, `100/1h30m`."""

    count: int
    per: float


class RateLimit:
    """A sliding window over the times of the last sends. `freed_at` is when it last had room again
    after it was full.

    It's in memory: after a restart there's room again, and of several replicas each has a window of
    its own.
    """

    def __init__(self, count: int, per: float) -> None:
        self.limit = Limit(count, per)
        self.freed_at = -math.inf
        self._sent: deque[float] = deque()

    def free(self, now: float) -> int:
        """How many may be sent now."""
        limit = self.limit
        while self._sent and self._sent[0] + limit.per <= now:
            if len(self._sent) == limit.count:
                self.freed_at = self._sent[0] + limit.per
            self._sent.popleft()
        return limit.count - len(self._sent)

    def take(self, now: float) -> None:
        self._sent.append(now)

    def give_back(self, taken: float, now: float) -> None:
        """What was taken then has come to nothing."""
        if self.free(now) <= 0:
            self.freed_at = now
        with suppress(ValueError):  # it's too long ago to matter
            self._sent.remove(taken)

    def next_free(self, now: float) -> float:
        """Seconds until one more may be sent; 0 if one may now."""
        return 0.0 if self.free(now) > 0 else self._sent[0] + self.limit.per - now

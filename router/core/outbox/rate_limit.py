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

    freed_at: when the window last allowed a message again after it was full. The window is in
    memory: it's empty after a restart, and each replica counts separately.
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
        """Uncount a message that was counted at `taken` but didn't arrive."""
        if self.free(now) <= 0:
            self.freed_at = now
        with suppress(ValueError):  # already out of the window
            self._sent.remove(taken)

    def next_free(self, now: float) -> float:
        """Return the seconds until the next message may be sent; 0 for now."""
        return 0.0 if self.free(now) > 0 else self._sent[0] + self.limit.per - now

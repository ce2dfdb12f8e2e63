"""How fast a channel may be told: at most `count` messages in any `per` seconds."""

from collections import deque


class Pace:
    """A sliding window over the times of the last sends."""

    def __init__(self, count: int, per: float) -> None:
        self._count = count
        self._per = per
        self._sent: deque[float] = deque()

    def free(self, now: float) -> int:
        """How many may be sent now."""
        while self._sent and self._sent[0] + self._per <= now:
            self._sent.popleft()
        return self._count - len(self._sent)

    def take(self, now: float) -> None:
        self._sent.append(now)

    def next_free(self, now: float) -> float:
        """Seconds until one more may be sent; 0 if one may now."""
        return 0.0 if self.free(now) > 0 else self._sent[0] + self._per - now

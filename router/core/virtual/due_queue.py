"""What is due when."""

import heapq
from typing import Generic, TypeVar

K = TypeVar("K", bound=tuple[int, str])


class DueQueue(Generic[K]):
    """Keys by when they're due; those due at the same time in their own order. Setting a key again
    moves it.

    `at` is all of it. Finding the first, setting and dropping cost the logarithm of how many there
    are at the most.
    """

    def __init__(self) -> None:
        self.at: dict[K, float] = {}
        self._heap: list[
            tuple[float, K]
        ] = []  # what was moved or dropped stays in it until it would be the first

    def set(self, key: K, at: float) -> None:
        if self.at.get(key) == at:
            return
        self.at[key] = at
        heapq.heappush(self._heap, (at, key))

    def drop(self, key: K) -> None:
        self.at.pop(key, None)

    def first(self) -> tuple[float, K] | None:
        """The earliest, and when it's due."""
        while self._heap:
            at, key = self._heap[0]
            if self.at.get(key) == at:
                return at, key
            heapq.heappop(self._heap)
        return None

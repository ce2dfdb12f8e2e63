"""A queue of keys, ordered by due time."""

import heapq
from typing import Generic, TypeVar

K = TypeVar("K", bound=tuple[int, str])


class DueQueue(Generic[K]):
    """Keys by due time, then in the order of the keys. Setting a key again moves it.

    `at` has the due time of each key. All operations take logarithmic time.
    """

    def __init__(self) -> None:
        self.at: dict[K, float] = {}
        self._heap: list[
            tuple[float, K]
        ] = []  # moved or dropped entries stay until they reach the front

    def set(self, key: K, at: float) -> None:
        if self.at.get(key) == at:
            return
        self.at[key] = at
        heapq.heappush(self._heap, (at, key))

    def drop(self, key: K) -> None:
        self.at.pop(key, None)

    def first(self) -> tuple[float, K] | None:
        """The earliest due time and its key."""
        while self._heap:
            at, key = self._heap[0]
            if self.at.get(key) == at:
                return at, key
            heapq.heappop(self._heap)
        return None

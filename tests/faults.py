"""A store that fails on request."""

from collections import Counter, defaultdict, deque
from typing import Any

from router.ports.errors import StoreUnavailable
from router.store import SqlStore


class FaultyStore:
    """A real store with planned faults.

    plan: by method, the errors of its next calls; None lets a call through.
    down: every call raises StoreUnavailable. calls: number of calls by method. running: those that
    have not returned.
    """

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.plan: dict[str, deque[Exception | None]] = defaultdict(deque)
        self.calls: Counter[str] = Counter()
        self.running = 0
        self.down = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if not callable(method):
            return method

        async def call(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            if self.down:
                raise StoreUnavailable("the disk is on fire")
            if self.plan[name] and (fault := self.plan[name].popleft()):
                raise fault
            self.running += 1
            try:
                return await method(*args, **kwargs)
            finally:
                self.running -= 1

        return call

    async def close(self) -> None:
        await self._store.close()

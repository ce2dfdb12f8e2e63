"""The clock, and background tasks that stay referenced."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol

DRIFT = 0.5
"""Maximum seconds by which a replica's clock may differ from the database's. Reading the database's
time under load is more precise than this."""


class Clock(Protocol):
    """Injected time. All waiting and all timestamps go through it, so tests can step it."""

    def now(self) -> float:
        """Return UTC seconds since the epoch."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Wait until the event is set, or for `seconds`."""
        ...


class SystemClock:
    """The system clock."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)


class MonotonicClock(SystemClock):
    """Seconds since an arbitrary moment, unaffected by changes of the system's time."""

    def now(self) -> float:
        return time.monotonic()


class BootClock(SystemClock):
    """Seconds since the machine started, also those in which it slept. Nobody sets this clock."""

    def now(self) -> float:
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SharedClock(SystemClock):
    """The clock of a database that replicas share, so that their hosts need not agree.

    Between two readings of the database it advances like a clock that nobody sets.
    """

    def __init__(self) -> None:
        self._steady = BootClock()
        self._ahead = time.time() - self._steady.now()

    def now(self) -> float:
        return self._steady.now() + self._ahead

    def follow(self, then: float, took: float) -> float:
        """Follow the database's time, which was `then` at some moment in the last `took` seconds.

        Returns seconds by which this host's clock is ahead.
        """
        if not then - DRIFT <= self.now() <= then + took + DRIFT:
            self._ahead = then + took / 2 - self._steady.now()
        return time.time() - self.now()


def spawn(
    work: Coroutine[Any, Any, None], name: str, tasks: set[asyncio.Task[None]]
) -> asyncio.Task[None]:
    """Start `work` as a task and keep it in `tasks` until it ends."""
    task = asyncio.create_task(work, name=name)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task

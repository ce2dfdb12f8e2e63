"""The only real clock, and tasks that are not lost."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol


class Clock(Protocol):
    """Time, injected.

    Everything that waits or dates something asks it, so that tests can step it.
    """

    def now(self) -> float:
        """UTC seconds since the epoch."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Until the event is set, or the time is up."""
        ...


class SystemClock:
    """The real one."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)


def spawn(
    work: Coroutine[Any, Any, None], name: str, tasks: set[asyncio.Task[None]]
) -> asyncio.Task[None]:
    """Start `work` as a task that `tasks` keeps alive until it's done."""
    task = asyncio.create_task(work, name=name)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task

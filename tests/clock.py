"""Time that stands still until a test moves it."""

import asyncio
import heapq
import inspect
import itertools
from collections.abc import Callable
from contextlib import suppress

START = 1_770_000_000.0
"""2026-02-02 02:40 UTC."""

TURNS = 20
"""Loop turns after each wake-up: enough for what was woken to run into its next wait, if that isn't
for real I/O.
"""

LONG, ROUNDS = 3_600, 1_200
"""Most wake-ups of one advance by a long time, in seconds. Sleepers in between are woken together,
since all that poll the store each second would need a minute of CPU time for a day.
"""

TRIES = 5_000
"""Looks at a condition before giving up, a millisecond of real time apart: only I/O is waited for,
never time.
"""


class SteppedClock:
    """A `router.ports.clock.Clock`.

    `advance` wakes who is due, in order of time, and lets them run in between.
    """

    def __init__(self, start: float = START) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        await self._until(self._now + seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        up, happened = self._until(self._now + seconds), asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait({up, happened}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiter in (up, happened):
                waiter.cancel()

    @property
    def parked(self) -> int:
        """Number of tasks that wait for time to pass."""
        return sum(not waiter.done() for _, _, waiter in self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Let so much time pass."""
        end = self._now + seconds
        window = seconds / ROUNDS if seconds >= LONG else 0.0
        while self._sleepers and self._sleepers[0][0] <= end:
            self._wake(min(self._sleepers[0][0] + window, end))
            await turn()
        self._now = end
        await turn()

    async def settle(
        self, condition: Callable[[], object], what: str = "the condition", step: float = 0.0
    ) -> None:
        """Let real I/O go on until `condition`, which may be a coroutine function, holds.

        With `step`, so many seconds pass between two looks at it.
        """
        for _ in range(TRIES):
            holds = condition()
            if await holds if inspect.isawaitable(holds) else holds:
                return
            if step:
                await self.advance(step)
            await asyncio.sleep(0.001)
        raise AssertionError(f"{what} never came to hold")

    def _wake(self, until: float) -> None:
        """Wake the next sleeper, and those due with it."""
        while self._sleepers and self._sleepers[0][0] <= until:
            due, _, waiter = heapq.heappop(self._sleepers)
            if not waiter.done():
                self._now = max(self._now, due)
                waiter.set_result(None)

    def _until(self, due: float) -> asyncio.Future[None]:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (due, next(self._order), waiter))
        return waiter


async def turn(times: int = TURNS) -> None:
    """Let everything run that needn't wait for I/O."""
    for _ in range(times):
        await asyncio.sleep(0)


async def stop(task: asyncio.Task[None]) -> None:
    """End a loop. What it died of, if it did, is raised."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

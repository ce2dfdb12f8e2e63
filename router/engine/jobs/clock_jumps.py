"""Detects jumps of the clock, and moves deadlines so that none fires late.

Deadlines are UTC times. When the clock is set back, they would fire late by the same amount, so
they are moved back, too. When it's set forward, the deadlines in the gap are due at once: a page
too early is better than too late. Replicas use their database's clock, and only the first one to
notice moves the deadlines.
"""

import asyncio

from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.ports.store import Store
from router.telemetry.logs import logger

log = logger(__name__)

EVERY = 1.0
"""Seconds between checks."""

JUMP = 2.0
"""Minimum seconds of a jump: smaller steps are NTP corrections."""


FOLLOWED = 3.0
"""Seconds until all replicas use the new time after a database's clock was set back."""


class ClockJumps:
    """Compares the router's clock with a `steady` clock, which can't be set."""

    def __init__(self, store: Store, clock: Clock, steady: Clock) -> None:
        self._store = store
        self._clock = clock
        self._steady = steady
        self._ahead = clock.now() - steady.now()

    async def run(self) -> None:
        """Check until cancelled."""
        never = asyncio.Event()
        while True:
            await self._steady.wait(never, EVERY)
            try:
                await self.check()
            except StoreUnavailable as error:
                log.warning("clock_jump_waits", error=str(error))

    async def check(self) -> None:
        """Move the deadlines if the clock was set back. Raises: StoreUnavailable."""
        ahead = self._clock.now() - self._steady.now()
        by = ahead - self._ahead
        if abs(by) < JUMP:
            # Small corrections by NTP must not add up to a jump.
            self._ahead = ahead
            return
        moves = False
        if by < 0:
            if self._store.shared:
                # Wait, so that deadlines which other replicas still set by the old time are moved.
                await self._steady.sleep(FOLLOWED)
            moves = await self._store.shift(by, self._clock.now())
        self._ahead = ahead
        log.error("clock_jumped", by=round(by, 1), deadlines_moved=moves, what_to_do=_todo(by))


def _todo(by: float) -> str:
    check = "check that NTP runs on this host and on the database's"
    return f"{check}; deadlines in the gap are due now" if by > 0 else check

"""Deadlines are rows of the store. Each due deadline becomes an event."""

import asyncio

from router.engine.ownership import Ownership
from router.ports.clock import Clock
from router.ports.errors import Overloaded, StoreUnavailable
from router.ports.services import Inbox
from router.ports.store import Store
from router.telemetry.logs import logger

log = logger(__name__)

TICK = 0.5
"""Seconds between checks for due deadlines. If a process claims a timer and dies, the timer is late
by at most `LEASE + TICK`; three such deaths in a row still leave it within 5 s."""

LEASE = 1.0
"""Seconds until a claimed timer that wasn't committed is claimed again. A timer that fires twice
does no harm: once handled it's gone, and its second event has no effect."""

BATCH = 200
"""Timers claimed at once. Few enough that webhooks are handled between two batches."""


class Timers:
    """Claims due timers and submits them as events.

    A timer that isn't committed is claimed again after its lease.
    """

    def __init__(self, store: Store, inbox: Inbox, clock: Clock, ownership: Ownership) -> None:
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._ownership = ownership

    async def run(self) -> None:
        """Tick until cancelled."""
        never = asyncio.Event()
        while True:
            while await self.catch_up() == BATCH:
                pass
            await self._clock.wait(never, TICK)

    async def catch_up(self) -> int:
        """Tick once. Returns as `tick`, or 0 while the store is unavailable."""
        try:
            return await self.tick()
        except (StoreUnavailable, Overloaded) as error:
            log.warning("timers_wait", error=str(error))
            return 0

    async def tick(self) -> int:
        """Submit the timers that are due now.

        Returns how many. Raises: StoreUnavailable, Overloaded.
        """
        now = self._clock.now()
        due = await self._store.claim_timers(now, self._ownership.name, now + LEASE, BATCH)
        outcomes = await asyncio.gather(
            *(self._inbox.submit([timer]) for timer in due), return_exceptions=True
        )
        for timer, outcome in zip(due, outcomes, strict=True):
            if isinstance(outcome, StoreUnavailable | Overloaded):
                raise outcome
            if isinstance(outcome, BaseException):
                # Don't delay the other timers: this one is claimed again after its lease.
                log.error(
                    "timer_failed", incident=timer.incident_id, timer=timer.name, exc_info=outcome
                )
        return len(due)

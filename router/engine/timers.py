"""Deadlines are rows: those that are due become events."""

import asyncio

from router.ports.clock import Clock
from router.ports.errors import Overloaded, StoreUnavailable
from router.ports.services import Inbox
from router.ports.store import Store
from router.telemetry.logs import logger

log = logger(__name__)

TICK = 1.0
"""Seconds between two looks at what is due."""

LEASE = 60.0
"""Seconds in which a claimed timer must be committed, before anybody may claim it again."""

BATCH = 200
"""Timers claimed at once: few enough that webhooks get their turn between two batches."""


class Timers:
    """Claims due timers and submits them as events.

    One that isn't committed is claimed again after its lease.
    """

    def __init__(self, store: Store, inbox: Inbox, clock: Clock, owner: str) -> None:
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._owner = owner

    async def run(self) -> None:
        """Tick, for ever."""
        never = asyncio.Event()
        while True:
            try:
                while await self.tick() == BATCH:
                    pass
            except (StoreUnavailable, Overloaded) as error:
                log.warning("timers_wait", error=str(error))
            await self._clock.wait(never, TICK)

    async def tick(self) -> int:
        """Submit what is due now, and say how much it was. Raises: StoreUnavailable, Overloaded."""
        now = self._clock.now()
        due = await self._store.claim_timers(now, self._owner, now + LEASE, BATCH)
        outcomes = await asyncio.gather(
            *(self._inbox.submit([timer]) for timer in due), return_exceptions=True
        )
        for timer, outcome in zip(due, outcomes, strict=True):
            if isinstance(outcome, StoreUnavailable | Overloaded):
                raise outcome
            if isinstance(outcome, BaseException):
                # It's claimed again after its lease; the others aren't held up.
                log.error(
                    "timer_failed", incident=timer.incident_id, timer=timer.name, exc_info=outcome
                )
        return len(due)

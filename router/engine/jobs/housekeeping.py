"""Delete what is past its retention."""

import asyncio
from collections.abc import Sequence

from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.ports.store import Store
from router.telemetry.logs import logger

log = logger(__name__)

EVERY = 3600.0
"""Seconds between two rounds."""


async def keep_house(
    store: Store, clock: Clock, retention: float, kinds: Sequence[str] = ()
) -> None:
    """Every hour, delete what ended more than `retention` seconds ago. Never returns.

    These are resolved alerts, replay receipts, sliding windows, the history, mail and deployment
    events, and documents of these `kinds`.
    """
    never = asyncio.Event()
    while True:
        try:
            forgotten = await store.prune(clock.now() - retention, kinds)
        except StoreUnavailable as error:
            log.warning("housekeeping_waits", error=str(error))
        else:
            log.debug("forgotten", rows=forgotten)
        await clock.wait(never, EVERY)

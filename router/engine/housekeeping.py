"""Forgets what nobody asks for any more."""

import asyncio

from router.ports import Clock, Store, StoreUnavailable
from router.telemetry.logs import logger

log = logger(__name__)

EVERY = 3600.0
"""Seconds between two rounds."""


async def keep_house(store: Store, clock: Clock, retention: float) -> None:
    """Every hour, drop resolved alerts and replay receipts older than `retention` seconds. Never returns."""
    never = asyncio.Event()
    while True:
        try:
            forgotten = await store.prune(clock.now() - retention)
        except StoreUnavailable as error:
            log.warning("housekeeping_waits", error=str(error))
        else:
            log.debug("forgotten", rows=forgotten)
        await clock.wait(never, EVERY)

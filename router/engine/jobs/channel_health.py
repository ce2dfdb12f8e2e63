"""Export as metrics which channels and contact methods are proven to work."""

import asyncio

from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.ports.store import Store
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics

log = logger(__name__)

LOOK = 300.0
"""Seconds between checks. Proofs are valid for a quarter of a year, so this is often enough."""


class Proofs:
    def __init__(self, store: Store, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._clock = clock
        self._metrics = metrics

    async def run(self) -> None:
        """Check until cancelled."""
        never = asyncio.Event()
        while True:
            try:
                known = await self._store.proven()
                self._metrics.worked(
                    {
                        address: health.at
                        for address, health in known.items()
                        if health.at is not None
                    }
                )
            except StoreUnavailable as error:
                log.warning("proofs_wait", error=str(error))
            await self._clock.wait(never, LOOK)

"""Watch for on-call gaps while there is time to find somebody."""

import asyncio
from collections.abc import Callable

from router.core.incident.settings import Settings
from router.core.reachability.gaps import coming_gaps, uncovered
from router.core.text.plain import utc
from router.ports.clock import Clock
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics

log = logger(__name__)

EVERY = 60.0
"""Seconds between two checks."""


class Coverage:
    """Export the coming week's gaps; warn once of a gap in each schedule that pages need."""

    def __init__(self, settings: Callable[[], Settings], clock: Clock, metrics: Metrics) -> None:
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._warned: set[str] = set()

    def check(self, *, again: bool = False) -> None:
        """Check for gaps now. `again`: repeat earlier warnings."""
        settings = self._settings()
        coming = coming_gaps(settings, self._clock.now())
        self._metrics.oncall_gap.clear()
        for schedule, gaps in coming.items():
            self._metrics.oncall_gap.labels(schedule).set(sum(gap.end - gap.start for gap in gaps))
        found = uncovered(settings, coming)
        for gap in found:
            if again or gap.schedule not in self._warned:
                first = gap.gaps[0]
                start, end = utc(first.start), utc(first.end)
                log.warning("nobody_on_call", because=gap.why, start=start, end=end)
        self._warned = {gap.schedule for gap in found}

    async def run(self) -> None:
        """Check until cancelled."""
        never = asyncio.Event()
        while True:
            await self._clock.wait(never, EVERY)
            self.check()

"""Watches for times when nobody is on call, while there's time to find somebody."""

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
"""Seconds between two looks."""


class Coverage:
    """Shows the coming week's gaps in the metrics, and warns once of a schedule that urgent
    incidents depend on.
    """

    def __init__(self, settings: Callable[[], Settings], clock: Clock, metrics: Metrics) -> None:
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._warned: set[str] = set()

    def look(self, *, again: bool = False) -> None:
        """Look now; `again` warns also of what was warned of."""
        settings = self._settings()
        coming = coming_gaps(settings, self._clock.now())
        self._metrics.oncall_gap.clear()
        for schedule, gaps in coming.items():
            self._metrics.oncall_gap.labels(schedule).set(sum(gap.end - gap.start for gap in gaps))
        found = uncovered(settings, coming)
        for one in found:
            if again or one.schedule not in self._warned:
                first = one.gaps[0]
                log.warning(
                    "nobody_on_call", because=one.why, start=utc(first.start), end=utc(first.end)
                )
        self._warned = {one.schedule for one in found}

    async def run(self) -> None:
        """Look, for ever."""
        never = asyncio.Event()
        while True:
            await self._clock.wait(never, EVERY)
            self.look()

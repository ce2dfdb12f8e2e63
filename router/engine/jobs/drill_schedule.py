"""Starts drills and canaries as often as the config says.

Each has an id derived from its due time, so that it starts once, whichever replica starts it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from router.core.drill import progress
from router.core.drill.cadence import Cadence, CanaryCadence, due_at, reminder
from router.core.oncall.recipients import People
from router.core.text.units import duration
from router.model.drill import Drill, DrillPlan
from router.model.incident import Severity
from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.ports.services import DrillService
from router.ports.store import Store
from router.records.records import Records
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics

log = logger(__name__)

EVERY = 60.0
"""Seconds between two checks."""

KIND = "drill-since"
"""The kind of the records of when a schedule was first seen."""

CANARY = "canary-at-"
"""The prefix of the ids of regular canaries."""


class Since(Struct, frozen=True):
    at: float


class Regular(Struct, frozen=True):
    """The regular drills and canaries of the current config, and its scenarios."""

    cadence: Cadence | None = None
    canary: CanaryCadence | None = None
    plans: Mapping[str, DrillPlan] = {}


class DrillCalendar:
    """Runs the schedule. `wanted` is the plan of the current config; `people` may get reminders."""

    def __init__(  # noqa: PLR0913 - the parts it stands between
        self,
        service: DrillService,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        *,
        wanted: Callable[[], Regular],
        people: Callable[[], People],
    ) -> None:
        self._service = service
        self._records = Records(store, KIND, Since)
        self._clock = clock
        self._metrics = metrics
        self._wanted = wanted
        self._people = people

    async def run(self) -> None:
        """Start drills and send reminders until cancelled."""
        never = asyncio.Event()
        while True:
            try:
                await self.check()
            except StoreUnavailable as error:
                log.warning("drill_calendar_waits", error=str(error))
            await self._clock.wait(never, EVERY)

    async def check(self) -> None:
        """Start due drills, send due reminders, and set the metrics. Raises: StoreUnavailable."""
        wanted = self._wanted()
        if wanted.cadence is None and wanted.canary is None:
            self._metrics.drill_overdue.set(0)
            return
        drills = await self._service.drills()
        if wanted.cadence:
            await self._drill(wanted.cadence, wanted.plans, drills)
        if wanted.canary:
            await self._canary(wanted.canary, drills)

    async def regular(self) -> tuple[float | None, float]:
        """Return the last run of the regular drill, if any, and its next due time.

        Raises: StoreUnavailable.
        """
        cadence = self._wanted().cadence
        assert cadence is not None, "the caller has checked that a regular drill is configured"
        return await self._times(cadence, await self._service.drills())

    async def _times(self, cadence: Cadence, drills: Sequence[Drill]) -> tuple[float | None, float]:
        held = max(
            (drill.started_at for drill in drills if drill.plan.name == cadence.scenario),
            default=None,
        )
        return held, due_at(cadence, await self._since("drill") if held is None else held)

    async def _drill(
        self, cadence: Cadence, plans: Mapping[str, DrillPlan], drills: Sequence[Drill]
    ) -> None:
        now = self._clock.now()
        held, due = await self._times(cadence, drills)
        late = max(0.0, now - due)
        self._metrics.drill_last.set(held or 0.0)
        self._metrics.drill_overdue.set(late)
        plan = plans.get(cadence.scenario)
        if cadence.auto and plan and now >= due:
            await self._service.start(plan, "", f"{plan.name}-{due:.0f}")
        elif name := reminder(cadence, due, now):
            to = self._people().reach(cadence.tell, Severity.P3, now).addresses
            await self._start_proof("reminder", _words(cadence, late), to, name)

    async def _canary(self, cadence: CanaryCadence, drills: Sequence[Drill]) -> None:
        sent = max(
            (drill.started_at for drill in drills if drill.id.startswith(CANARY)), default=None
        )
        due = (await self._since("canary") if sent is None else sent) + cadence.every
        if self._clock.now() >= due and cadence.to:
            await self._service.start(progress.canary(cadence.to), "", f"{CANARY}{due:.0f}")

    async def _start_proof(self, name: str, words: str, to: Sequence[str], drill_id: str) -> None:
        if to:
            await self._service.start(progress.proof(name, words, to), "", drill_id)

    async def _since(self, what: str) -> float:
        """Return when the schedule was first seen. Due times are computed from then."""
        now = self._clock.now()
        kept = await self._records.get(what)
        if kept is None:
            await self._records.add(what, Since(now), now)
        return now if kept is None else kept.at


def _words(cadence: Cadence, late: float) -> str:
    overdue = f" ({duration(late)} overdue)" if late >= EVERY else ""
    return (
        f"The drill {cadence.scenario} is due{overdue}. "
        f"Start it: alert-router drill start {cadence.scenario}"
    )

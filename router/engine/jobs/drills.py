"""Runs drills: sends their alerts, evaluates expectations, and resolves everything at the end.

A drill is a stored document, and every step is idempotent: a repeated alert is a repeat, and a
resolved incident stays resolved. So a drill that a crash interrupts continues where it was.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence

from router.core.drill import progress
from router.core.drill.progress import CLEANER, DrillTimeline
from router.core.incident.settings import Settings
from router.core.incident.snapshot import ReadPlan
from router.model.drill import LONGEST, Drill, DrillPlan, Ending, Tick
from router.model.event import AlertSeen, Command, Commanded, Event
from router.ports.clock import Clock
from router.ports.errors import Overloaded, StoreUnavailable
from router.ports.services import DrillView, Inbox
from router.ports.store import Store
from router.records.records import Records
from router.telemetry.logs import logger

log = logger(__name__)

KIND = "drill"

POLL = 5.0
"""Seconds between two checks of running drills, also of those that another replica has started.
"""

LOOKED_BACK = 30 * LONGEST
"""Seconds after its start for which an unfinished drill is resumed after downtime."""

MOST = 500
"""Maximum drills in a list."""


class Drills:
    """A `router.ports.services.DrillService`, and the loop that runs drills."""

    def __init__(
        self, store: Store, inbox: Inbox, clock: Clock, settings: Callable[[], Settings]
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._settings = settings
        self._records = Records(store, KIND, Drill)
        self._wake = asyncio.Event()

    # --- what people do

    async def start(self, plan: DrillPlan, by: str, drill_id: str = "") -> Drill | None:
        """Start a drill, which is on disk when this returns.

        Returns None if a drill of that name is running, or one with that id exists.
        """
        now = self._clock.now()
        if any(drill.plan.name == plan.name for drill in await self._running()):
            return None
        drill = progress.started(plan, drill_id or f"{plan.name}-{secrets.token_hex(3)}", by, now)
        if not await self._records.add(drill.id, drill, now):
            return None
        log.info("drill_started", drill=drill.id, by=by)
        self._wake.set()
        return drill

    async def stop(self, drill_id: str, by: str) -> bool:
        """End a drill. Returns False if it had already ended or does not exist."""
        return await self._end(drill_id, Ending.STOPPED, by)

    async def tick(self, drill_id: str, tick: Tick) -> Drill | None:
        """Tick off an expectation. Returns None if there is no drill with that id.

        Raises: ValueError, as `progress.ticked`.
        """
        await self._change(drill_id, lambda drill: progress.ticked(drill, tick))
        self._wake.set()
        return await self._records.get(drill_id)

    async def seen(self, drill_id: str) -> DrillView | None:
        drill = await self._records.get(drill_id)
        return None if drill is None else await self._see(drill)

    async def drills(self) -> Sequence[Drill]:
        """List drills, newest first."""
        return [drill for _, drill in await self._records.find(limit=MOST)]

    # --- the loop

    async def run(self) -> None:
        """Run forever."""
        while True:
            self._wake.clear()
            pause = POLL
            try:
                for drill in await self._unfinished():
                    pause = min(pause, await self._hold(drill))
            except (StoreUnavailable, Overloaded) as error:
                log.warning("drills_wait", error=str(error))
            await self._clock.wait(self._wake, pause)

    async def _hold(self, drill: Drill) -> float:
        """Do one drill's due work. Returns the seconds until more is due."""
        now = self._clock.now()
        for number in progress.due(drill, now):
            drill = await self._fire(drill, number, now)
        if drill.is_running:
            seen = await self._see(drill)
            if why := progress.ending(drill, seen.outcomes, now):
                await self._end(drill.id, why, "")
                drill = await self._records.get(drill.id) or drill
        if not drill.is_running:
            await self._clean_up(drill, now)
        following = progress.next_due(drill, now)
        return POLL if following is None else following - now

    async def _fire(self, drill: Drill, number: int, now: float) -> Drill:
        """Submit the alert, then record that. After a crash in between it's submitted again."""
        alert = progress.alert_of(drill, number)
        keys = [rule.key(alert) for rule in self._settings().rules.matching_rules(alert)]
        await self._inbox.submit([AlertSeen(now, alert)])
        return (
            await self._change(drill.id, lambda current: progress.fired(current, number, keys))
            or drill
        )

    async def _clean_up(self, drill: Drill, now: float) -> None:
        over: list[Event] = [
            AlertSeen(now, progress.alert_of(drill, number, ends_at=now)) for number in drill.fired
        ]
        await self._inbox.submit(over)
        left = [
            incident for incident in (await self._timeline(drill)).incidents if incident.is_open
        ]
        text = f"the drill {drill.id} is over"
        await self._inbox.submit(
            [
                Commanded(
                    now,
                    incident.id,
                    CLEANER,
                    Command.RESOLVE,
                    text,
                    receipt=f"{drill.id}/{incident.id}",
                )
                for incident in left
            ]
        )
        await self._change(drill.id, progress.cleaned)

    # --- parts of these

    async def _end(self, drill_id: str, why: Ending, by: str) -> bool:
        ended = await self._change(
            drill_id, lambda drill: progress.ended(drill, why, by, self._clock.now())
        )
        if ended is not None:
            log.info("drill_ended", drill=drill_id, ending=why.value)
            self._wake.set()
        return ended is not None

    async def _change(self, drill_id: str, change: Callable[[Drill], Drill | None]) -> Drill | None:
        """Change the stored drill. The record's time is its start, by which drills are listed."""
        drill = await self._records.get(drill_id)
        if drill is None:
            return None
        return await self._records.change(
            drill_id, lambda stored: stored and change(stored), drill.started_at
        )

    async def _unfinished(self) -> list[Drill]:
        found = await self._records.find(since=self._clock.now() - LOOKED_BACK, limit=MOST)
        return [drill for _, drill in reversed(found) if not drill.over]

    async def _running(self) -> list[Drill]:
        return [drill for drill in await self._unfinished() if drill.is_running]

    async def _see(self, drill: Drill) -> DrillView:
        timeline = await self._timeline(drill)
        outcomes = progress.outcomes(drill, timeline, self._settings().people, self._clock.now())
        return DrillView(drill, timeline, tuple(outcomes))

    async def _timeline(self, drill: Drill) -> DrillTimeline:
        view = await self._store.load(ReadPlan(keys=drill.keys))
        incidents = sorted(
            (view.incidents[number] for number in view.latest.values()),
            key=lambda incident: incident.id,
        )
        entries = [
            entry for incident in incidents for entry in await self._store.timeline(incident.id)
        ]
        return DrillTimeline(tuple(incidents), tuple(sorted(entries, key=lambda entry: entry.id)))

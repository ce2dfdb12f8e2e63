"""The only writer of incidents: read, decide, write, in one transaction for all waiting events.

While one transaction is being committed new events gather, and share the next one (group commit).
So concurrent events share the cost of an fsync, and no queue grows because of it. Submissions of a
few events go before those of many, unless they report the same alert: a storm delays others by
little more than a transaction.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from router.core.incident.batch import Batch
from router.core.incident.settings import Settings
from router.core.incident.snapshot import Conflict, Snapshot, Writes
from router.engine.ownership import Ownership
from router.model.event import AlertSeen, Event
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having
from router.ports.clock import Clock
from router.ports.errors import Overloaded, StoreUnavailable
from router.ports.store import Store
from router.telemetry import errors
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics

log = logger(__name__)

GROUP = 2_000
"""The most events in one transaction."""

STORM, OPENINGS = 50, 100
"""After a transaction that opened `STORM` incidents, the next one has at most `OPENINGS` events in
large submissions: an opening takes several times as long as another event, and others wait for it.
Alerts that join incidents are cheaper the more of them share a transaction.
"""

FEW = 10
"""A submission of at most this many events goes before larger ones, such as a storm's."""

WAITING = 20_000
"""Events that may wait before more are refused with 503: about a second of work."""

TRIES = 20
"""Attempts at a transaction that conflicts with other writers, before it fails."""


WARNINGS = having(Trait.WARNING)
ERRORS = having(Trait.ERROR)
"""Entries that an operator must see in the log."""

UNLOGGED = having(Trait.UNLOGGED) - WARNINGS - ERRORS
"""Entries that are too frequent for the log; the timeline has them."""


@dataclass(frozen=True)
class _Submission:
    events: Sequence[Event]
    done: asyncio.Future[list[Reason]]
    owner: str = ""

    @cached_property
    def alerts(self) -> frozenset[str]:
        """Fingerprints of the reported alerts."""
        return frozenset(e.alert.fingerprint for e in self.events if isinstance(e, AlertSeen))


class Applier:
    """Takes events from all sources, and returns once their effects are committed."""

    def __init__(  # noqa: PLR0913, PLR0917 - the parts it connects
        self,
        store: Store,
        settings: Settings,
        clock: Clock,
        metrics: Metrics,
        on_queued: Callable[[Iterable[str]], None],
        ownership: Ownership | None = None,
    ) -> None:
        self.settings = settings
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._on_queued = on_queued
        self._ownership = ownership
        self._small: list[_Submission] = []
        self._others: deque[_Submission] = deque()
        self._waiting = 0
        self._is_storm = False
        self._wake = asyncio.Event()

    async def submit(self, events: Sequence[Event]) -> list[Reason]:
        """Commit the effects of `events`, then return the reason decided for each.

        Raises: Overloaded, StoreUnavailable; any exception of a fault in the core. Nothing was
        committed then.
        """
        if not events:
            return []
        if self._waiting and self._waiting + len(events) > WAITING:
            raise Overloaded(f"{self._waiting} events are waiting to be committed")
        owner = self._ownership.name if self._ownership else ""
        submission = _Submission(events, asyncio.get_running_loop().create_future(), owner)
        (self._small if self._may_overtake(submission) else self._others).append(submission)
        self._waiting += len(events)
        self._wake.set()
        return await submission.done

    async def run(self) -> None:
        """Commit groups of waiting events until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while group := self._next_group():
                self._waiting -= _size(group)
                await self._commit_group(group)

    def _may_overtake(self, submission: _Submission) -> bool:
        """Report whether it may go before larger ones: only if none has one of its alerts."""
        if len(submission.events) > FEW or self._waiting > GROUP:
            return False
        return all(submission.alerts.isdisjoint(other.alerts) for other in self._others)

    def _next_group(self) -> list[_Submission]:
        """Take all small submissions, and as many others as a turn may have: at least one."""
        group, self._small = self._small, []
        room = OPENINGS if self._is_storm else GROUP - _size(group)
        taken = 0
        while (others := self._others) and (not taken or taken + len(others[0].events) <= room):
            group.append(others.popleft())
            taken += len(group[-1].events)
        return group

    async def _commit_group(self, group: Sequence[_Submission]) -> None:
        try:
            owners = {submission.owner for submission in group}
            reasons = await self._commit(
                [event for submission in group for event in submission.events], owners
            )
        except Exception as error:  # noqa: BLE001 - raised again at the submitter
            await self._fail_or_separate(group, error)
            return
        self._is_storm = reasons.count(Reason.OPENED) >= STORM
        start = 0
        for submission in group:
            end = start + len(submission.events)
            if not submission.done.done():  # the client may have disconnected
                submission.done.set_result(reasons[start:end])
            start = end

    async def _fail_or_separate(self, group: Sequence[_Submission], error: Exception) -> None:
        """Commit each submission alone after a fault, so that one can't fail the others."""
        if len(group) > 1 and not isinstance(error, StoreUnavailable):
            for submission in group:
                await self._commit_group([submission])
            return
        if isinstance(error, StoreUnavailable):
            # Fail the waiting ones too: each further group would only wait for another timeout.
            group = [*group, *self._small, *self._others]
            self._small = []
            self._others.clear()
            self._waiting = 0
        for submission in group:
            if not submission.done.done():
                submission.done.set_exception(error)

    async def _commit(self, events: Sequence[Event], owners: Iterable[str]) -> list[Reason]:
        for _ in range(TRIES):
            with self._metrics.commit.time():
                batch = Batch(self.settings, events)
                await self._store.load(batch.reads, batch.view)
                changes, reasons = batch.decide()
                # Events that waited while this process was paused are stale: other replicas may
                # have handled later ones.
                if self._ownership and not all(map(self._ownership.holds, owners)):
                    raise StoreUnavailable(
                        "this replica was paused for a while: send the request again"
                    )
                try:
                    if changes:
                        await self._store.save(changes)
                except Conflict:
                    continue
            self._committed(events, changes, batch.view)
            return reasons
        raise StoreUnavailable("too many concurrent writes to the same incident")

    def _committed(self, events: Sequence[Event], changes: Writes, view: Snapshot) -> None:
        self._metrics.committed(events, changes, view.incidents)
        bound = log.bind()  # once: it takes as long as a line
        for entry in changes.entries:
            name = f"INC-{entry.incident_id}"
            if entry.what in ERRORS:
                incident = view.incidents.get(entry.incident_id)
                # An error about an alert from Sentry must not raise that alert again.
                with errors.about(incident.source if incident else ""):
                    bound.error(entry.what.value, incident=name, **entry.data)
            elif entry.what in WARNINGS:
                bound.warning(entry.what.value, incident=name, **entry.data)
            elif entry.what not in UNLOGGED:
                bound.info(entry.what.value, incident=name, by=entry.by or None)
        if changes.queued:
            self._on_queued({queued.channel for queued in changes.queued})


def _size(group: Iterable[_Submission]) -> int:
    return sum(len(submission.events) for submission in group)

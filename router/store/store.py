"""The `Store` of router.ports, on SQLite or PostgreSQL."""

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from router.core.incident.delivery import ARRIVES_WITHIN
from router.core.incident.snapshot import Conflict, ReadPlan, Snapshot, Writes
from router.core.outbox.digest import Standing
from router.core.postmortem.statistics import IncidentFacts
from router.core.reachability.channel_health import Health, health
from router.model.decision import Entry
from router.model.event import Event, TimerDue
from router.model.incident import Incident, Severity, Status
from router.model.notification import Key, Notification, NotificationState
from router.model.outbox import OutboxKind
from router.model.record import Record
from router.model.statuspage import Published
from router.ports.errors import StoreUnavailable
from router.ports.store import AlertRow, Beats, Gauges, RuleUse
from router.store import counts, queries, replicas, retention, timelines
from router.store.bulk import SQLITE
from router.store.claims import Claims
from router.store.faults import meaning
from router.store.load import Load, ReadMessages, fingerprints
from router.store.memory import MOST_ALERTS, Memory
from router.store.published import published
from router.store.save import Save
from router.store.shift import shift
from router.store.sql import Database
from router.store.stories import stories

T = TypeVar("T")

_PRUNED_AT_ONCE = 2000  # rows in one transaction, so that pruning never delays an alert for long


class SqlStore:
    """The store on a database. Create it with `open_store`.

    Every method raises StoreUnavailable when the database can't be reached.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.shared = database.dialect is not SQLITE
        # Only the holder of the lock sees all writes.
        self._memory = Memory() if database.lock else None
        self._load = Load(database.dialect)
        self._save = Save(database.dialect)
        self._claims = Claims(database.dialect)
        self._messages = ReadMessages(database.dialect)

    async def load(
        self, reads: ReadPlan | Iterable[ReadPlan], view: Snapshot | None = None
    ) -> Snapshot:
        """Read the data of the plans. To read the incidents of rule matches, name their ids."""
        plans = (reads,) if isinstance(reads, ReadPlan) else reads
        view, memory = view or Snapshot(), self._memory
        if memory is None:
            return await self._database.query(self._load, plans, view)
        for plan in plans:
            if plan.fingerprints and not memory.is_primed:
                state = memory.state
                known = await self._database.query(fingerprints, MOST_ALERTS + 1)
                memory.prime(known, state)
            if missing := memory.recall(plan, view):
                state = memory.state
                read = await self._database.query(self._load, (missing,), Snapshot())
                memory.learn(missing, read, state)
                view.add(read)
        return view

    async def save(self, changes: Writes) -> None:
        """Raises: Conflict, StaleRecord, StoreUnavailable."""
        memory = self._memory
        if memory is None:
            await self._database.save(partial(self._save, changes))
            return
        make = partial(self._save, changes, memory.incidents)
        await self._database.save(make, partial(memory.follow, changes))

    async def claim_timers(
        self, now: float, owner: str, until: float, limit: int
    ) -> Sequence[TimerDue]:
        if not await self._database.query(self._claims.timers_due, now):
            return ()
        return await self._database.transact(self._claims.timers, now, owner, until, limit)

    async def claim_notifications(  # noqa: PLR0913 - what to lease, and for how long
        self,
        channel: str,
        now: float,
        owner: str,
        until: float,
        limit: int,
        *,
        people: bool = False,
        less: Sequence[str] = (),
        arrives_within: float = ARRIVES_WITHIN,
        look: bool = True,
    ) -> Sequence[Notification]:
        whose: Any = {"people": people, "less": less}
        if look and not await self._database.query(
            self._claims.messages_due, channel, now, **whose
        ):
            return ()
        return await self._database.transact(
            self._claims.messages,
            *(channel, now, owner, until, limit),
            **whose,
            arrives_within=arrives_within,
        )

    async def waiting(
        self,
        addresses: Mapping[str, bool],
        now: float,
        limit: int,
        since: float = 0.0,
        *,
        edits: bool = False,
    ) -> Sequence[tuple[Notification, Standing]]:
        return await self._database.query(
            self._claims.waiting, addresses, now, limit, since, edits=edits
        )

    async def claim_waiting(
        self, keys: Sequence[Key], now: float, owner: str, until: float
    ) -> Sequence[Notification]:
        return await self._database.transact(self._claims.these, keys, now, owner, until)

    async def messages(
        self, incident_ids: Iterable[int]
    ) -> Mapping[int, tuple[Incident, Sequence[Entry], Sequence[AlertRow]]]:
        """Return incidents with their last 30 timeline entries and up to 10 alerts."""
        return await self._database.query(self._messages, incident_ids)

    async def incident(self, incident_id: int) -> Incident | None:
        if self._memory and (known := self._memory.incidents.get(incident_id)):
            return known
        return await self._database.read(queries.incident_by_id, incident_id)

    async def timeline(self, incident_id: int) -> Sequence[Entry]:
        return await self._database.read(timelines.whole_timeline, incident_id)

    async def published(self, since: float) -> Sequence[Published]:
        return await self._database.read(published, since)

    async def stories(self, since: float, limit: int) -> Sequence[IncidentFacts]:
        return await self._database.read(stories, since, limit)

    async def incidents(
        self,
        *,
        statuses: Iterable[Status] = (),
        severities: Iterable[Severity] = (),
        before: int = 0,
        limit: int = 100,
    ) -> Sequence[Incident]:
        return await self._database.read(queries.incident_page, statuses, severities, before, limit)

    async def scan_incidents(
        self,
        words: Iterable[str],
        *,
        statuses: Iterable[Status] = (),
        severities: Iterable[Severity] = (),
        before: int = 0,
        limit: int = 100,
    ) -> tuple[Sequence[Incident], int]:
        return await self._database.read(
            queries.incident_scan, words, statuses, severities, before, limit
        )

    async def count_incidents(
        self, *, statuses: Iterable[Status] = (), severities: Iterable[Severity] = ()
    ) -> Mapping[tuple[Severity, Status], int]:
        return await self._database.read(queries.incident_counts, statuses, severities)

    async def rule_use(self, since: float) -> Mapping[str, RuleUse]:
        return await self._database.read(queries.rule_use, since)

    async def alerts(
        self,
        *,
        fingerprint: str = "",
        incident_id: int = 0,
        firing: bool | None = None,
        after: str = "",
        limit: int = 100,
    ) -> Sequence[AlertRow]:
        """`limit` counts fingerprints: all rule matches of one alert are on one page."""
        return await self._database.read(
            queries.alert_page, fingerprint, incident_id, firing, after, limit
        )

    async def notifications(  # noqa: PLR0913 - the filters
        self,
        *,
        states: Iterable[NotificationState] = (),
        incident_id: int = 0,
        channel: str = "",
        ref: str = "",
        after: tuple[int, str] | None = None,
        limit: int = 100,
    ) -> Sequence[Notification]:
        return await self._database.read(
            queries.notification_page, states, incident_id, channel, ref, after, limit
        )

    async def count_alerts(
        self, *, fingerprint: str = "", incident_id: int = 0, firing: bool | None = None
    ) -> int:
        return await self._database.read(counts.count_alerts, fingerprint, incident_id, firing)

    async def count_notifications(
        self,
        *,
        states: Iterable[NotificationState] = (),
        incident_id: int = 0,
        channel: str = "",
    ) -> int:
        return await self._database.read(counts.count_messages, states, incident_id, channel)

    async def tasks(
        self,
        *kinds: OutboxKind,
        states: Iterable[NotificationState] = (),
        incident_id: int = 0,
        limit: int = 100,
    ) -> Sequence[Notification]:
        return await self._database.read(queries.tasks, kinds, states, incident_id, limit)

    async def proven(self) -> Mapping[str, Health]:
        return health(await self._database.read(queries.latest_deliveries))

    async def record(self, kind: str, record_id: str) -> Record | None:
        return await self._database.read(queries.record_by_id, kind, record_id)

    async def records(
        self,
        kind: str,
        *,
        since: float = -math.inf,
        until: float = math.inf,
        after: tuple[float, str] | None = None,
        limit: int = 1000,
    ) -> Sequence[Record]:
        return await self._database.read(queries.record_page, kind, since, until, after, limit)

    async def count_records(
        self, kind: str, *, since: float = -math.inf, until: float = math.inf
    ) -> int:
        return await self._database.read(counts.count_records, kind, since, until)

    async def remove_record(self, kind: str, record_id: str) -> bool:
        return await self._database.write(queries.remove_record, kind, record_id)

    async def history(
        self,
        *,
        since: float = -math.inf,
        after: int = 0,
        limit: int = 1000,
    ) -> Sequence[tuple[int, Sequence[Event]]]:
        return await self._database.read(queries.history_page, since, after, limit)

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[Entry]:
        return await self._database.read(timelines.entry_page, after, limit)

    async def last_entry(self) -> int:
        return await self._database.read(timelines.last_entry)

    async def people_entries(
        self, *, before: int = 0, by: str = "", limit: int = 100
    ) -> Sequence[Entry]:
        return await self._database.read(timelines.people_entry_page, before, by, limit)

    async def gauges(self, now: float) -> Gauges:
        return await self._database.read(queries.gauges, now)

    async def prune(self, before: float, kinds: Sequence[str] = ()) -> int:
        """Delete old rows. Returns how many."""
        total, database = 0, self._database
        try:
            while gone := await database.write(
                retention.prune_some, before, kinds, _PRUNED_AT_ONCE
            ):
                total += gone
        finally:
            if self._memory:
                self._memory.forget_alerts()
        while keys := await database.read(
            retention.old_windows, database.dialect, before, _PRUNED_AT_ONCE
        ):
            total += await database.write(retention.forget_windows, database.dialect, before, keys)
        return total

    async def recover(self) -> None:
        """End all leases of a SQLite file, which has one daemon.

        On PostgreSQL they may be those of other replicas.
        """
        if not self.shared:
            await self._database.write(replicas.end_leases)

    async def beat(self, owner: str) -> Beats:
        return await self._database.write(replicas.beat, self._database.dialect, owner)

    async def remove_owners(self, *owners: str) -> None:
        await self._among_others(replicas.remove_owners, owners)

    async def shift(self, by: float, at: float) -> bool:
        task = asyncio.ensure_future(self._among_others(shift, by, at if self.shared else None))
        if self._memory:
            self._memory.follow(None, task)
        return await asyncio.shield(task)

    async def _among_others(self, work: Callable[..., T], *args: Any) -> T:
        """Write rows that other replicas may write at the same time.

        Raises: StoreUnavailable, also after a deadlock.
        """
        try:
            return await self._database.write(work, *args)
        except Conflict as error:
            raise StoreUnavailable(str(error)) from error

    async def ping(self) -> None:
        await self._database.read(_ping)

    async def close(self) -> None:
        await self._database.close()


def _ping(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))


def revision(connection: Connection) -> str | None:
    """The revision of the database's schema; None if it has no schema.

    Raises: DBAPIError for any other fault.
    """
    try:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except DBAPIError as error:
        if meaning(error) is not None:
            raise
        return None

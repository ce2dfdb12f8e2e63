"""Compares incidents with the services that show them, and alerts with their sources.

Webhooks get lost, people delete messages and close tickets. Repairs take the normal path: the
message is sent again, or the missed alert or command is submitted as an event. The last result is
stored, which also keeps two replicas from comparing at the same time.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from router.model.alert import AlertStatus
from router.model.difference import Difference, DifferenceKind, Reconciliation, Repair
from router.model.event import AlertSeen, Commanded, Event, Resent
from router.model.incident import OPEN, Incident
from router.model.notification import NotificationState
from router.ports.clock import Clock
from router.ports.errors import Overloaded, StoreUnavailable
from router.ports.reconcile import CompareFailed, Comparer, Mismatch, Shown, SourcePoller
from router.ports.services import Inbox
from router.ports.store import AlertRow, Store
from router.records.records import Records
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics

log = logger(__name__)

KIND = "reconciliation"
LAST = "last"
"""The id of the only document of the kind."""

BY = "reconciliation"
"""The author of repairs on the timeline."""

POLL = 60.0
"""Seconds between checks for a due comparison."""

SETTLED = 120.0
"""Seconds after its last change before an incident is compared: messages may be in transit."""

LATELY = 86_400.0
"""Seconds for which a closed incident is still compared, and a repair is not repeated."""

INCIDENTS = 500
"""Maximum open incidents, and maximum closed incidents, in one comparison."""

HIDDEN = 3
"""If at least this many messages are missing, and all of them, the service probably hides them.

Then they aren't sent again: nobody deletes all messages by hand.
"""

PAGE = 1000
"""Rows per read from the store."""


class Reconciler:
    """Runs the comparison every `every` seconds; 0 turns it off."""

    def __init__(  # noqa: PLR0913 - the parts it compares
        self,
        store: Store,
        inbox: Inbox,
        clock: Clock,
        metrics: Metrics,
        *,
        comparers: Callable[[], Mapping[str, Comparer]],
        pollers: Callable[[], Mapping[str, SourcePoller]],
        every: Callable[[], float],
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._metrics = metrics
        self._comparers = comparers
        self._pollers = pollers
        self._every = every
        self._records = Records(store, KIND, Reconciliation)
        self._turn = asyncio.Lock()
        self._unsaved: Reconciliation | None = None

    async def run(self) -> None:
        """Compare until cancelled."""
        never = asyncio.Event()
        while True:
            await self._clock.wait(never, POLL)
            try:
                await self._save()
                if self._every() and await self._claim():
                    await self.compare()
            except (StoreUnavailable, Overloaded) as error:
                log.warning("reconciliation_waits", error=str(error))

    async def last(self) -> Reconciliation | None:
        """The result of the last comparison by any replica. Raises: StoreUnavailable."""
        await self._save()
        return await self._records.get(LAST)

    async def compare(self) -> Reconciliation:
        """Compare now, and repair. Raises: StoreUnavailable, Overloaded."""
        async with self._turn:  # two comparisons at once would repair the same difference twice
            now, before = self._clock.now(), await self.last()
            repaired = before.repaired if before else {}
            round_ = _Round(now, {key: at for key, at in repaired.items() if now - at < LATELY})
            await self._compare_all(round_)
            found = self._unsaved = round_.result()
            self._metrics.reconciled(found)
            # Also after a fault: the next comparison must not repeat the repairs.
            await self._save()
        if round_.fault:
            raise round_.fault
        return found

    async def _compare_all(self, round_: "_Round") -> None:
        """Compare each place until the store takes no more repairs. Raises: StoreUnavailable."""
        comparers, pollers = self._comparers(), self._pollers()
        shown = await self._shown(comparers, round_.now)
        known = await self._alerts(pollers)
        looks = [
            (name, partial(self._channel, round_, name, comparer, shown[name]))
            for name, comparer in comparers.items()
        ]
        looks += [
            (name, partial(self._source, round_, name, poller, known[name]))
            for name, poller in pollers.items()
        ]
        for name, look in looks:
            if round_.fault:
                round_.fail(name, "not compared: the store took no more repairs")
            else:
                await look()

    async def _save(self) -> None:
        """Store the newest result, which an outage may have delayed. Raises: StoreUnavailable."""
        found = self._unsaved
        if found is None:
            return
        await self._records.change(LAST, partial(_newest, found), found.at)
        if self._unsaved is found:
            self._unsaved = None

    async def _claim(self) -> bool:
        """Mark the start. Returns False if another replica compared recently enough."""
        now, every = self._clock.now(), self._every()

        def start(before: Reconciliation | None) -> Reconciliation | None:
            if before is None:
                return Reconciliation(now)
            return None if now - before.at < every else replace(before, at=now)

        return await self._records.change(LAST, start, now) is not None

    async def _incidents(self, now: float) -> Sequence[Incident]:
        """Open and recently closed incidents, except those that have just changed."""
        found = [*await self._store.incidents(statuses=OPEN, limit=INCIDENTS)]
        recent = await self._store.incidents(limit=INCIDENTS)
        found += [
            incident
            for incident in recent
            if incident.closed_at and now - incident.closed_at < LATELY
        ]
        return [incident for incident in found if now - incident.updated_at > SETTLED]

    async def _shown(self, channels: Collection[str], now: float) -> dict[str, list[Shown]]:
        """Messages of open and recently closed incidents, by channel."""
        found: dict[str, list[Shown]] = {name: [] for name in channels}
        for incident in await self._incidents(now) if channels else ():
            rows = await self._store.notifications(
                states=[NotificationState.SENT], incident_id=incident.id, limit=PAGE
            )
            for row in rows:
                if row.channel in found and row.ref:
                    found[row.channel].append(Shown(incident, row.ref))
        return found

    async def _channel(
        self, round_: "_Round", name: str, comparer: Comparer, shown: Sequence[Shown]
    ) -> None:
        try:
            mismatches = await comparer.compare(shown, round_.now) if shown else ()
        except CompareFailed as error:
            round_.fail(name, str(error))
            return
        gone = sum(mismatch.kind is DifferenceKind.GONE for mismatch in mismatches)
        if gone >= HIDDEN and gone == sum(message.incident.is_open for message in shown):
            round_.fail(
                name, f"all {gone} messages are gone: check that its token may still read them"
            )
            return
        round_.compared.append(name)
        names = {message.incident.id: message.incident.name for message in shown}
        for mismatch in mismatches:
            subject = names[mismatch.incident_id]
            repair = Repair.APPLIED if mismatch.command else Repair.SENT_AGAIN
            difference = Difference(name, mismatch.kind, subject, round_.now, repair)
            await self._repair(round_, difference, _event(name, mismatch, round_.now))

    async def _source(
        self, round_: "_Round", name: str, poller: SourcePoller, known: Sequence[AlertRow]
    ) -> None:
        try:
            reports = await poller.missed(known, round_.now)
        except CompareFailed as error:
            round_.fail(name, str(error))
            return
        round_.compared.append(name)
        for alert in reports:
            fires = alert.status is AlertStatus.FIRING
            kind = DifferenceKind.NOT_REPORTED if fires else DifferenceKind.OVER_THERE
            subject = alert.labels.get("alertname", "") or alert.fingerprint
            difference = Difference(name, kind, subject, round_.now, Repair.APPLIED)
            await self._repair(round_, difference, AlertSeen(round_.now, alert))

    async def _alerts(self, sources: Collection[str]) -> dict[str, list[AlertRow]]:
        """The stored alerts of these sources."""
        found: dict[str, list[AlertRow]] = {name: [] for name in sources}
        rows = await self._store.alerts(limit=PAGE) if sources else ()
        while rows:
            for row in rows:
                if row.alert.source in found:
                    found[row.alert.source].append(row)
            after = rows[-1].rule_match.fingerprint
            rows = await self._store.alerts(after=after, limit=PAGE) if len(rows) == PAGE else ()
        return found

    async def _repair(self, round_: "_Round", difference: Difference, event: Event | None) -> None:
        """Report the difference, and repair it unless an earlier repair had no effect."""
        repeated = difference.key in round_.repaired and difference.repair is Repair.SENT_AGAIN
        if event is None or repeated or round_.fault:
            difference = replace(difference, repair=Repair.NONE)
        else:
            try:
                await self._inbox.submit([event])
                round_.repaired[difference.key] = round_.now
            except (StoreUnavailable, Overloaded) as error:
                round_.fault = error
                difference = replace(difference, repair=Repair.NONE)
        round_.differences.append(difference)
        log.warning(
            "difference",
            place=difference.place,
            kind=difference.kind.value,
            subject=difference.subject,
            repair=difference.repair.value,
        )


class _Round:
    """The comparison in progress. `fault`: why the store takes no more repairs."""

    def __init__(self, now: float, repaired: dict[str, float]) -> None:
        self.now = now
        self.repaired = repaired
        self.compared: list[str] = []
        self.failed: dict[str, str] = {}
        self.differences: list[Difference] = []
        self.fault: StoreUnavailable | Overloaded | None = None

    def fail(self, place: str, reason: str) -> None:
        self.failed[place] = reason
        log.warning("comparison_failed", place=place, reason=reason)

    def result(self) -> Reconciliation:
        return Reconciliation(
            self.now,
            tuple(self.compared),
            self.failed,
            tuple(self.differences),
            self.repaired,
        )


def _newest(found: Reconciliation, stored: Reconciliation | None) -> Reconciliation:
    """The result to store: a replica may have compared since, but every repair is kept."""
    if stored is None or stored.at <= found.at:
        return found
    return replace(stored, repaired=found.repaired | stored.repaired)


def _event(channel: str, mismatch: Mismatch, now: float) -> Event | None:
    """The event that repairs a mismatch, if one does."""
    if mismatch.command:
        return Commanded(
            now, mismatch.incident_id, mismatch.by, mismatch.command, dated=mismatch.dated
        )
    return Resent(now, mismatch.incident_id, channel, BY) if mismatch.resend else None

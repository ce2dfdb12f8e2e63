"""The store: incidents, alerts, deadlines and the outbox."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from router.core.incident.snapshot import ReadPlan, Snapshot, Writes
from router.core.outbox.digest import Standing
from router.core.postmortem.statistics import IncidentFacts
from router.core.reachability.channel_health import Health
from router.model.alert import Alert, RuleMatch
from router.model.decision import Entry
from router.model.event import Event, TimerDue
from router.model.incident import Incident, Severity, Status
from router.model.notification import Key, Notification, NotificationState
from router.model.outbox import OutboxKind
from router.model.record import Record
from router.model.statuspage import Published


class AlertRow(Struct, frozen=True):
    """An alert as stored, with what a rule made of it."""

    rule_match: RuleMatch
    alert: Alert


class Store(Protocol):
    """Where incidents, alerts, deadlines and debts are kept.

    Both databases pass tests/store/conformance.
    """

    async def load(self, wanted: ReadPlan) -> Snapshot: ...

    async def save(self, changes: Writes) -> None:
        """Write all of it, or nothing.

        Raises: router.core.incident.snapshot.Conflict, Stale, StoreUnavailable.
        """
        ...

    async def claim_timers(
        self, now: float, owner: str, until: float, limit: int
    ) -> Sequence[TimerDue]:
        """Lease the timers that are due, earliest first; nobody else gets them before `until`."""
        ...

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
    ) -> Sequence[Notification]:
        """Lease the pending messages of a channel that are due, with `people` also those to people
        over it.

        Not to the addresses `less` of people. A lease already there had run out: a crash.
        """
        ...

    async def waiting(
        self, addresses: Mapping[str, bool], now: float, limit: int
    ) -> Sequence[tuple[Notification, Standing]]:
        """The messages to these people that are due, with how their incidents stand, worst first;
        nothing is leased.

        Of an address with False only those that no limit holds (`core.throttle.is_free`).
        """
        ...

    async def claim_waiting(
        self, keys: Sequence[Key], now: float, owner: str, until: float
    ) -> Sequence[Notification]:
        """Lease those of these messages that are still pending and due."""
        ...

    async def message(
        self, incident_id: int
    ) -> tuple[Incident, Sequence[Entry], Sequence[AlertRow]] | None:
        """An incident with its latest timeline (oldest first) and a sample of its firing alerts."""
        ...

    async def incident(self, incident_id: int) -> Incident | None: ...

    async def timeline(self, incident_id: int) -> Sequence[Entry]: ...

    async def published(self, since: float) -> Sequence[Published]:
        """What was published of the incidents that were open then or later, the oldest first."""
        ...

    async def stories(self, since: float, limit: int) -> Sequence[IncidentFacts]:
        """What statistics are made from: the newest incidents that opened since then, oldest first."""
        ...

    async def incidents(
        self,
        *,
        statuses: Iterable[Status] = (),
        severities: Iterable[Severity] = (),
        before: int = 0,
        limit: int = 100,
    ) -> Sequence[Incident]:
        """Newest first; `before` is an incident id to page from (0: from the newest)."""
        ...

    async def count_incidents(
        self, *, statuses: Iterable[Status] = (), severities: Iterable[Severity] = ()
    ) -> Mapping[tuple[Severity, Status], int]:
        """Count the incidents that match, by severity and status."""
        ...

    async def alerts(
        self,
        *,
        fingerprint: str = "",
        incident_id: int = 0,
        firing: bool | None = None,
        after: str = "",
        limit: int = 100,
    ) -> Sequence[AlertRow]:
        """In order of fingerprint; `after` is one to page from."""
        ...

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
        """Those of the newest incident first; `after` is an (incident id, channel) to page from."""
        ...

    async def tasks(
        self,
        *kinds: OutboxKind,
        states: Iterable[NotificationState] = (),
        incident_id: int = 0,
        limit: int = 100,
    ) -> Sequence[Notification]:
        """Return outbox rows of these kinds, the latest owed first."""
        ...

    async def proven(self) -> Mapping[str, Health]:
        """The health of each address that was ever sent a message
        (`router.core.reachability.channel_health`).
        """
        ...

    async def record(self, kind: str, record_id: str) -> Record | None: ...

    async def records(
        self, kind: str, *, since: float = -math.inf, until: float = math.inf, limit: int = 1000
    ) -> Sequence[Record]:
        """Newest first; those of `since` and later, and before `until`."""
        ...

    async def remove_record(self, kind: str, record_id: str) -> bool:
        """Was there one?"""
        ...

    async def history(
        self,
        *,
        since: float = -math.inf,
        until: float = math.inf,
        after: int = 0,
        limit: int = 1000,
    ) -> Sequence[tuple[int, Event]]:
        """The events that had an effect, numbered, in the order in which they were decided on.

        `after` is a number to page from.
        """
        ...

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[Entry]:
        """Of all timelines, in the order of writing; `after` is an entry's id to page from."""
        ...

    async def gauges(self, now: float) -> "Gauges": ...

    async def prune(self, before: float, kinds: Sequence[str] = ()) -> int:
        """Forget receipts, resolved alerts, windows, events, and documents of these `kinds`, older
        than `before`.

        Incidents and timelines are kept.
        """
        ...

    async def recover(self) -> None:
        """At start: end the leases of the process before this one, if no other process can be at
        work.
        """
        ...

    @property
    def shared(self) -> bool:
        """Whether other replicas may be at work on the same database."""
        ...

    async def beat(self, owner: str) -> Mapping[str, int]:
        """Show other replicas that this owner lives.

        Returns the number of beats of each owner, by name.
        """
        ...

    async def bury(self, owner: str) -> None:
        """End the leases of an owner that no longer lives, and forget it."""
        ...

    async def ping(self) -> None:
        """Raises: StoreUnavailable."""
        ...

    async def close(self) -> None: ...


class Gauges(Struct, frozen=True):
    """What is there now, for the metrics. `timers_overdue` is how late the most overdue timer is,
    in seconds.

    `postmortems_overdue` and `items_overdue` are how many of them there are.
    """

    incidents: Mapping[tuple[Severity, Status], int]
    pending: Mapping[str, int]
    dead: Mapping[str, int]
    timers_overdue: float
    postmortems_overdue: int = 0
    items_overdue: int = 0

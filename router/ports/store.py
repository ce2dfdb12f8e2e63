"""The store: incidents, alerts, deadlines and the outbox."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

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
    """An alert as stored, with its rule match."""

    rule_match: RuleMatch
    alert: Alert


class Beat(NamedTuple):
    """A replica's last heartbeat: its number, and how many seconds ago by the database's clock."""

    number: int
    age: float


class Beats(NamedTuple):
    """The last heartbeats by owner, and UTC seconds by the database's clock."""

    of: Mapping[str, Beat]
    now: float


class RuleUse(Struct, frozen=True):
    """The number of incidents that a rule opened since a time, and when it opened the newest."""

    incidents: int
    last_opened: float


class Store(Protocol):
    """Storage of incidents, alerts, timers and the outbox.

    Both databases pass tests/store/conformance.
    """

    async def load(
        self, reads: ReadPlan | Iterable[ReadPlan], view: Snapshot | None = None
    ) -> Snapshot:
        """Read into `view`, a new one by default. Each read may depend on the ones before it."""
        ...

    async def save(self, changes: Writes) -> None:
        """Write all changes, or nothing.

        Raises: router.core.incident.snapshot.Conflict, StaleRecord, StoreUnavailable.
        """
        ...

    async def claim_timers(
        self, now: float, owner: str, until: float, limit: int
    ) -> Sequence[TimerDue]:
        """Lease the due timers, earliest first. They stay with `owner` until `until`."""
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
        arrives_within: float = ...,
        look: bool = True,
    ) -> Sequence[Notification]:
        """Lease the due messages of a channel; with `people` also messages to people over it.

        Addresses of people in `less` are left out. A returned row may have an expired lease: its
        holder crashed, and its attempt may still arrive within `arrives_within` seconds. `look`:
        take the write lock only if something is due.
        """
        ...

    async def waiting(
        self,
        addresses: Mapping[str, bool],
        now: float,
        limit: int,
        since: float = ...,
        *,
        edits: bool = ...,
    ) -> Sequence[tuple[Notification, Standing]]:
        """Due messages to these addresses with their incidents' state, worst first, not leased.

        `addresses` maps each address to whether its limit allows a message now. If not, only
        messages are returned that are due since `since` (UTC seconds) and that no limit delays
        (`core.outbox.digest.is_free`). edits: the channel edits its messages in place.
        """
        ...

    async def claim_waiting(
        self, keys: Sequence[Key], now: float, owner: str, until: float
    ) -> Sequence[Notification]:
        """Lease the given messages that are still pending and due."""
        ...

    async def messages(
        self, incident_ids: Iterable[int]
    ) -> Mapping[int, tuple[Incident, Sequence[Entry], Sequence[AlertRow]]]:
        """Incidents with their latest timeline (oldest first) and a sample of firing alerts."""
        ...

    async def incident(self, incident_id: int) -> Incident | None: ...

    async def timeline(self, incident_id: int) -> Sequence[Entry]: ...

    async def published(self, since: float) -> Sequence[Published]:
        """Published parts of incidents that were open at `since` or later, oldest first."""
        ...

    async def stories(self, since: float, limit: int) -> Sequence[IncidentFacts]:
        """Data for statistics: the newest incidents opened since `since`, oldest first."""
        ...

    async def incidents(
        self,
        *,
        statuses: Iterable[Status] = (),
        severities: Iterable[Severity] = (),
        before: int = 0,
        limit: int = 100,
    ) -> Sequence[Incident]:
        """Incidents, newest first; `before` is an incident id to page from (0: from the newest)."""
        ...

    async def scan_incidents(
        self,
        words: Iterable[str],
        *,
        statuses: Iterable[Status] = (),
        severities: Iterable[Severity] = (),
        before: int = 0,
        limit: int = 100,
    ) -> tuple[Sequence[Incident], int]:
        """Incidents whose data contain all words, ignoring case, newest first.

        One call searches a few thousand incidents. The returned number is the `before` to continue
        with, 0 at the end. A word has ASCII letters and digits only.
        """
        ...

    async def count_incidents(
        self, *, statuses: Iterable[Status] = (), severities: Iterable[Severity] = ()
    ) -> Mapping[tuple[Severity, Status], int]:
        """Count the incidents that match, by severity and status."""
        ...

    async def rule_use(self, since: float) -> Mapping[str, RuleUse]:
        """Count the incidents opened since `since` by the name of their rule."""
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
        """Alerts in order of fingerprint; `after` is a fingerprint to page from."""
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
        """Notifications, newest incident first; `after` is (incident id, channel) to page from."""
        ...

    async def count_alerts(
        self, *, fingerprint: str = "", incident_id: int = 0, firing: bool | None = None
    ) -> int:
        """Count the fingerprints that match."""
        ...

    async def count_notifications(
        self,
        *,
        states: Iterable[NotificationState] = (),
        incident_id: int = 0,
        channel: str = "",
    ) -> int:
        """Count the messages that match."""
        ...

    async def tasks(
        self,
        *kinds: OutboxKind,
        states: Iterable[NotificationState] = (),
        incident_id: int = 0,
        limit: int = 100,
    ) -> Sequence[Notification]:
        """Return outbox rows of these kinds, latest due first."""
        ...

    async def proven(self) -> Mapping[str, Health]:
        """The health of each address ever used (`router.core.reachability.channel_health`)."""
        ...

    async def record(self, kind: str, record_id: str) -> Record | None: ...

    async def records(
        self,
        kind: str,
        *,
        since: float = -math.inf,
        until: float = math.inf,
        after: tuple[float, str] | None = None,
        limit: int = 1000,
    ) -> Sequence[Record]:
        """Documents, newest first, from `since` up to, but not including, `until`.

        `after` is a (time, id) to page from.
        """
        ...

    async def count_records(
        self, kind: str, *, since: float = -math.inf, until: float = math.inf
    ) -> int: ...

    async def remove_record(self, kind: str, record_id: str) -> bool:
        """Remove a document. Returns whether it existed."""
        ...

    async def history(
        self, *, since: float = -math.inf, after: int = 0, limit: int = 1000
    ) -> Sequence[tuple[int, Sequence[Event]]]:
        """Events that had an effect, in the order of deciding, in numbered rows of several events.

        `limit` counts rows; `after` is the number of the row to page from.
        """
        ...

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[Entry]:
        """Entries of all timelines, in the order of writing; `after` is the id to page from."""
        ...

    async def last_entry(self) -> int:
        """Return the id of the newest entry of all timelines; 0 without one."""
        ...

    async def people_entries(
        self, *, before: int = 0, by: str = "", limit: int = 100
    ) -> Sequence[Entry]:
        """Entries by people, or only by the person `by`, the last written first.

        `before` is the id of an entry to page from.
        """
        ...

    async def gauges(self, now: float) -> "Gauges": ...

    async def prune(self, before: float, kinds: Sequence[str] = ()) -> int:
        """Delete receipts, resolved alerts, windows, events and documents from before `before`.

        Only documents of `kinds` are deleted. Incidents and timelines are kept.
        """
        ...

    async def recover(self) -> None:
        """At start: end the previous process's leases, if no other process can be running."""
        ...

    @property
    def shared(self) -> bool:
        """Report whether other replicas may use the same database."""
        ...

    async def beat(self, owner: str) -> Beats:
        """Store a heartbeat of this owner, to show other replicas that it's alive.

        Returns the last heartbeat of each owner before it.
        """
        ...

    async def remove_owners(self, *owners: str) -> None:
        """Delete owners whose processes have ended, and end their leases."""
        ...

    async def shift(self, by: float, at: float) -> bool:
        """Shift all deadlines by `by` seconds, after the clock was set; `at` is the time now.

        Returns False if another replica has shifted them.
        """
        ...

    async def ping(self) -> None:
        """Raises: StoreUnavailable."""
        ...

    async def close(self) -> None: ...


class Gauges(Struct, frozen=True):
    """Current counts for the metrics. `timers_overdue` is the delay of the latest timer in seconds.

    `postmortems_overdue` and `items_overdue` are counts.
    """

    incidents: Mapping[tuple[Severity, Status], int]
    pending: Mapping[str, int]
    dead: Mapping[str, int]
    timers_overdue: float
    postmortems_overdue: int = 0
    items_overdue: int = 0

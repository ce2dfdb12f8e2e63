"""What is read before deciding, and what is written after: the two sides of a fold."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from router.model.alert import Alert, RuleMatch
from router.model.decision import Entry, Owed, Timer
from router.model.event import Event, TimerDue
from router.model.incident import Incident
from router.model.notification import Notification
from router.model.record import Record


class Conflict(Exception):
    """Somebody else wrote what we decided on since we read it: read and decide again."""


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """What to read before deciding. `keys` are incident keys, of which the latest incident is
    wanted.

    `windows` are the keys of sliding windows; `receipts` the event ids that may have been seen
    before. `alerts` are the fingerprints of alerts that are wanted as they were stored; `firing`
    the ids of incidents whose firing alerts are; `open` asks for all open incidents.
    """

    fingerprints: Sequence[str] = ()
    incident_ids: Sequence[int] = ()
    keys: Sequence[str] = ()
    windows: Sequence[str] = ()
    receipts: Sequence[str] = ()
    alerts: Sequence[str] = ()
    firing: Sequence[int] = ()
    open: bool = False

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


@dataclass(slots=True)
class Snapshot:
    """What the store knew of what was wanted. `next_incident_id` is free, unless somebody else
    takes it first.

    `latest` maps an incident key to the id of its newest incident; every incident named anywhere is
    in `incidents`. `alerts` are by fingerprint and rule, and so is `firing` for each incident: the
    alerts that hold it open.
    """

    rule_matches: dict[str, list[RuleMatch]] = field(default_factory=dict)
    incidents: dict[int, Incident] = field(default_factory=dict)
    latest: dict[str, int] = field(default_factory=dict)
    windows: dict[str, tuple[float, ...]] = field(default_factory=dict)
    receipts: set[str] = field(default_factory=set)
    alerts: dict[tuple[str, str], Alert] = field(default_factory=dict)
    firing: dict[int, dict[tuple[str, str], Alert]] = field(default_factory=dict)
    next_incident_id: int = 1

    def add(self, other: "Snapshot") -> None:
        """Take in what a later read knew. Its `next_incident_id` holds."""
        self.rule_matches |= other.rule_matches
        self.incidents |= other.incidents
        self.latest |= other.latest
        self.windows |= other.windows
        self.receipts |= other.receipts
        self.alerts |= other.alerts
        self.firing |= other.firing
        self.next_incident_id = other.next_incident_id


@dataclass(slots=True)
class Writes:
    """What one transaction writes.

    detached: ids of incidents whose firing takings lose their digest and their incident, so that
    their next repeat is
        looked at afresh. Comes before `takings`.
    takings: upserted by (fingerprint, rule), with the alert they're about.
    seen: (fingerprint, rule, at) whose only change is when it was last seen.
    forgotten: (fingerprint, rule) whose taking is to be deleted. Comes before `takings`.
    incidents: version 1 is inserted; any other replaces the version before it, or it's a conflict.
    A second open
        incident of a key is a conflict too.
    timers_done: deleted if still at that due time, whoever holds the lease; timers_cleared:
    (incident, name) deleted;
        then, with `recheck_at`, alerts that are kept quiet are looked at by then: deadlines
        `recheck/…` that are later are moved there; then timers: set by (incident, name).
    owed: one message each; see `Notification.seq` for how they coalesce.
    settled: a notification as it should be stored now, with the lease it was held under and the
    `seq` that was sent.
        Written only if that lease still holds. If more was owed meanwhile (the stored seq is
        higher), it stays
        pending: due now, or when this one says if it's to be retried.
    windows: sliding windows replaced; receipts: event ids now seen, and when.
    records: documents to be written; one whose version doesn't follow the stored one fails all of
    it (`ports.Stale`).
    history: the events that had an effect, in order, kept so that they can be replayed.
    """

    detached: set[int] = field(default_factory=set)
    rule_matches: dict[tuple[str, str], tuple[RuleMatch, Alert]] = field(default_factory=dict)
    seen: list[tuple[str, str, float]] = field(default_factory=list)
    forgotten: list[tuple[str, str]] = field(default_factory=list)
    incidents: dict[int, Incident] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    timers: dict[tuple[int, str], Timer] = field(default_factory=dict)
    timers_cleared: set[tuple[int, str]] = field(default_factory=set)
    timers_done: list[TimerDue] = field(default_factory=list)
    recheck_at: float | None = None
    owed: list[Owed] = field(default_factory=list)
    settled: list[tuple[Notification, str, int]] = field(default_factory=list)
    windows: dict[str, tuple[float, ...]] = field(default_factory=dict)
    receipts: dict[str, float] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    history: list[Event] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)

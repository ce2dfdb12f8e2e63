"""The data read from the store before a decision, and the writes after it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from router.model.alert import Alert, RuleMatch
from router.model.decision import Entry, Queued, Timer
from router.model.event import Event, TimerDue
from router.model.incident import Incident
from router.model.notification import Notification
from router.model.record import Record


class Conflict(Exception):
    """Another transaction changed data read by this one: read and decide again."""


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """The reads of the store before a decision.

    fingerprints: alerts whose matches to read. alerts: fingerprints of alerts to read as stored.
    keys: incident keys, to read the latest incident of each, and the open one.
    windows: keys of sliding windows. receipts: event ids that may have been seen before.
    firing: incidents whose firing alerts to read.
    open: rules whose open incidents to read. open_besides: read all open incidents, except those
    of these rules.
    """

    fingerprints: Sequence[str] = ()
    incident_ids: Sequence[int] = ()
    keys: Sequence[str] = ()
    windows: Sequence[str] = ()
    receipts: Sequence[str] = ()
    alerts: Sequence[str] = ()
    firing: Sequence[int] = ()
    open: Sequence[str] = ()
    open_besides: Sequence[str] | None = None


@dataclass(slots=True)
class Snapshot:
    """The part of the store that a plan requested, updated with each decision.

    `next_incident_id` is free, unless another transaction takes it first. `latest` maps an incident
    key to the id of its newest incident, and `reopened` to that of the open one if it's an older
    one; every incident named anywhere is in `incidents`. `alerts` are by fingerprint and rule, and
    so are the firing alerts of each incident in `firing`, with their matches.
    """

    rule_matches: dict[str, list[RuleMatch]] = field(default_factory=dict)
    incidents: dict[int, Incident] = field(default_factory=dict)
    latest: dict[str, int] = field(default_factory=dict)
    reopened: dict[str, int] = field(default_factory=dict)
    windows: dict[str, tuple[float, ...]] = field(default_factory=dict)
    receipts: set[str] = field(default_factory=set)
    alerts: dict[tuple[str, str], Alert] = field(default_factory=dict)
    firing: dict[int, dict[tuple[str, str], tuple[RuleMatch, Alert]]] = field(default_factory=dict)
    next_incident_id: int = 1

    def add(self, other: "Snapshot") -> None:
        """Merge a later snapshot into this one."""
        self.rule_matches |= other.rule_matches
        self.incidents |= other.incidents
        self.latest |= other.latest
        self.reopened |= other.reopened
        self.windows |= other.windows
        self.receipts |= other.receipts
        self.alerts |= other.alerts
        self.firing |= other.firing
        self.next_incident_id = max(self.next_incident_id, other.next_incident_id)


@dataclass(slots=True)
class Writes:
    """The writes of one transaction.

    moved: incidents merged into another. Their firing matches move to it and lose their digest.
    detached: incidents whose firing matches lose their digest, so that the next report is
    evaluated.
    rule_matches: upserted by (fingerprint, rule), with the alert. Applied after the two above.
    seen: (fingerprint, rule, at, end) of matches that change only in the time of the last report,
        the end of a firing with a lifetime (`RuleMatch.ended_at`), or the longest gap.
    forgotten: (fingerprint, rule) whose match is deleted. Applied before `rule_matches`.
    incidents: version 1 is inserted. Any other version must follow the stored one, or it's a
        conflict. A second open incident with the same key is a conflict, too.
    timers_done: deleted if still due at that time, whoever holds the lease.
    timers_cleared: (incident, name) deleted. Then later deadlines `recheck/…` are moved to
        `recheck_at`, so that muted alerts are evaluated by then. Then `timers` are set.
    queued: one message each; see `Notification.seq` for how they are merged.
    settled: a notification to store, with the lease it was held under and the `seq` that was sent.
        Written only if that lease is still held. If more was queued meanwhile (the stored seq is
        higher), it stays pending: due now, or at this row's time if it's retried.
    windows: sliding windows replaced. receipts: event ids now seen, and when.
    records: documents to write. A version that doesn't follow the stored one fails everything.
    history: the events that had an effect, in order, for replays.
    """

    moved: dict[int, int] = field(default_factory=dict)
    detached: set[int] = field(default_factory=set)
    rule_matches: dict[tuple[str, str], tuple[RuleMatch, Alert]] = field(default_factory=dict)
    seen: list[tuple[str, str, float, float | None]] = field(default_factory=list)
    forgotten: list[tuple[str, str]] = field(default_factory=list)
    incidents: dict[int, Incident] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    timers: dict[tuple[int, str], Timer] = field(default_factory=dict)
    timers_cleared: set[tuple[int, str]] = field(default_factory=set)
    timers_done: list[TimerDue] = field(default_factory=list)
    recheck_at: float | None = None
    queued: list[Queued] = field(default_factory=list)
    settled: list[tuple[Notification, str, int]] = field(default_factory=list)
    windows: dict[str, tuple[float, ...]] = field(default_factory=dict)
    receipts: dict[str, float] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    history: list[Event] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(_writes(self))


_writes = attrgetter(*Writes.__slots__)

"""A store in memory that behaves as the databases do, as far as decisions depend on it.

`ReadPlan` and `Writes` define the behavior, and tests/engine/test_virtual.py compares it with a
real store. There are no other writers, so a conflict means that a decision used an outdated state.
A write copies only the rows that it changes.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from router.core.incident.delivery import ARRIVES_WITHIN
from router.core.incident.snapshot import Conflict, ReadPlan, Snapshot, Writes
from router.core.incident.suppression import RECHECK
from router.core.virtual.due_queue import DueQueue
from router.model.alert import Alert, AlertStatus, RuleMatch
from router.model.decision import Entry, Queued
from router.model.event import TimerDue
from router.model.incident import Incident
from router.model.notification import Notification, NotificationState
from router.model.outbox import OutboxKind

LEASE = 60.0
"""Seconds of a message's lease, unless it's settled earlier."""

Key = tuple[int, str]
"""An incident's id, and the name of a timer or the address of a message."""


class MemoryStore:
    """The content of the store.

    rule_matches: by fingerprint, then by rule. alerts: as last received, by (fingerprint, rule).
    timeline: the entries of all incidents, in order; an entry's id is its position, from 1.
    newest_entry: the id of each incident's latest entry. timers: deadlines by (incident, name).
    outbox: messages by (incident, address). waiting: when each message is tried next.
    """

    def __init__(self) -> None:
        self.rule_matches: dict[str, dict[str, RuleMatch]] = {}
        self.alerts: dict[tuple[str, str], Alert] = {}
        self.incidents: dict[int, Incident] = {}
        self.timeline: list[Entry] = []
        self.newest_entry: dict[int, int] = {}
        self.timers: DueQueue[Key] = DueQueue()
        self.outbox: dict[Key, Notification] = {}
        self.waiting: DueQueue[Key] = DueQueue()
        self.windows: dict[str, tuple[float, ...]] = {}
        self.receipts: set[str] = set()
        self._open: defaultdict[str, dict[int, Incident]] = defaultdict(dict)
        self._newest = 0
        self._latest: dict[str, int] = {}
        self._open_of: dict[str, int] = {}
        self._holding: defaultdict[int, set[tuple[str, str]]] = defaultdict(set)

    def load(self, wanted: ReadPlan) -> Snapshot:
        """Read what the plan asks for."""
        view = Snapshot(receipts=self.receipts.intersection(wanted.receipts))
        view.windows = {key: self.windows[key] for key in wanted.windows if key in self.windows}
        view.rule_matches = {
            f: [*self.rule_matches[f].values()]
            for f in wanted.fingerprints
            if f in self.rule_matches
        }
        view.alerts = {
            (f, rule): self.alerts[f, rule]
            for f in wanted.alerts
            for rule in self.rule_matches.get(f, ())
        }
        view.firing = {
            i: {
                key: (self.rule_matches[key[0]][key[1]], self.alerts[key])
                for key in self._holding[i]
            }
            for i in wanted.firing
        }
        view.latest = {key: self._latest[key] for key in wanted.keys if key in self._latest}
        view.reopened = {
            key: number
            for key, newest in view.latest.items()
            if (number := self._open_of.get(key, newest)) != newest
        }
        ids = (*view.latest.values(), *view.reopened.values(), *wanted.incident_ids)
        view.incidents = {i: self.incidents[i] for i in ids if i in self.incidents}
        if wanted.open or wanted.open_besides is not None:
            for rule, incidents in self._open.items():
                if _is_wanted(rule, wanted):
                    view.incidents |= incidents
        if wanted.keys:
            view.next_incident_id = self._newest + 1
        return view

    def seed(self, known: Snapshot) -> None:
        """Start with another store's incidents and alerts, without timelines and deadlines."""
        for incident in known.incidents.values():
            self._put_incident(incident)
            self.newest_entry.setdefault(incident.id, 0)
        self._newest = max(self._newest, known.next_incident_id - 1)
        for matches in known.rule_matches.values():
            for match in matches:
                if (alert := known.alerts.get((match.fingerprint, match.rule))) is not None:
                    self._remember(match)
                    self.alerts[match.fingerprint, match.rule] = alert
        self.windows.update(known.windows)

    def next_timer(self, now: float) -> TimerDue | None:
        """The earliest due timer. It is removed once its event has been decided and saved."""
        first = self.timers.first()
        return TimerDue(now, *first[1], first[0]) if first and first[0] <= now else None

    def due(self, now: float) -> list[Notification]:
        """All due messages, the most overdue first. The caller leases or delays each."""
        found = []
        while (first := self.waiting.first()) and first[0] <= now:
            found.append(self.outbox[first[1]])
            self.waiting.drop(first[1])
        return found

    def hold(self, message: Notification, until: float) -> None:
        """Delay the message until `until`, or until it's replaced."""
        self.waiting.set((message.incident_id, message.channel), until)

    def lease(self, key: Key, now: float) -> Notification:
        """Lease one message to send it.

        If the message had a lease, that has ended, so the message may have been sent already.
        """
        row = self.outbox[key]
        if row.lease:
            older = row.uncertain if row.uncertain_until > now else 0
            lost = {
                "uncertain": older or row.tried,
                "uncertain_until": now + ARRIVES_WITHIN,
                "attempts": row.attempts + 1,
            }
            row = replace(row, may_be_doubled=True, may_have_arrived=True, **lost)
        lease = f"{row.channel} {row.seq} {now}"
        self.outbox[key] = held = replace(row, lease=lease, lease_until=now + LEASE, tried=row.seq)
        self.waiting.drop(key)
        return held

    # --- writing

    def save(self, changes: Writes) -> None:
        """Apply all writes, in the order that `Writes` documents, or none. Raises: Conflict."""
        for incident in changes.incidents.values():
            self._check(incident, changes.incidents)
        for incident in changes.incidents.values():
            self._put_incident(incident)
        for source, target in (
            *changes.moved.items(),
            *((number, number) for number in changes.detached),
        ):
            self._change_counted(source, target)
        for fingerprint, rule in changes.forgotten:
            self._forget(fingerprint, rule)
        for rule_match, alert in changes.rule_matches.values():
            self._remember(rule_match)
            self.alerts[rule_match.fingerprint, rule_match.rule] = alert
        for seen in changes.seen:
            self._touch(*seen)
        self._save_entries(changes.entries)
        self._save_timers(changes)
        for settled in changes.settled:
            self._settle(*settled)
        for queued, since in _last_of_each(
            [message for message in changes.queued if message.kind is OutboxKind.INCIDENT]
        ):
            self._queue(queued, since)
        self.windows.update(changes.windows)
        self.receipts.update(changes.receipts)

    def _put_incident(self, incident: Incident) -> None:
        self.incidents[incident.id] = incident
        self._latest[incident.key] = max(self._latest.get(incident.key, 0), incident.id)
        self._newest = max(self._newest, incident.id)
        if incident.is_open:
            self._open[incident.rule][incident.id] = incident
            self._open_of[incident.key] = incident.id
        else:
            self._open[incident.rule].pop(incident.id, None)
            if self._open_of.get(incident.key) == incident.id:
                del self._open_of[incident.key]

    def _check(self, incident: Incident, written: Mapping[int, Incident]) -> None:
        stored = self.incidents.get(incident.id)
        if incident.version != (stored.version + 1 if stored else 1):
            raise Conflict(f"{incident.name} was written since it was read")
        other_id = self._open_of.get(incident.key, incident.id)
        other = written.get(other_id, self.incidents.get(other_id, incident))
        if incident.is_open and other.is_open and other.id != incident.id:
            raise Conflict(f"{incident.key} already has an open incident")

    def _remember(self, rule_match: RuleMatch) -> None:
        self._forget(rule_match.fingerprint, rule_match.rule)
        self.rule_matches.setdefault(rule_match.fingerprint, {})[rule_match.rule] = rule_match
        if rule_match.incident_id is not None and rule_match.counted:
            self._holding[rule_match.incident_id].add((rule_match.fingerprint, rule_match.rule))

    def _touch(self, fingerprint: str, rule: str, at: float, end: float | None) -> None:
        if taken := self.rule_matches.get(fingerprint, {}).get(rule):
            firing = taken.status is AlertStatus.FIRING
            gap = max(taken.longest_gap, at - taken.last_seen) if firing else taken.longest_gap
            self.rule_matches[fingerprint][rule] = replace(
                taken, last_seen=at, ended_at=end, longest_gap=gap
            )

    def _forget(self, fingerprint: str, rule: str) -> None:
        of_alert = self.rule_matches.get(fingerprint, {})
        before = of_alert.pop(rule, None)
        if before and before.incident_id is not None:
            self._holding[before.incident_id].discard((fingerprint, rule))
        if not of_alert:
            self.rule_matches.pop(fingerprint, None)
        self.alerts.pop((fingerprint, rule), None)

    def _change_counted(self, incident_id: int, into: int) -> None:
        """Move the alerts of an incident to `into`, and let their next repeat be evaluated."""
        for fingerprint, rule in self._holding.pop(incident_id, ()):
            rule_match = self.rule_matches[fingerprint][rule]
            self.rule_matches[fingerprint][rule] = replace(rule_match, digest="", incident_id=into)
            self._holding[into].add((fingerprint, rule))

    def _save_entries(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.newest_entry[entry.incident_id] = len(self.timeline) + 1
            self.timeline.append(replace(entry, id=len(self.timeline) + 1))

    def _save_timers(self, changes: Writes) -> None:
        for done in changes.timers_done:
            if self.timers.at.get((done.incident_id, done.name)) == done.due_at:
                self.timers.drop((done.incident_id, done.name))
        for key in changes.timers_cleared:
            self.timers.drop(key)
        if (at := changes.recheck_at) is not None:
            for key, due in list(self.timers.at.items()):
                if key[1].startswith(RECHECK) and due > at:
                    self.timers.set(key, at)
        for key, timer in changes.timers.items():
            self.timers.set(key, timer.due_at)

    def _queue(self, queued: Queued, since: float) -> None:
        """Add a message to the row of its address. It replaces a pending message in its place."""
        key = (queued.incident_id, queued.channel)
        before = self.outbox.get(key)
        new = Notification(*key, 1, NotificationState.PENDING, queued.reason, since, since)
        if before and before.state is NotificationState.PENDING:
            in_flight = before.lease_until > since or before.queued_at > since
            keeps_place = before.attempts or before.due_at <= since
            new = replace(
                before,
                seq=before.seq + 1,
                reason=queued.reason,
                queued_at=since if in_flight else before.queued_at,
                due_at=before.due_at if keeps_place else since,
                may_have_arrived=before.may_have_arrived and before.queued_at <= since,
                progress="",
            )
        elif before:
            new = _next(before, new)
        self._put(key, new)

    def _settle(self, after: Notification, lease: str, seq: int) -> None:
        """Store the outcome of a delivery, if the lease is still held.

        A message queued during the attempt becomes pending.
        """
        key = (after.incident_id, after.channel)
        stored = self.outbox[key]
        if stored.lease != lease or not lease:
            return
        if stored.seq > seq and after.state is NotificationState.PENDING and after.seq == seq:
            after = replace(after, seq=stored.seq, reason=stored.reason, progress="")
        elif stored.seq > seq:
            pending = NotificationState.PENDING
            fresh = Notification(*key, 0, pending, stored.reason, stored.queued_at, stored.due_at)
            after = replace(_next(after, fresh), seq=stored.seq)
        self._put(key, after)

    def _put(self, key: Key, row: Notification) -> None:
        self.outbox[key] = row
        if row.state is NotificationState.PENDING:
            self.waiting.set(key, row.due_at)
        else:
            self.waiting.drop(key)


def _is_wanted(rule: str, wanted: ReadPlan) -> bool:
    besides = wanted.open_besides
    return rule in wanted.open or (besides is not None and rule not in besides)


def _next(before: Notification, new: Notification) -> Notification:
    """The next message to the same address, with the delivery history of the previous one."""
    known = {
        name: getattr(before, name)
        for name in ("sent", "ref", "seen_entry", "tried", "uncertain", "uncertain_until")
    }
    return replace(new, seq=before.seq + 1, **known)


def _last_of_each(queued: Sequence[Queued]) -> list[tuple[Queued, float]]:
    """The last message for each incident and address, with the time of the first."""
    since: dict[Key, float] = {}
    last: dict[Key, Queued] = {}
    for message in queued:
        key = (message.incident_id, message.channel)
        since.setdefault(key, message.at)
        last[key] = message
    return [(message, since[key]) for key, message in last.items()]

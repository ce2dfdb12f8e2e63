"""The state while a batch is decided: the data read, and pending writes.

A `Decision` changes one incident. The `Transaction` of a batch collects its decisions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from router.core.incident.settings import Settings
from router.core.incident.snapshot import Snapshot, Writes
from router.core.incident.suppression import RECHECK
from router.core.suppression.inhibition import Inhibitors
from router.model.alert import Alert, RuleMatch
from router.model.decision import Entry, Queued, Timer
from router.model.incident import Incident
from router.model.reason import Reason


@dataclass(slots=True)
class Decision:
    """The new state of an incident, and all writes."""

    reason: Reason
    incident: Incident
    entries: list[Entry] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    timers_cleared: list[str] = field(default_factory=list)
    queued: list[Queued] = field(default_factory=list)
    detached: bool = False

    def change(self, **changes: Any) -> None:
        self.incident = replace(self.incident, **changes)

    def note(self, at: float, what: Reason, by: str = "", **data: Any) -> None:
        """Add an entry to the timeline."""
        self.entries.append(Entry(self.incident.id, at, what, by, data))

    def annotate(self, what: Reason, **data: Any) -> None:
        """Add data to the newest entry of that kind, if there is one."""
        for entry in reversed(self.entries):
            if entry.what is what:
                entry.data.update(data)
                return

    def queue(self, at: float, reason: Reason, channels: Sequence[str]) -> None:
        """Add a message about the incident for each channel."""
        number = self.incident.id
        self.queued += [Queued(number, channel, reason, at) for channel in channels]

    def set_timer(self, name: str, due_at: float) -> None:
        self.timers.append(Timer(self.incident.id, name, due_at))


@dataclass(slots=True)
class Transaction:
    """A view of the store, updated with each decision, and the writes of the decisions."""

    settings: Settings
    view: Snapshot = field(default_factory=Snapshot)
    changes: Writes = field(default_factory=Writes)
    _inhibitors: Inhibitors | None = None

    # --- incidents

    def current(self, key: str) -> Incident | None:
        """The open or newest incident with the key, or the one that it was merged into."""
        view = self.view
        incident = view.incidents.get(view.reopened.get(key) or view.latest.get(key, 0))
        while incident and incident.merged_into and incident.closed_by:  # merged by a person
            incident = view.incidents.get(incident.merged_into)
        return incident

    def follow(self, decision: Decision | Reason) -> Reason:
        """Add the decision to the writes. A reason alone changes nothing."""
        if isinstance(decision, Reason):
            return decision
        incident, view, changes = decision.incident, self.view, self.changes
        before = view.incidents.get(incident.id)
        ends = before and before.closed_at is None and incident.closed_at is not None
        if before and ends and self.settings.is_inhibitor(before):
            self.recheck_muted(incident.updated_at)
        if incident.id not in changes.incidents:
            incident = replace(incident, version=incident.version + 1)  # one write, one version
        view.next_incident_id = max(view.next_incident_id, incident.id + 1)
        newest = view.latest[incident.key] = max(view.latest.get(incident.key, 0), incident.id)
        if incident.closed_at is None and incident.id != newest:
            view.reopened[incident.key] = incident.id
        elif view.reopened.get(incident.key) == incident.id:
            del view.reopened[incident.key]
        view.incidents[incident.id] = changes.incidents[incident.id] = incident
        if before is None and self._inhibitors is not None and not incident.drill:
            self._inhibitors.add(incident, self.settings.mutes.sourced_by(incident))
        changes.entries += decision.entries
        changes.queued += decision.queued
        for name in decision.timers_cleared:
            changes.timers.pop((incident.id, name), None)
            changes.timers_cleared.add((incident.id, name))
        for timer in decision.timers:
            changes.timers[timer.incident_id, timer.name] = timer
        if decision.detached:
            changes.detached.add(incident.id)
            self._change_counted(incident.id, incident.id)
        return decision.reason

    def set_timer(self, timer: Timer) -> None:
        self.changes.timers[timer.incident_id, timer.name] = timer

    def hand_over(self, source: int, target: int) -> None:
        """Transfer an incident's firing alerts to another incident, which they keep open now."""
        moved = self.changes.moved
        for before, into in moved.items():
            moved[before] = target if into == source else into
        moved[source] = target
        self.view.firing.setdefault(target, {}).update(self.view.firing.pop(source, {}))
        self._change_counted(source, target)

    def _change_counted(self, incident_id: int, into: int) -> None:
        """Count an incident's alerts for `into`, and evaluate the next report, even a repeat."""
        for rule_matches in self.view.rule_matches.values():
            for position, rule_match in enumerate(rule_matches):
                if rule_match.counted and rule_match.incident_id == incident_id:
                    rule_matches[position] = kept = replace(rule_match, digest="", incident_id=into)
                    if written := self.changes.rule_matches.get(
                        (rule_match.fingerprint, rule_match.rule)
                    ):
                        self.changes.rule_matches[rule_match.fingerprint, rule_match.rule] = (
                            kept,
                            written[1],
                        )

    # --- alerts

    def remember(self, rule_match: RuleMatch, alert: Alert) -> None:
        """Write the match. It replaces the stored match of the same rule."""
        fingerprint, rule = rule_match.fingerprint, rule_match.rule
        others = self.view.rule_matches.get(fingerprint, ())
        self.view.rule_matches[fingerprint] = [
            *[other for other in others if other.rule != rule],
            rule_match,
        ]
        self.changes.rule_matches[fingerprint, rule] = (rule_match, alert)

    def alert_of(self, rule_match: RuleMatch) -> Alert:
        """The alert as stored or as decided so far. The plan must have read it."""
        key = (rule_match.fingerprint, rule_match.rule)
        written = self.changes.rule_matches.get(key)
        return written[1] if written else self.view.alerts[key]

    def forget(self, rule_match: RuleMatch) -> None:
        self.changes.forgotten.append((rule_match.fingerprint, rule_match.rule))
        self.changes.rule_matches.pop((rule_match.fingerprint, rule_match.rule), None)
        self.view.rule_matches[rule_match.fingerprint].remove(rule_match)

    def firing(self, incident_id: int) -> dict[tuple[str, str], tuple[RuleMatch, Alert]]:
        """The alerts that keep an incident open, with their matches, after the decisions so far."""
        firing = dict(self.view.firing.get(incident_id, {}))
        for key in self.changes.forgotten:
            firing.pop(key, None)
        for key, (rule_match, alert) in self.changes.rule_matches.items():
            firing.pop(key, None)
            if rule_match.counted and rule_match.incident_id == incident_id:
                firing[key] = (rule_match, alert)
        return firing

    # --- mutes

    @property
    def inhibitors(self) -> Inhibitors:
        """The open incidents that may inhibit alerts, indexed on first use."""
        if self._inhibitors is None:
            self._inhibitors = Inhibitors()
            for incident in self.view.incidents.values():
                if not incident.drill:
                    self._inhibitors.add(incident, self.settings.mutes.sourced_by(incident))
        return self._inhibitors

    def recheck_muted(self, at: float) -> None:
        """Silences or open incidents have changed: check muted alerts soon."""
        changes = self.changes
        changes.recheck_at = at if changes.recheck_at is None else min(changes.recheck_at, at)
        for key, timer in changes.timers.items():
            if key[1].startswith(RECHECK):
                changes.timers[key] = replace(timer, due_at=min(timer.due_at, at))

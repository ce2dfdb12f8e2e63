"""Folds events over what is known into what is to be written.

A `Batch` is the router. It's used in three steps, with a read of the store between them:

    fold = Fold(settings, events)
    view = load(fold.first())           what the events themselves name
    view.add(load(fold.second(view)))   what the rules make of them
    changes, reasons = fold.decide(view)

The daemon does this between a read and a write of the store; whatever else asks what would happen
does the same over a view in memory. Nothing here waits, and the same events over the same view give
the same changes.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from router.core.incident.dedup import SeenAlert, begins, dated, is_news, is_repeat
from router.core.incident.delivery import settle
from router.core.incident.escalation import Decision
from router.core.incident.lifecycle import Cleared, DeliveryFailed, Fired, IncidentEvent, decide
from router.core.incident.mute import held_back, kept_quiet
from router.core.incident.read_plan import ReadPlanner, receipt_of
from router.core.incident.settings import Settings
from router.core.incident.snapshot import ReadPlan, Snapshot, Writes
from router.core.incident.suppression import RECHECK, SUPPRESSED, Suppression, recheck, rechecked
from router.core.incident.transitions import onlooks
from router.core.rules.rule import Rule, judge
from router.model.alert import Alert, AlertStatus, RuleMatch
from router.model.decision import Entry
from router.model.event import (
    AlertSeen,
    DeliverySettled,
    Event,
    Recorded,
    SilencesChanged,
    TimerDue,
    Undelivered,
)
from router.model.incident import Incident
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

SEEN_EVERY = 60.0
"""How stale the stored `last_seen` of a repeated alert may get, in seconds: a repeat within it
costs no write.
"""

_WITHOUT_EFFECT = having(Trait.NO_EFFECT)
"""What isn't kept in the history: all would be the same without these, and they're most of what
comes in.

That a message arrived changes nothing that is decided, but a replay has to know when it did.
"""

_TELLS = having(Trait.SUPPRESSIBLE)
"""What an alert may do to an incident, unless it's kept quiet."""

_HELD = having(Trait.HELD)

MAX_WINDOW = 10_000
"""The most occurrences a sliding window holds. Config refuses thresholds beyond it."""


class Batch:
    """One pass of events, in order, over a view of the store.

    Good for one pass; see the module for the steps.
    """

    def __init__(self, settings: Settings, events: Sequence[Event]) -> None:
        self.settings = settings
        self.events = events
        self.changes = Writes()
        self.view = Snapshot()
        self._reading = ReadPlanner(settings, events)

    def first(self) -> ReadPlan:
        """What the events name themselves."""
        return self._reading.first()

    def second(self, view: Snapshot) -> ReadPlan:
        """What the rules make of the alerts that are news: their incidents and windows."""
        return self._reading.second(view)

    def decide(self, view: Snapshot) -> tuple[Writes, list[Reason]]:
        """What to write, and the reason decided for each event.

        `view` is changed along: it's used up.
        """
        self.view = view
        return self.changes, [
            self._decide_and_keep(position, event) for position, event in enumerate(self.events)
        ]

    def _decide_and_keep(self, position: int, event: Event) -> Reason:
        before, incident = self._held(event), self._timed(event)
        reason = self._decide(position, event)
        # A deadline that was outdated may have been set anew.
        effect = reason not in _WITHOUT_EFFECT or self._timed(event) is not incident
        still = (
            before
            and before == self._held(event)
            and (reason in SUPPRESSED or not isinstance(event, TimerDue))
        )
        if effect and not still:
            self.changes.history.append(event)
        return reason

    def _timed(self, event: Event) -> Incident | None:
        """The incident whose deadline has come."""
        return self.view.incidents.get(event.incident_id) if isinstance(event, TimerDue) else None

    def _held(self, event: Event) -> set[tuple[object, ...]]:
        """What was made of what is looked at again and again, an alert or the pages of an incident,
        to no effect.
        """
        if isinstance(event, TimerDue) and (incident := self.view.incidents.get(event.incident_id)):
            return {incident.muted} if incident.muted else set()
        if isinstance(event, AlertSeen) and event.alert.event_id:
            return set()
        fingerprint = (
            event.alert.fingerprint if isinstance(event, AlertSeen) else rechecked(event)[0]
        )
        rule_matches = self.view.rule_matches.get(fingerprint, ())
        if all(rule_match.digest for rule_match in rule_matches):
            return set()
        return {
            (rule_match.rule, rule_match.reason, rule_match.severity, rule_match.incident_id)
            for rule_match in rule_matches
        }

    def _decide(self, position: int, event: Event) -> Reason:
        if self._is_replay(event):
            return Reason.REPLAYED
        match event:
            case AlertSeen():
                return self._alert(position, event.at, event.alert, event.at)
            case DeliverySettled():
                return self._settled(event)
            case Undelivered():
                return self._undelivered(event)
            case Recorded():
                if event.incident_id in self.view.incidents:
                    self.changes.records += event.records
                return self._happen(event.incident_id, event)
            case SilencesChanged():
                self._look_again(event.at)
                return Reason.SILENCES_CHANGED
            case TimerDue():
                self.changes.timers_done.append(event)
                if any(key := rechecked(event)):
                    return self._recheck(position, event.at, *key)
                return self._happen(
                    event.incident_id,
                    held_back(self.settings, self.view, self.changes, event) or event,
                )
            case _:
                return self._happen(event.incident_id, event)

    def _is_replay(self, event: Event) -> bool:
        """Has it come before? If not, remember that it has now."""
        receipt = receipt_of(event)
        if receipt in self.view.receipts:
            return True
        if receipt:
            self.view.receipts.add(receipt)
            self.changes.receipts[receipt] = event.at
        return False

    # --- alerts

    def _recheck(self, position: int, at: float, fingerprint: str, rule: str) -> Reason:
        """An alert has been kept quiet for long enough, and may be still firing: as if it came
        again.
        """
        quiet = next(
            (one for one in self.view.rule_matches.get(fingerprint, ()) if one.rule == rule), None
        )
        if position not in self._reading.digests or quiet is None or quiet.digest:
            return Reason.TIMER_OUTDATED
        alert = self.view.alerts[fingerprint, rule]
        reason = self._alert(position, at, alert, quiet.last_seen)
        if quiet in self.view.rule_matches[fingerprint]:
            # Only other rules take it by now, and no more is owed to it by this one: see
            # `_forget_others` for why not.
            self._remember(replace(quiet, reason=Reason.RULES_CHANGED), alert)
        return reason

    def _alert(self, position: int, at: float, alert: Alert, seen: float) -> Reason:
        """`seen` is when the source reported it last."""
        rule_matches = self.view.rule_matches.get(alert.fingerprint, [])
        mark = self._reading.digests[position]
        if is_repeat(rule_matches, mark):
            self.changes.seen += [
                (rule_match.fingerprint, rule_match.rule, at)
                for rule_match in rule_matches
                if at - rule_match.last_seen >= SEEN_EVERY
            ]
            return Reason.REPEATED
        alert = dated(alert, rule_matches, at)
        # In an order of their own, so that the timeline doesn't depend on that in which a store has
        # them.
        rule_matches = sorted(rule_matches, key=lambda rule_match: rule_match.rule)
        if alert.status is AlertStatus.RESOLVED:
            return self._resolved(at, alert, mark, rule_matches)
        matching_rules = self._reading.matching_rules[position]
        self._forget_others(at, alert, {rule.name for rule, _ in matching_rules}, rule_matches)
        before = {rule_match.rule: rule_match for rule_match in rule_matches}
        sighting = SeenAlert(at, alert, mark, seen)
        reasons = [
            self._take(sighting, rule, key, before.get(rule.name)) for rule, key in matching_rules
        ]
        return reasons[0]

    def _resolved(
        self, at: float, alert: Alert, mark: str, rule_matches: Sequence[RuleMatch]
    ) -> Reason:
        if not rule_matches:
            return Reason.NEVER_FIRED
        for rule_match in rule_matches:
            if rule_match.counted:
                self._clear(at, rule_match, Reason.CLEARED)
            over = replace(
                rule_match, digest=mark, status=AlertStatus.RESOLVED, reason=Reason.CLEARED, starts_at=alert.starts_at,
                last_seen=at,
            )  # fmt: skip
            self._remember(over, alert)
        return Reason.CLEARED

    def _forget_others(
        self, at: float, alert: Alert, matching_rules: set[str], rule_matches: Sequence[RuleMatch]
    ) -> None:
        """The rules have changed: those that take the alert no longer let go of it.

        Not at a source of events: an occurrence that other rules take, in staging say, ends nothing
        in production.
        """
        gone = (
            []
            if alert.event_id
            else [
                rule_match for rule_match in rule_matches if rule_match.rule not in matching_rules
            ]
        )
        for rule_match in gone:
            if rule_match.counted:
                self._clear(at, rule_match, Reason.RULES_CHANGED)
            self.changes.forgotten.append((rule_match.fingerprint, rule_match.rule))
            self.changes.rule_matches.pop((rule_match.fingerprint, rule_match.rule), None)
            self.view.rule_matches[alert.fingerprint].remove(rule_match)

    def _take(self, sighting: SeenAlert, rule: Rule, key: str, before: RuleMatch | None) -> Reason:
        at, alert, mark, seen = sighting
        fresh = begins(alert, before)
        occurs = fresh or (bool(alert.event_id) and seen == at)
        count = self._count(at, key, rule.count_over, occurs) if rule.count_over else 0
        judgement = judge(
            rule, alert, count, before.severity if before is not None and before.counted else None
        )
        severity = judgement.severity
        rule_match = RuleMatch(
            alert.fingerprint, rule.name, mark, AlertStatus.FIRING, judgement.reason, alert.starts_at, seen,
            severity=severity,
        )  # fmt: skip
        if severity is None:
            if before is not None and before.counted:
                self._clear(at, before, Reason.BELOW_THRESHOLD)
            self._remember(rule_match, alert)
            return judgement.reason
        current = self.view.latest.get(key)
        counted = before is not None and before.counted and before.incident_id == current
        if before is not None and before.counted and not counted:
            self._clear(at, before, Reason.RULES_CHANGED)
        free = self.view.next_incident_id
        fired = Fired(
            at,
            alert,
            rule,
            judgement,
            severity,
            key,
            counted,
            fresh or is_news(severity, before),
            free,
        )
        incident = self.view.incidents.get(free if current is None else current)
        decision = decide(incident, fired, self.settings)
        if decision.reason in _TELLS and (quiet := kept_quiet(self.settings, self.view, alert, at)):
            timer = recheck(alert.fingerprint, rule.name, quiet.until)
            self.changes.timers[timer.incident_id, timer.name] = timer
            if incident and incident.is_open and not (before and before.reason in SUPPRESSED):
                self._note_suppressed(incident.id, sighting, quiet)
            kept = (
                replace(rule_match, incident_id=current, severity=before.severity)
                if before and counted
                else rule_match
            )
            # No digest: each repeat is looked at again, until the hold is over. So it is below.
            self._remember(replace(kept, digest="", reason=quiet.reason), alert)
            return quiet.reason
        reason = self._follow(decision)
        if reason in _HELD:
            rule_match = replace(rule_match, digest="", reason=reason)
        else:
            rule_match = replace(rule_match, incident_id=self.view.latest[key], reason=reason)
        self._remember(rule_match, alert)
        return reason

    def _count(self, at: float, key: str, over: float, occurred: bool) -> int:
        """How often this happened within the last `over` seconds, this time included."""
        times = tuple(time for time in self.view.windows.get(key, ()) if time > at - over)
        if occurred:
            times = (*times, at)[-MAX_WINDOW:]
            self.view.windows[key] = self.changes.windows[key] = times
        return len(times)

    def _clear(self, at: float, rule_match: RuleMatch, reason: Reason) -> None:
        assert rule_match.incident_id is not None
        resolve_after = self.settings.rules.named(rule_match.rule).resolve_after
        self._happen(
            rule_match.incident_id, Cleared(at, rule_match.fingerprint, reason, resolve_after)
        )

    def _remember(self, rule_match: RuleMatch, alert: Alert) -> None:
        others = [
            t
            for t in self.view.rule_matches.get(rule_match.fingerprint, ())
            if t.rule != rule_match.rule
        ]
        self.view.rule_matches[rule_match.fingerprint] = [*others, rule_match]
        self.changes.rule_matches[rule_match.fingerprint, rule_match.rule] = (rule_match, alert)

    # --- silences and inhibition

    def _note_suppressed(self, incident_id: int, sighting: SeenAlert, quiet: Suppression) -> None:
        """It would have joined an incident, or made it worse: that's where people look."""
        at, alert, *_ = sighting
        data = {
            "alert": alert.labels.get("alertname", ""),
            "fingerprint": alert.fingerprint,
            "name": quiet.by,
        }
        self.changes.entries.append(
            Entry(incident_id, at, quiet.reason, f"source:{alert.source}", data)
        )

    def _look_again(self, at: float) -> None:
        """Something isn't what it was: alerts that are kept quiet are looked at soon."""
        changes = self.changes
        changes.recheck_at = at if changes.recheck_at is None else min(changes.recheck_at, at)
        for key, timer in changes.timers.items():
            if key[1].startswith(RECHECK):
                changes.timers[key] = replace(timer, due_at=min(timer.due_at, at))

    # --- incidents and deliveries

    def _settled(self, event: DeliverySettled) -> Reason:
        held = event.notification
        incident = self.view.incidents.get(held.incident_id)
        onlooker = incident is not None and onlooks(incident, held.channel, held.reason)
        settlement = settle(event, self.settings, onlooker=onlooker)
        self.changes.settled.append((settlement.notification, held.lease, held.seq))
        self.changes.entries.append(settlement.entry)
        if settlement.falls_back:
            self._happen(held.incident_id, DeliveryFailed(event.at, held.channel, held.reason))
        return settlement.entry.what

    def _undelivered(self, event: Undelivered) -> Reason:
        """It counts as sent, so it can only be put on record, and the fallback told if nobody has
        answered yet.
        """
        incident = self.view.incidents.get(event.incident_id)
        if incident is None:
            return Reason.UNKNOWN_INCIDENT
        data = {"channel": event.channel, "error": event.error}
        self.changes.entries.append(Entry(incident.id, event.at, Reason.DELIVERY_FAILED, data=data))
        if incident.is_open and incident.acknowledged_at is None:
            self._happen(incident.id, DeliveryFailed(event.at, event.channel, Reason.DELIVERED))
        return Reason.DELIVERY_FAILED

    def _happen(self, incident_id: int, event: IncidentEvent) -> Reason:
        """Let the event happen to the incident, and note all that follows."""
        return self._follow(decide(self.view.incidents.get(incident_id), event, self.settings))

    def _follow(self, decision: Decision) -> Reason:
        incident = decision.incident
        if incident is None:
            return decision.reason
        before = self.view.incidents.get(incident.id)
        if (
            before
            and before.is_open
            and not incident.is_open
            and self.settings.is_inhibitor(before)
        ):
            self._look_again(incident.updated_at)
        if incident.id not in self.changes.incidents:
            incident = replace(incident, version=incident.version + 1)  # one write, one version
        self.view.next_incident_id = max(self.view.next_incident_id, incident.id + 1)
        self.view.latest[incident.key] = max(self.view.latest.get(incident.key, 0), incident.id)
        self.view.incidents[incident.id] = self.changes.incidents[incident.id] = incident
        self._note(incident.id, decision)
        return decision.reason

    def _note(self, incident_id: int, decision: Decision) -> None:
        changes = self.changes
        changes.entries += decision.entries
        changes.owed += decision.owed
        for name in decision.timers_cleared:
            changes.timers.pop((incident_id, name), None)
            changes.timers_cleared.add((incident_id, name))
        for timer in decision.timers:
            changes.timers[incident_id, timer.name] = timer
        if decision.detached:
            changes.detached.add(incident_id)
            self._detach(incident_id)

    def _detach(self, incident_id: int) -> None:
        """What the store does to takings it has, done to those in hand."""
        self.view.firing.pop(incident_id, None)
        for rule_matches in self.view.rule_matches.values():
            for position, rule_match in enumerate(rule_matches):
                if rule_match.counted and rule_match.incident_id == incident_id:
                    rule_matches[position] = let_go = replace(
                        rule_match, digest="", incident_id=None
                    )
                    written = self.changes.rule_matches.get(
                        (rule_match.fingerprint, rule_match.rule)
                    )
                    if written:
                        self.changes.rule_matches[rule_match.fingerprint, rule_match.rule] = (
                            let_go,
                            written[1],
                        )

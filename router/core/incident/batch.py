"""Decide on a batch of events: reads from the store, and writes to it.

    batch = Batch(settings, events)
    for plan in batch.reads:
        batch.view.add(read(plan))
    changes, reasons = batch.decide()

The daemon reads from and writes to the database; simulations use a store in memory. Nothing here
waits, and the same events with the same store result in the same changes.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from router.core.incident import alert_end, alerts
from router.core.incident.decide import DeliveryFailed, happen
from router.core.incident.delivery import settle
from router.core.incident.expiry import expiring
from router.core.incident.mute import held_back
from router.core.incident.read_plan import ReadPlanner, receipt_of
from router.core.incident.relations import Absorbed, Related
from router.core.incident.settings import Settings
from router.core.incident.snapshot import Writes
from router.core.incident.suppression import SUPPRESSED, rechecked
from router.core.incident.timeout import ending
from router.core.incident.transaction import Transaction
from router.model.decision import Entry
from router.model.event import (
    ActionEvent,
    AlertSeen,
    AroundEvent,
    Command,
    Commanded,
    DeliverySettled,
    Event,
    FollowUp,
    MessageEvent,
    Recorded,
    SilencesChanged,
    TimerDue,
    Undelivered,
)
from router.model.incident import Incident
from router.model.notification import is_for_stakeholder
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

_WITHOUT_EFFECT = having(Trait.NO_EFFECT)
"""Outcomes that the history leaves out: they are frequent, and a replay doesn't need them.

A delivered message changes no decision either, but a replay needs its time.
"""

_Other = Commanded | MessageEvent | ActionEvent | AroundEvent | FollowUp
"""Events that are neither a report nor a deadline."""

_PUT_OFF = SUPPRESSED | {Reason.SNOOZED, Reason.STALE}
"""Outcomes of a delayed deadline."""

MAX_WINDOW = alerts.MAX_WINDOW


class Batch:
    """One batch of events, in order, decided on a view of the store.

    Use it once, with the steps in the module's docstring.
    """

    def __init__(self, settings: Settings, events: Sequence[Event]) -> None:
        self._events = events
        self._tx = Transaction(settings)
        self._planner = ReadPlanner(settings, events, self._tx.view)
        self.view = self._tx.view
        """The data read, updated with each decision."""
        self.reads = self._planner.plans()
        """The reads, one after another. Add each to the view before taking the next."""

    def decide(self) -> tuple[Writes, list[Reason]]:
        """The writes, and the reason decided for each event."""
        reasons: list[Reason] = []
        for position, event in enumerate(self._events):
            match event:
                case AlertSeen():
                    reason, effect = self._reported(position, event)
                case TimerDue():
                    reason, effect = self._due(position, event)
                case _:
                    reason = self._decide(event)
                    effect = reason not in _WITHOUT_EFFECT
            if effect:
                self._tx.changes.history.append(event)
            reasons.append(reason)
        return self._tx.changes, reasons

    def _reported(self, position: int, event: AlertSeen) -> tuple[Reason, bool]:
        """The reason for a report, and whether it had an effect that the history needs."""
        tx, alert = self._tx, event.alert
        if alert.event_id and self._is_repeated(event):
            return Reason.REPLAYED, False
        is_known = not alert.event_id and alert.fingerprint in self.view.rule_matches
        muted = self._muted(alert.fingerprint) if is_known else ()
        written = len(tx.changes.rule_matches)
        reason = alerts.see(tx, self._planner.reports[position])
        if reason is Reason.NEVER_FIRED:
            return reason, len(tx.changes.rule_matches) > written  # the resolve was stored
        if reason in _WITHOUT_EFFECT:
            return reason, False
        return reason, not muted or muted != self._muted(alert.fingerprint)

    def _muted(self, fingerprint: str) -> Sequence[object]:
        """The state of a muted alert, to check if a recheck changed it."""
        matches = self.view.rule_matches.get(fingerprint, ())
        if all(match.digest for match in matches):
            return ()
        return sorted(
            (match.rule, match.reason, match.severity or "", match.incident_id or 0)
            for match in matches
        )

    def _is_repeated(self, event: Event) -> bool:
        """Return whether the event was seen before, and remember it."""
        receipt = receipt_of(event)
        if receipt and receipt not in self.view.receipts:
            self.view.receipts.add(receipt)
            self._tx.changes.receipts[receipt] = event.at
            return False
        return bool(receipt)

    def _decide(self, event: _Other) -> Reason:
        tx = self._tx
        if self._is_repeated(event):
            return Reason.REPLAYED
        match event:
            case DeliverySettled():
                return self._settled(event)
            case Undelivered():
                return self._undelivered(event)
            case SilencesChanged():
                tx.recheck_muted(event.at)
                return Reason.SILENCES_CHANGED
            case Commanded(command=Command.REOPEN | Command.MERGE | Command.LINK):
                return self._relate(event)
            case Recorded() if event.incident_id in tx.view.incidents:
                tx.changes.records += event.records
        return happen(tx, event.incident_id, event)

    # --- deadlines

    def _due(self, position: int, event: TimerDue) -> tuple[Reason, bool]:
        """The reason for a due deadline, and whether it had an effect that the history needs."""
        tx, incidents = self._tx, self.view.incidents
        tx.changes.timers_done.append(event)
        fingerprint, rule = rechecked(event)
        if fingerprint or rule:
            muted = self._muted(fingerprint)
            reason = self._recheck(position, event.at, fingerprint, rule)
            unchanged = muted and muted == self._muted(fingerprint)
            return reason, reason not in _WITHOUT_EFFECT and not (unchanged and reason in _PUT_OFF)
        before = incidents.get(event.incident_id)
        if stale := expiring(event):
            reason = alert_end.expire(tx, event.at, stale)
        elif fingerprint := ending(event):
            reason = alert_end.time_out(tx, event, fingerprint)
        else:
            reason = happen(tx, event.incident_id, held_back(tx, event) or event)
        after = incidents.get(event.incident_id)
        if reason in _WITHOUT_EFFECT:
            return reason, after is not before  # an outdated deadline was set again
        still_muted = before and after and before.muted and before.muted == after.muted
        return reason, not (still_muted and reason in _PUT_OFF)

    def _recheck(self, position: int, at: float, fingerprint: str, rule: str) -> Reason:
        """Evaluate a muted alert as if it had been reported again, since it may still fire."""
        tx = self._tx
        report = self._planner.reports.get(position)
        matches = tx.view.rule_matches.get(fingerprint, ())
        muted = next((match for match in matches if match.rule == rule), None)
        if report is None or muted is None or muted.digest:
            return Reason.TIMER_OUTDATED
        alert = tx.view.alerts[fingerprint, rule]
        reason = alerts.see(tx, report._replace(at=at, alert=alert, seen=muted.last_seen))
        if muted in tx.view.rule_matches[fingerprint]:
            # This rule no longer matches the alert, so it does nothing.
            tx.remember(replace(muted, reason=Reason.RULES_CHANGED), alert)
        return reason

    # --- commands about two incidents

    def _relate(self, event: Commanded) -> Reason:
        tx = self._tx
        incident = tx.view.incidents.get(event.incident_id)
        other_id = (
            self._open_with_key_of(incident) if event.command is Command.REOPEN else event.other
        )
        reason = happen(tx, event.incident_id, Related(event, tx.view.incidents.get(other_id)))
        if incident and reason in {Reason.MERGED, Reason.LINKED}:
            # Those that the incident counted before it was closed.
            source = replace(incident, merged_into=other_id if reason is Reason.MERGED else 0)
            happen(tx, other_id, Absorbed(event, source))
            if reason is Reason.MERGED:
                tx.hand_over(incident.id, other_id)
        return reason

    def _open_with_key_of(self, incident: Incident | None) -> int:
        """The open incident with the key of a closed one; 0 if there is none."""
        view, key = self._tx.view, incident.key if incident else ""
        other = view.incidents.get(view.reopened.get(key) or view.latest.get(key, 0))
        return other.id if other and other.is_open else 0

    # --- deliveries

    def _settled(self, event: DeliverySettled) -> Reason:
        row = event.notification
        incident = self._tx.view.incidents.get(row.incident_id)
        stakeholder = incident is not None and is_for_stakeholder(incident, row.channel, row.reason)
        settlement = settle(event, self._tx.settings, stakeholder=stakeholder)
        self._tx.changes.settled.append((settlement.notification, row.lease, row.seq))
        self._tx.changes.entries.append(settlement.entry)
        if settlement.falls_back:
            happen(self._tx, row.incident_id, DeliveryFailed(event.at, row.channel, row.reason))
        return settlement.entry.what

    def _undelivered(self, event: Undelivered) -> Reason:
        """Note that a sent message is lost, and notify the fallback if nobody answered."""
        incident = self._tx.view.incidents.get(event.incident_id)
        if incident is None:
            return Reason.UNKNOWN_INCIDENT
        data = {"channel": event.channel, "error": event.error}
        self._tx.changes.entries.append(
            Entry(incident.id, event.at, Reason.DELIVERY_FAILED, data=data)
        )
        if incident.is_open and incident.acknowledged_at is None:
            happen(self._tx, incident.id, DeliveryFailed(event.at, event.channel, Reason.DELIVERED))
        return Reason.DELIVERY_FAILED

"""Decide on a batch of events: reads from the store, and writes to it.

    batch = Batch(settings, events)
    while plan := batch.next_read():
        batch.know(load(plan))
    changes, reasons = batch.decide()

The daemon does this between a read and a write of the store; simulations do the same over a store
in memory. Nothing here waits, and the same events over the same store give the same changes.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from router.core.incident import alerts
from router.core.incident.decide import DeliveryFailed
from router.core.incident.dedup import SeenAlert
from router.core.incident.delivery import settle
from router.core.incident.expiry import expiring
from router.core.incident.mute import held_back
from router.core.incident.read_plan import ReadPlanner, receipt_of
from router.core.incident.relations import Absorbed, Related
from router.core.incident.settings import Settings
from router.core.incident.snapshot import ReadPlan, Snapshot, Writes
from router.core.incident.suppression import SUPPRESSED, rechecked
from router.core.incident.timeout import ending
from router.core.incident.transaction import Transaction
from router.core.incident.transitions import is_for_stakeholder
from router.model.alert import Alert
from router.model.decision import Entry
from router.model.event import (
    AlertSeen,
    Command,
    Commanded,
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

_WITHOUT_EFFECT = having(Trait.NO_EFFECT)
"""Outcomes that the history leaves out: most events have one, and none affects a replay.

A message that arrived changes no decision either, but a replay needs its time.
"""

_PUT_OFF = SUPPRESSED | {Reason.SNOOZED, Reason.STALE}
"""Outcomes of a delayed deadline."""

MAX_WINDOW = alerts.MAX_WINDOW


class Batch:
    """One batch of events, in order, over a view of the store.

    Used once; see the module for the steps.
    """

    def __init__(self, settings: Settings, events: Sequence[Event]) -> None:
        self._events = events
        self._tx = Transaction(settings)
        self._reading = ReadPlanner(settings, events, self._tx.view)
        self._plans = self._reading.plans()

    @property
    def view(self) -> Snapshot:
        """The snapshot: the data read, with the decisions since."""
        return self._tx.view

    def next_read(self) -> ReadPlan | None:
        """The next read; None once nothing more is needed."""
        return next(self._plans, None)

    def know(self, view: Snapshot) -> None:
        """Add what was read."""
        self._tx.view.add(view)

    def decide(self) -> tuple[Writes, list[Reason]]:
        """The writes, and the reason decided for each event."""
        reasons = [
            self._decide_and_keep(position, event) for position, event in enumerate(self._events)
        ]
        return self._tx.changes, reasons

    def _decide_and_keep(self, position: int, event: Event) -> Reason:
        """Decide on the event, and keep it in the history if it had an effect."""
        view, changes = self._tx.view, self._tx.changes
        muted, written = self._muted(event), len(changes.rule_matches)
        deadline = isinstance(event, TimerDue)
        incident = view.incidents.get(event.incident_id) if isinstance(event, TimerDue) else None
        reason = self._decide(position, event)
        effect = reason not in _WITHOUT_EFFECT
        if not effect and isinstance(event, TimerDue):  # an outdated deadline was set again
            effect = view.incidents.get(event.incident_id) is not incident
        elif reason is Reason.NEVER_FIRED:  # the resolve was stored
            effect = len(changes.rule_matches) > written
        if effect and muted and muted == self._muted(event):  # a recheck without a change
            effect = deadline and reason not in _PUT_OFF
        if effect:
            changes.history.append(event)
        return reason

    def _muted(self, event: Event) -> set[tuple[object, ...]]:
        """State of a muted alert or incident, to tell a no-op recheck from a change."""
        if isinstance(event, TimerDue) and (
            incident := self._tx.view.incidents.get(event.incident_id)
        ):
            return {incident.muted} if incident.muted else set()
        if isinstance(event, AlertSeen) and event.alert.event_id:
            return set()
        fingerprint = (
            event.alert.fingerprint if isinstance(event, AlertSeen) else rechecked(event)[0]
        )
        rule_matches = self._tx.view.rule_matches.get(fingerprint, ())
        if all(rule_match.digest for rule_match in rule_matches):
            return set()
        return {
            (rule_match.rule, rule_match.reason, rule_match.severity, rule_match.incident_id)
            for rule_match in rule_matches
        }

    def _decide(  # noqa: C901 - a case for each kind of event
        self, position: int, event: Event
    ) -> Reason:
        tx = self._tx
        if receipt := receipt_of(event):
            if receipt in tx.view.receipts:
                return Reason.REPLAYED
            tx.view.receipts.add(receipt)
            tx.changes.receipts[receipt] = event.at
        match event:
            case AlertSeen():
                return self._alert(position, event.at, event.alert, event.at)
            case DeliverySettled():
                return self._settled(event)
            case Undelivered():
                return self._undelivered(event)
            case Recorded():
                if event.incident_id in tx.view.incidents:
                    tx.changes.records += event.records
                return tx.happen(event.incident_id, event)
            case SilencesChanged():
                tx.look_again(event.at)
                return Reason.SILENCES_CHANGED
            case TimerDue():
                return self._due(position, event)
            case Commanded(command=Command.REOPEN | Command.MERGE | Command.LINK):
                return self._relate(event)
            case _:
                return tx.happen(event.incident_id, event)

    def _alert(self, position: int, at: float, alert: Alert, seen: float) -> Reason:
        """Decide on an alert; `seen` is the time of its last report."""
        sighting = SeenAlert(at, alert, self._reading.digests[position], seen)
        return alerts.see(self._tx, sighting, self._reading.matching_rules.get(position, ()))

    # --- deadlines

    def _due(self, position: int, event: TimerDue) -> Reason:
        self._tx.changes.timers_done.append(event)
        if any(key := rechecked(event)):
            return self._recheck(position, event.at, *key)
        if stale := expiring(event):
            return alerts.expire(self._tx, event.at, stale)
        if fingerprint := ending(event):
            return alerts.time_out(self._tx, event, fingerprint)
        return self._tx.happen(event.incident_id, held_back(self._tx, event) or event)

    def _recheck(self, position: int, at: float, fingerprint: str, rule: str) -> Reason:
        """Evaluate a muted alert as if it had been reported again: it may still fire."""
        tx = self._tx
        quiet = next(
            (one for one in tx.view.rule_matches.get(fingerprint, ()) if one.rule == rule), None
        )
        if position not in self._reading.digests or quiet is None or quiet.digest:
            return Reason.TIMER_OUTDATED
        alert = tx.view.alerts[fingerprint, rule]
        reason = self._alert(position, at, alert, quiet.last_seen)
        if quiet in tx.view.rule_matches[fingerprint]:
            # Only other rules match it now, and this rule does nothing more with it: see `alerts`
            # for the reason.
            tx.remember(replace(quiet, reason=Reason.RULES_CHANGED), alert)
        return reason

    # --- commands about two incidents

    def _relate(self, event: Commanded) -> Reason:
        tx = self._tx
        incident = tx.view.incidents.get(event.incident_id)
        other_id = (
            self._open_with_key_of(incident) if event.command is Command.REOPEN else event.other
        )
        reason = tx.happen(event.incident_id, Related(event, tx.view.incidents.get(other_id)))
        if incident and reason in {Reason.MERGED, Reason.LINKED}:
            # The alerts that it counted before.
            source = replace(incident, merged_into=other_id if reason is Reason.MERGED else 0)
            tx.happen(other_id, Absorbed(event, source))
            if reason is Reason.MERGED:
                tx.hand_over(incident.id, other_id)
        return reason

    def _open_with_key_of(self, incident: Incident | None) -> int:
        """The open incident with the key of a closed one; 0 if there is none."""
        view = self._tx.view
        newest = view.incidents.get(view.latest.get(incident.key, 0)) if incident else None
        return newest.id if newest and newest.is_open else 0

    # --- deliveries

    def _settled(self, event: DeliverySettled) -> Reason:
        held = event.notification
        incident = self._tx.view.incidents.get(held.incident_id)
        stakeholder = incident is not None and is_for_stakeholder(
            incident, held.channel, held.reason
        )
        settlement = settle(event, self._tx.settings, stakeholder=stakeholder)
        self._tx.changes.settled.append((settlement.notification, held.lease, held.seq))
        self._tx.changes.entries.append(settlement.entry)
        if settlement.falls_back:
            self._tx.happen(held.incident_id, DeliveryFailed(event.at, held.channel, held.reason))
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
            self._tx.happen(incident.id, DeliveryFailed(event.at, event.channel, Reason.DELIVERED))
        return Reason.DELIVERY_FAILED

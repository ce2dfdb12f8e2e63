"""Mute: alerts that open nothing for now, and incidents whose pages are delayed."""

from collections.abc import Collection

from msgspec.structs import replace

from router.core.incident.deadlines import Muted
from router.core.incident.escalation import PAGING
from router.core.incident.suppression import HELD_FOR, Suppression, inhibiting, silencing
from router.core.incident.transaction import Transaction
from router.model.alert import Alert
from router.model.event import TimerDue


def kept_quiet(
    tx: Transaction, alert: Alert, at: float, own: Collection[int | None]
) -> Suppression | None:
    """The silence, or the incident other than its `own`, that mutes an alert.

    Nothing mutes a drill, and no drill mutes anything. A person's report isn't muted either: they
    decided to notify somebody.
    """
    if alert.is_drill or alert.by:
        return None
    if tx.settings.silences and (silenced := silencing(tx.settings, alert.labels, at)):
        return silenced
    if not tx.settings.inhibitions:
        return None
    targeting = tx.settings.mutes.targeting(alert.labels)
    incident = (
        tx.inhibitors.find(targeting, alert.labels, tx.view.incidents, own) if targeting else None
    )
    return inhibiting(incident, at) if incident else None


def held_back(tx: Transaction, due: TimerDue) -> Muted | None:
    """The mute of a paging deadline, if all alerts that hold the incident open are muted."""
    if due.name not in PAGING or not tx.settings.keeps_quiet(due.at):
        return None
    firing = tx.firing(due.incident_id).values()
    quiet = [kept_quiet(tx, alert, due.at, (due.incident_id,)) for _, alert in firing]
    held = [one for one in quiet if one]
    if not held or len(held) < len(firing):
        return None
    return Muted(due, replace(held[0], until=min(due.at + HELD_FOR, *(one.until for one in held))))

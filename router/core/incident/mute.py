"""Mute: alerts that open nothing for now, and incidents whose pages are delayed."""

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from router.core.incident.deadlines import Muted
from router.core.incident.escalation import PAGING
from router.core.incident.suppression import HELD_FOR, Suppression, inhibiting, silencing
from router.core.incident.transaction import Transaction
from router.core.suppression.inhibition import Inhibition
from router.model.alert import Alert
from router.model.event import TimerDue


def can_be_muted(alert: Alert) -> bool:
    """Check if a silence or an incident may mute the alert.

    Nothing mutes a drill, and no drill mutes anything. A person's report isn't muted either: they
    decided to notify somebody.
    """
    return not (alert.is_drill or alert.by)


def mute_of(
    tx: Transaction,
    alert: Alert,
    at: float,
    own: Collection[int | None],
    inhibitions: Sequence[Inhibition],
) -> Suppression | None:
    """The silence, or the incident other than its `own`, that mutes an alert.

    `inhibitions` are those whose target is the alert.
    """
    if not can_be_muted(alert):
        return None
    if tx.settings.silences and (silenced := silencing(tx.settings, alert.labels, at)):
        return silenced
    if not inhibitions:
        return None
    incident = tx.inhibitors.find(inhibitions, alert.labels, tx.view.incidents, own)
    return inhibiting(incident, at) if incident else None


def held_back(tx: Transaction, due: TimerDue) -> Muted | None:
    """The mute of a paging deadline, if all alerts that keep the incident open are muted."""
    if due.name not in PAGING or not tx.settings.may_mute(due.at):
        return None
    firing = [alert for _, alert in tx.firing(due.incident_id).values()]
    targeting, own = tx.settings.mutes.targeting, (due.incident_id,)
    mutes = [mute_of(tx, alert, due.at, own, targeting(alert.labels)) for alert in firing]
    muted = [mute for mute in mutes if mute]
    if not muted or len(muted) < len(firing):
        return None
    until = min(due.at + HELD_FOR, *(mute.until for mute in muted))
    return Muted(due, replace(muted[0], until=until))

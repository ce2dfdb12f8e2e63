"""Stale alerts: their source stopped reporting them without resolving them.

Alertmanager repeats an alert while it fires. An alert is stale if it wasn't reported for longer
than `expire_after`, or for several of its observed repeat intervals. Then pages and promotion stop,
and the alert ends or people are asked about it, as configured. With the next report it isn't stale
any more.

The deadline `stale/INCIDENT` isn't stored with the incident, so that reports needn't move it.
"""

from msgspec import Struct

from router.core.incident.escalation import PAGING, edited, to_lead
from router.core.incident.settings import Settings
from router.core.incident.suppression import NO_INCIDENT
from router.core.incident.transaction import Decision
from router.core.incident.transitions import later
from router.core.text.plain import utc
from router.model.decision import Timer
from router.model.event import TimerDue
from router.model.incident import Incident
from router.model.notification import person_of
from router.model.reason import Reason

_PREFIX = "stale/"

HELD_FOR = 900.0
"""Seconds after which the delayed pages of a stale incident are checked again."""


class Expired(Struct, frozen=True):
    """An alert is stale: its last report came at `since`.

    `all_stale`: all alerts of the incident are stale.
    """

    at: float
    alert: str
    since: float
    all_stale: bool


def stale_timer(incident_id: int, due_at: float) -> Timer:
    return Timer(NO_INCIDENT, f"{_PREFIX}{incident_id}", due_at)


def expiring(due: TimerDue) -> int:
    """The incident whose alerts may be stale now; 0 for any other deadline."""
    if not due.name.startswith(_PREFIX):
        return 0
    return int(due.name.removeprefix(_PREFIX))


def expired(incident: Incident, event: Expired, settings: Settings) -> Decision:
    """Note the stale alert. If all are stale, stop the pages and ask people."""
    decision = Decision(Reason.STALE, later(incident, event.at))
    data = {"alert": event.alert, "since": utc(event.since), "ask": "Is it still firing?"}
    decision.note(event.at, Reason.STALE, **data)
    if not event.all_stale:
        decision.queue(event.at, Reason.STALE, edited(incident, settings))
        return decision
    decision.change(stale_since=event.since, muted=(Reason.STALE, ""))
    channels = [address for address in incident.notified if not person_of(address)]
    lead = to_lead(incident, event.at, settings) if incident.acknowledged_at is not None else ()
    decision.queue(event.at, Reason.STALE, tuple(dict.fromkeys((*channels, *lead))))
    return decision


def reported_again(incident: Incident, at: float, alert: str, settings: Settings) -> Decision:
    """Handle a report of a stale incident: delayed pages continue with their next deadline."""
    decision = Decision(Reason.REPORTED_AGAIN, later(incident, at, stale_since=None))
    decision.note(at, Reason.REPORTED_AGAIN, alert=alert)
    decision.queue(at, Reason.REPORTED_AGAIN, edited(incident, settings))
    return decision


def puts_off(incident: Incident, due: TimerDue) -> bool:
    """Check if the incident is stale, so that nobody is paged about it."""
    return incident.stale_since is not None and due.name in PAGING

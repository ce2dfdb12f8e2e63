"""Which incidents are held back from paging: those of which every alert that holds them open is
kept quiet.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from router.core.incident.escalation import PAGING
from router.core.incident.lifecycle import Muted
from router.core.incident.settings import Settings
from router.core.incident.snapshot import Snapshot, Writes
from router.core.incident.suppression import HELD_FOR, Suppression, suppression
from router.model.alert import Alert
from router.model.event import Event, TimerDue


def may_be_held_back(settings: Settings, events: Sequence[Event], view: Snapshot) -> list[int]:
    """The incidents with a deadline, by which somebody would be paged if nothing kept that quiet."""
    due = {
        event.incident_id
        for event in events
        if isinstance(event, TimerDue) and event.name in PAGING and settings.keeps_quiet(event.at)
    }
    return [i for i in due if i in view.incidents and view.incidents[i].is_open]


def kept_quiet(
    settings: Settings, view: Snapshot, alert: Alert, at: float, incident_id: int | None = None
) -> Suppression | None:
    """What keeps an alert quiet, other than the incident that it's in. Nothing does in a drill, and
    no drill does.

    What a person declares is never muted: they have decided that somebody is notified.
    """
    if alert.is_drill or alert.by:
        return None
    others = (one for one in view.incidents.values() if one.id != incident_id and not one.drill)
    return suppression(settings, alert.labels, at, others)


def held_back(settings: Settings, view: Snapshot, changes: Writes, due: TimerDue) -> Muted | None:
    """Is every alert kept quiet that holds the incident open? Then nobody is paged about it."""
    firing = _firing(view, changes, due.incident_id) if due.name in PAGING else []
    quiet = [kept_quiet(settings, view, alert, due.at, due.incident_id) for alert in firing]
    held = [one for one in quiet if one]
    if not held or len(held) < len(firing):
        return None
    return Muted(due, replace(held[0], until=min(due.at + HELD_FOR, *(one.until for one in held))))


def _firing(view: Snapshot, changes: Writes, incident_id: int) -> list[Alert]:
    """The alerts that hold an incident open: as they were stored, and as decided since."""
    firing = dict(view.firing.get(incident_id, {}))
    for key in changes.forgotten:
        firing.pop(key, None)
    for key, (rule_match, alert) in changes.rule_matches.items():
        firing.pop(key, None)
        if rule_match.counted and rule_match.incident_id == incident_id:
            firing[key] = alert
    return list(firing.values())

"""The recorded history of a router: events, timeline entries, incidents and pending messages."""

from collections.abc import Sequence

from msgspec import Struct

from router.model.decision import Entry
from router.model.event import AlertSeen, DeliverySettled, Event, SilencesChanged
from router.model.incident import Incident
from router.model.notification import Notification
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having
from router.model.record import Record

ARRIVED = having(Trait.ALERT_ENTERS)
"""The timeline entries that note that an alert joined the incident."""


class History(Struct, frozen=True):
    """The history in order. `unsent` are pending messages, `records` documents for decisions."""

    events: list[Event] = []
    entries: list[Entry] = []
    incidents: list[Incident] = []
    unsent: list[Notification] = []
    records: list[Record] = []


def real(past: History) -> History:
    """Return the history without drills, which say nothing about changed rules."""
    drills = {incident.id for incident in past.incidents if incident.drill}
    return History(
        [event for event in past.events if not _is_of_drill(event, drills)],
        [entry for entry in past.entries if entry.incident_id not in drills],
        [incident for incident in past.incidents if not incident.drill],
        [message for message in past.unsent if message.incident_id not in drills],
        past.records,
    )


def _is_of_drill(event: Event, drills: set[int]) -> bool:
    match event:
        case AlertSeen(alert=alert):
            return alert.is_drill
        case DeliverySettled(notification=message):
            return message.incident_id in drills
        case SilencesChanged():
            return False
        case _:
            return event.incident_id in drills


class Page(Struct, frozen=True):
    """A delivered message: its incident, its address and its time (UTC seconds)."""

    at: float
    incident_id: int
    address: str


def pages(entries: Sequence[Entry]) -> list[Page]:
    """Return the delivered messages. A message about several incidents belongs to its first one."""
    return [
        Page(entry.at, entry.incident_id, entry.data["channel"])
        for entry in entries
        if entry.what is Reason.DELIVERED
    ]


def arrivals(entries: Sequence[Entry]) -> list[tuple[tuple[float, str], int]]:
    """Return the alerts that joined incidents: ((time, fingerprint), incident)."""
    return [
        ((entry.at, str(entry.data.get("fingerprint", ""))), entry.incident_id)
        for entry in entries
        if entry.what in ARRIVED
    ]

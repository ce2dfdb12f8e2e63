"""What a router has kept of its past: what happened, what it made of that, and what it had still to tell."""

from collections.abc import Sequence

from msgspec import Struct

from router.model.decision import Entry
from router.model.event import Event
from router.model.incident import Incident
from router.model.notification import Notification
from router.model.reason import Reason
from router.model.record import Record

ARRIVED = frozenset({Reason.OPENED, Reason.JOINED, Reason.REOPENED})
"""The lines of a timeline by which an alert comes into an incident."""


class Past(Struct, frozen=True):
    """All of it in order. `unsent` are the messages owed and not sent; `records` the documents decisions depend on."""

    events: list[Event] = []
    entries: list[Entry] = []
    incidents: list[Incident] = []
    unsent: list[Notification] = []
    records: list[Record] = []


class Page(Struct, frozen=True):
    """A message that arrived: about which incident, at which address, when (UTC seconds)."""

    at: float
    incident_id: int
    address: str


def pages(entries: Sequence[Entry]) -> list[Page]:
    """The messages that arrived, by the timelines; one that told of several incidents is about its first."""
    return [
        Page(entry.at, entry.incident_id, entry.data["channel"]) for entry in entries if entry.what is Reason.DELIVERED
    ]


def arrivals(entries: Sequence[Entry]) -> list[tuple[tuple[float, str], int]]:
    """When which alert (by fingerprint) came into which incident."""
    return [
        ((entry.at, str(entry.data.get("fingerprint", ""))), entry.incident_id)
        for entry in entries
        if entry.what in ARRIVED
    ]

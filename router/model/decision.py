"""Parts of a decision, written in one transaction."""

from typing import Any

from msgspec import Struct

from router.model.outbox import OutboxKind
from router.model.reason import Reason


class Entry(Struct, frozen=True, gc=False):
    """One line of an incident's timeline.

    by: a person, `source:<name>`, or "" for the router itself.
    data: details, such as the value and the threshold.
    id: orders the entries; 0 until stored.
    """

    incident_id: int
    at: float
    what: Reason
    by: str = ""
    data: dict[str, Any] = {}
    id: int = 0


class Timer(Struct, frozen=True, gc=False):
    """A deadline of an incident. Its name is unique there: setting it again moves it."""

    incident_id: int
    name: str
    due_at: float


class Queued(Struct, frozen=True, gc=False):
    """A message to send to one address, due since `at`, and the reason.

    `incident_id` is 0 if it is about no incident.
    """

    incident_id: int
    channel: str
    reason: Reason
    at: float
    kind: OutboxKind = OutboxKind.INCIDENT
    subject: str = ""

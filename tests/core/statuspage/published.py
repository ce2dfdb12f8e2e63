"""Published incidents for the tests of the status page."""

from typing import Any

from router.model.decision import Entry
from router.model.incident import Incident, Severity, Status
from router.model.reason import Reason
from router.model.statuspage import Component, Published, StatusPlan

DAY = 86_400.0
NOW = 1_795_564_800.0
"""2026-11-25 00:00 UTC."""

PLAN = StatusPlan(
    "VintStreet status",
    "https://status.example.com",
    (Component("payments", "Payments", group="Shop"), Component("search", "Search", group="Shop")),
)


def said(
    number: int,
    at: float,
    status: str = "investigating",
    text: str = "We are looking into it.",
    **data: Any,
) -> Entry:
    """An entry that was published."""
    given = {
        "text": text,
        "status": status,
        "title": "Payment problems",
        "component": "payments",
    } | data
    return Entry(142, at, Reason.PUBLISHED, "ana", given, id=number)


def published(*entries: Entry, **changes: Any) -> Published:
    """An incident with secrets of ours in every field, and what was published of it."""
    fields: dict[str, Any] = {
        "id": 142,
        "key": 'internal-key{service="internal-label"}',
        "rule": "internal-rule",
        "source": "internal-source",
        "title": "internal-title",
        "severity": Severity.P1,
        "status": Status.INVESTIGATING,
        "opened_at": NOW - 3600,
        "updated_at": NOW,
        "labels": {"internal-label": "internal-value"},
        "annotations": {"internal-annotation": "internal-value"},
        "url": "https://internal.example.com",
        "runbook": "https://internal.example.com/runbook",
        "component": "internal-component",
        "lead": "internal-lead",
        "acknowledged_by": "internal-person",
        "closed_by": "internal-person",
    }
    return Published(Incident(**(fields | changes)), entries)

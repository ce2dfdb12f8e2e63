"""Alerts as Opsgenie shows them.

https://docs.opsgenie.com/docs/alert-api#get-alert
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from router.model.alert import AlertStatus
from router.model.incident import Incident
from router.ports.store import AlertRow
from router.receivers.opsgenie.payload import DEFAULT_PRIORITY, OWN
from router.receivers.opsgenie.request import tiny_id


def time_text(at: float) -> str:
    """A time as Opsgenie writes it."""
    shown = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return shown.replace("+00:00", "Z")


def alert_view(row: AlertRow, incident: Incident | None, now: float) -> Mapping[str, Any]:
    """One entry of a list."""
    labels, match = row.alert.labels, row.rule_match
    id_ = match.fingerprint.rpartition(":")[2]
    acknowledged = incident is not None and incident.acknowledged_at is not None
    until = incident.snoozed_until if incident and incident.is_open else None
    snoozed = until is not None and until > now
    view: dict[str, Any] = {
        "id": id_,
        "tinyId": tiny_id(id_),
        "alias": row.alert.annotations.get("alias", id_),
        "message": labels.get("alertname", ""),
        "status": "open" if is_open(row, incident) else "closed",
        "acknowledged": acknowledged,
        "isSeen": acknowledged,
        "tags": list(filter(None, labels.get("tags", "").split(","))),
        "snoozed": snoozed,
        "count": 1,
        "lastOccurredAt": time_text(match.last_seen),
        "createdAt": time_text(match.starts_at),
        "updatedAt": time_text(max(match.last_seen, incident.updated_at if incident else 0.0)),
        "source": labels.get("source", ""),
        "owner": incident.lead if incident else "",
        "priority": labels.get("priority", DEFAULT_PRIORITY),
        "responders": [],
        "integration": {"name": labels.get("integration", ""), "type": "API"},
        "report": _report(row, incident),
    }
    return view | ({"snoozedUntil": time_text(until)} if snoozed and until else {})


def full_view(row: AlertRow, incident: Incident | None, now: float) -> Mapping[str, Any]:
    """A single alert."""
    annotations = row.alert.annotations
    return {
        **alert_view(row, incident, now),
        "actions": [],
        "entity": row.alert.labels.get("entity", ""),
        "description": annotations.get("description", ""),
        "details": {name: text for name, text in annotations.items() if name not in OWN},
    }


def is_open(row: AlertRow, incident: Incident | None) -> bool:
    """Check if the alert is open: it ends when it's resolved or its incident is closed."""
    return row.rule_match.status is AlertStatus.FIRING and (incident is None or incident.is_open)


def _report(row: AlertRow, incident: Incident | None) -> Mapping[str, Any]:
    """Milliseconds from the start to each step, and the people who took it."""
    if incident is None:
        return {}
    start = row.rule_match.starts_at
    report: dict[str, Any] = {}
    if incident.acknowledged_at is not None:
        report["ackTime"] = round(1000 * max(0.0, incident.acknowledged_at - start))
        report["acknowledgedBy"] = incident.acknowledged_by
    if incident.closed_at is not None:
        report["closeTime"] = round(1000 * max(0.0, incident.closed_at - start))
        report["closedBy"] = incident.closed_by
    return report

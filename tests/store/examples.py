"""Example rows, equal except for what a test specifies."""

from typing import Any

from router.core.incident.snapshot import Writes
from router.model.alert import Alert, AlertStatus, RuleMatch
from router.model.decision import Entry, Queued, Timer
from router.model.incident import Incident, Severity, Status
from router.model.reason import Reason

NOW = 1_770_000_000.123456


def incident(incident_id: int = 1, **changed: Any) -> Incident:
    values = {
        "key": f"key-{incident_id}",
        "rule": "payment-failures",
        "source": "alertmanager",
        "title": "Payment failures",
        "severity": Severity.P1,
        "status": Status.INVESTIGATING,
        "opened_at": NOW,
        "updated_at": NOW,
        "version": 1,
        "labels": {"service": "api"},
        "notified": ("incidents",),
    }
    return Incident(incident_id, **(values | changed))


def closed(**changed: Any) -> Incident:
    return incident(**({"status": Status.RESOLVED, "closed_at": NOW + 60} | changed))


def alert(fingerprint: str = "f1", **changed: Any) -> Alert:
    values = {
        "status": AlertStatus.FIRING,
        "labels": {"alertname": "A"},
        "annotations": {},
        "starts_at": NOW - 9.9,
    }
    return Alert("alertmanager", fingerprint, **(values | changed))


def rule_match(fingerprint: str = "f1", rule: str = "r", **changed: Any) -> RuleMatch:
    values = {
        "digest": "d",
        "status": AlertStatus.FIRING,
        "reason": Reason.OPENED,
        "starts_at": NOW - 9.9,
        "last_seen": NOW,
        "incident_id": 1,
        "severity": Severity.P1,
    }
    return RuleMatch(fingerprint, rule, **(values | changed))


def entry(
    incident_id: int = 1, at: float = NOW, what: Reason = Reason.OPENED, **data: Any
) -> Entry:
    return Entry(incident_id, at, what, "source:alertmanager", data)


def queued(
    channel: str = "log", at: float = NOW, reason: Reason = Reason.OPENED, incident_id: int = 1
) -> Queued:
    return Queued(incident_id, channel, reason, at)


def timers(*due: float, incident_id: int = 1) -> Writes:
    """One timer for each due time, named by its place."""
    return Writes(
        timers={(incident_id, f"t{i}"): Timer(incident_id, f"t{i}", at) for i, at in enumerate(due)}
    )


def taken(*rule_matches: RuleMatch) -> Writes:
    """Rule matches, each with its alert."""
    return Writes(
        rule_matches={
            (t.fingerprint, t.rule): (t, alert(t.fingerprint, status=t.status))
            for t in rule_matches
        }
    )


def opened(*incidents: Incident) -> Writes:
    return Writes(incidents={i.id: i for i in incidents})

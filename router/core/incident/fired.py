"""A firing alert of an incident, and its data on the timeline."""

from typing import Any

from msgspec import Struct

from router.core.incident.escalation import Decision
from router.core.incident.settings import Settings
from router.core.rules.rule import Judgement, Rule
from router.model.alert import Alert, RuleMatch
from router.model.incident import Severity
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

WARNINGS = having(Trait.UNMEASURED)
"""Judgements whose severity is a guess, because the value is unknown."""


class Fired(Struct, frozen=True):
    """A firing alert of this incident.

    `counted`: the incident already counts it. `fresh`: it's new, and not the firing during which a
    person closed the incident. `incident_id` is the id to open under. `before` is the alert's
    previous match.
    """

    at: float
    alert: Alert
    rule: Rule
    judgement: Judgement
    severity: Severity
    key: str
    counted: bool
    fresh: bool
    incident_id: int
    before: RuleMatch | None = None


def note_alert(
    decision: Decision, event: Fired, what: Reason, settings: Settings, **more: Any
) -> None:
    """Add the alert to the timeline."""
    by = event.alert.by or f"source:{event.alert.source}"
    facts = facts_of(event.alert, event.judgement, event.severity, settings)
    decision.note(event.at, what, by, **facts, **more)


def facts_of(
    alert: Alert, judgement: Judgement, severity: Severity, settings: Settings
) -> dict[str, Any]:
    """The timeline data of a fired alert. An unread value isn't shown as measured."""
    unread = judgement.reason is Reason.VALUE_UNREADABLE
    return {
        "alert": alert.labels.get("alertname", ""),
        "fingerprint": alert.fingerprint,
        "severity": severity,
        "reason": judgement.reason,
        "value": None if unread else judgement.read,
        "threshold": judgement.threshold.text if judgement.threshold and not unread else None,
        "revision": settings.rules.revision,
    }


def warn(decision: Decision, event: Fired) -> None:
    """Note that the severity is the lowest only because the value is unreadable or unmapped."""
    judgement = event.judgement
    if judgement.reason is Reason.VALUE_UNREADABLE:
        data = {
            "alert": event.alert.labels.get("alertname", ""),
            "unread": judgement.read or "nothing",
            "rule": event.rule.name,
        }
        decision.note(event.at, Reason.VALUE_UNREADABLE, **data)
    elif judgement.reason is Reason.SEVERITY_UNMAPPED:
        label = event.rule.severity_from.label if event.rule.severity_from else ""
        found = f"{label}={judgement.read}" if judgement.read else f"an alert without {label}"
        decision.note(
            event.at,
            Reason.SEVERITY_UNMAPPED,
            alert=event.alert.labels.get("alertname", ""),
            label=found,
            rule=event.rule.name,
        )

"""A firing alert: its effect on the incident with its key, and the incident that it opens.

Invariant: alerts open an incident, keep it open and raise its severity. `lifecycle` has the rest.
"""

from typing import Any

from msgspec import Struct

from router.core.deployments.suspect import FARTHEST
from router.core.incident import flapping
from router.core.incident.escalation import notify, run_steps, start_clocks
from router.core.incident.settings import Settings
from router.core.incident.suspects import name_suspect
from router.core.incident.transaction import Decision
from router.core.incident.transitions import inform_stakeholders, publish_by_rule
from router.core.oncall.recipients import Recipients
from router.core.rules.rule import Judgement, Rule
from router.core.text.template import render
from router.core.text.units import Threshold
from router.model.alert import DRILL, MARK, Alert, RuleMatch
from router.model.incident import Incident, Measured, Severity, Status
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

WARNINGS = having(Trait.UNMEASURED)
"""Judgements whose severity is a guess, because the alert's value is unknown."""


class Fired(Struct, frozen=True):
    """A firing alert of this incident.

    `counted`: the incident already counts the alert. `fresh`: the firing is new, not the firing
    during which a person closed the incident. `incident_id` is the id for a new incident. `before`
    is the alert's previous match.
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


# --- the effect


def effect_of(incident: Incident | None, event: Fired, settings: Settings) -> Reason:
    """The effect of the alert on the incident, which is None if none has the key."""
    if incident is None or _is_over(incident, event, settings):
        return Reason.OPENED
    if not incident.is_open:
        return _held(incident, event) or Reason.REOPENED
    # If a person lowered the severity, an alert that was this severe then doesn't raise it again.
    if event.severity.worse_than(incident.severity) and (event.fresh or not event.counted):
        return Reason.SEVERITY_RAISED
    if not event.counted:
        return Reason.JOINED
    if _is_milder(incident, event):
        return Reason.SEVERITY_LOWERED
    return Reason.CHANGED if incident.stale_since is None else Reason.REPORTED_AGAIN


def _is_over(incident: Incident, event: Fired, settings: Settings) -> bool:
    """Check if the incident was closed too long ago to be the same one.

    A false positive is never reopened.
    """
    if incident.closed_at is None:
        return False
    if incident.status is Status.FALSE_POSITIVE:
        return event.fresh
    return event.at - incident.closed_at > settings.reopen_within


def _held(incident: Incident, event: Fired) -> Reason | None:
    """The reason not to reopen the incident: a person closed it during this firing."""
    if event.fresh or not incident.closed_by:
        return None
    return (
        Reason.HELD_FALSE_POSITIVE
        if incident.status is Status.FALSE_POSITIVE
        else Reason.HELD_RESOLVED
    )


def _is_milder(incident: Incident, event: Fired) -> bool:
    """Check if the severity drops with that of its only alert. One set by a person doesn't."""
    follows = (
        event.rule.severity_from is not None
        and event.rule.severity_from.follow
        and incident.firing == 1
        and incident.flapping_since is None
    )
    before = event.before.severity if event.before else None
    return follows and before is incident.severity and incident.severity.worse_than(event.severity)


# --- a new incident


def open_incident(event: Fired, settings: Settings, earlier: Incident | None = None) -> Decision:
    """Open an incident. It continues the earlier incident's count of flaps."""
    at, alert, known = event.at, event.alert, earlier.changes if earlier else ()
    decision = Decision(Reason.OPENED, _new_incident(event, known))
    title = decision.incident.title
    note_alert(
        decision,
        event,
        Reason.OPENED,
        settings,
        title=title.removeprefix(MARK) if alert.source == DRILL else title,
    )
    if settings.deployments.recent:
        name_suspect(decision, at, settings)
    if alert.to:
        notify(decision, at, Reason.OPENED, Recipients(alert.to))
    begin(decision, event, settings)
    if known:
        flapping.count(decision, at, settings)
    return decision


def _new_incident(event: Fired, changes: tuple[float, ...]) -> Incident:
    """The incident with its first alert, after the `changes` of an earlier one."""
    at, alert, rule = event.at, event.alert, event.rule
    return Incident(
        id=event.incident_id,
        key=event.key,
        rule=rule.name,
        source=alert.source,
        title=title_of(event),
        severity=event.severity,
        status=Status.INVESTIGATING,
        opened_at=at,
        updated_at=at,
        policy_since=at,
        severity_since=at,
        news_at=at,
        drill=alert.source == DRILL,
        canary=bool(alert.to),
        labels=alert.labels,
        annotations=alert.annotations,
        url=alert.url,
        runbook=rule.runbook or alert.annotations.get("runbook_url", ""),
        component=rule.component,
        firing=1,
        alerts=1,
        onset=onset_of(at, alert.starts_at),
        measured=worst(None, event.judgement, at),
        changes=changes or ((at,) if rule.flapping.changes and not alert.to else ()),
    )


def onset_of(opened_at: float, starts_at: float) -> float:
    """The onset of an incident whose first alert claims to fire since `starts_at`."""
    return starts_at if opened_at - FARTHEST <= starts_at < opened_at else opened_at


def title_of(event: Fired) -> str:
    """The title by the summary of the rule; a drill's title is marked."""
    alert, rule = event.alert, event.rule
    title = render(
        rule.summary,
        labels=alert.labels,
        annotations=alert.annotations,
        value=event.judgement.value,
        fallback=alert.annotations.get("summary") or alert.labels.get("alertname") or event.key,
    )
    return f"{MARK}{title}" if alert.source == DRILL else title


def begin(decision: Decision, event: Fired, settings: Settings) -> None:
    """Start to escalate an incident that opens or reopens."""
    run_steps(decision, event.at, decision.reason, settings)
    start_clocks(decision, event.at, settings)
    if settings.plan_of(decision.incident).stakeholders:
        inform_stakeholders(decision, event.at, settings)
    if event.rule.public:
        publish_by_rule(decision, event.at, settings)


# --- the alert's data


def note_alert(
    decision: Decision, event: Fired, what: Reason, settings: Settings, **more: Any
) -> None:
    """Add the alert to the timeline, with a warning if its severity is a guess."""
    by = event.alert.by or f"source:{event.alert.source}"
    facts = facts_of(event.alert, event.judgement, event.severity, settings)
    decision.note(event.at, what, by, **facts, **more)
    if event.judgement.reason in WARNINGS:
        warn(decision, event)


def facts_of(
    alert: Alert, judgement: Judgement, severity: Severity, settings: Settings
) -> dict[str, Any]:
    """The timeline data of a fired alert. Unreadable values aren't shown as measured."""
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
    """Warn that the severity is only the lowest because the value is unreadable or unmapped."""
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


def worst(known: Measured | None, judgement: Judgement, at: float) -> Measured | None:
    """The worst value: the known one, or the alert's current one."""
    threshold, value = judgement.threshold, judgement.value
    if threshold is None or value is None:
        return known
    if known is not None and not _is_past(threshold, value, known.value):
        return known
    return Measured(value, judgement.read or "", threshold.text, at)


def _is_past(threshold: Threshold, value: float, known: float) -> bool:
    if threshold.op[0] == "<":
        return value < known
    return value > known if threshold.op[0] == ">" else value != known

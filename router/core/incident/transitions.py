"""Changes of an incident that several kinds of event share: severity, close, publish."""

from typing import Any

from msgspec.structs import replace

from router.core.incident import flapping
from router.core.incident.escalation import (
    CLOCKS,
    SNOOZE,
    STEP,
    run_steps,
    start_clocks,
    stop_reaching,
)
from router.core.incident.follow_up import call_for_postmortem
from router.core.incident.settings import Settings
from router.core.incident.transaction import Decision
from router.model.incident import Incident, Severity, Status
from router.model.reason import Reason

RESOLVE = "resolve"


def later(incident: Incident, at: float, **changes: Any) -> Incident:
    """The incident with these changes, updated at `at`."""
    return replace(incident, updated_at=at, **changes)


def set_severity(
    decision: Decision,
    severity: Severity,
    at: float,
    settings: Settings,
    /,  # `data` may contain a severity, too
    *,
    by: str = "",
    **data: Any,
) -> None:
    """Start the policy of the severity from now; an acknowledgement stays valid.

    `decision.reason` is the reason.
    """
    incident = decision.incident
    data |= {"from": incident.severity, "severity": severity}
    decision.incident = later(
        incident,
        at,
        severity=severity,
        policy_since=at,
        step=0,
        repeats=0,
        severity_since=at,
        spent=0.0,
        muted=None,
        snoozed_until=None,
    )
    decision.note(at, decision.reason, by, **data)
    decision.queue(at, decision.reason, incident.notified)
    stop_reaching(decision)
    decision.timers_cleared += [SNOOZE, *CLOCKS] if incident.snoozed_until else CLOCKS
    run_steps(decision, at, decision.reason, settings)
    start_clocks(decision, at, settings)
    inform_stakeholders(decision, at, settings)
    if severity is Severity.P0:
        flapping.end(decision, at, "each change of a P0 is reported")


def close(
    decision: Decision,
    at: float,
    status: Status,
    settings: Settings,
    /,
    *,
    by: str = "",
    **data: Any,
) -> None:
    """Close an open incident.

    If a person closes the incident while an alert fires, the alert still belongs to it, and is
    evaluated with its next report.
    """
    incident = decision.incident
    decision.change(
        status=status,
        closed_at=at,
        closed_by=by,
        firing=incident.firing if by else 0,
        quiet_since=None,
        muted=None,
        snoozed_until=None,
        stale_since=None,
        spent=incident.spent + at - incident.severity_since,
    )
    decision.detached = bool(by)
    snooze = (SNOOZE,) if incident.snoozed_until else ()
    decision.timers_cleared += [RESOLVE, STEP, *snooze, *CLOCKS]
    stop_reaching(decision)
    flapping.end(decision, at, "the incident is over")
    decision.note(at, decision.reason, by, **data)
    decision.queue(at, decision.reason, incident.notified)
    inform_stakeholders(decision, at, settings)
    if status is Status.RESOLVED:
        call_for_postmortem(decision, at, settings)
    # Publish without approval: the incident was published before, and the outage is over.
    if incident.public_title:
        publish(decision, at, settings, by=by)


def inform_stakeholders(decision: Decision, at: float, settings: Settings) -> None:
    """Notify each stakeholder once. Stakeholders follow the incident but don't work on it."""
    incident = decision.incident
    stakeholders = settings.plan_of(incident).stakeholders
    if not stakeholders:
        return
    reached = settings.people.reach(stakeholders, incident.severity, at)
    queued = {message.channel for message in decision.queued}
    addresses = [address for address in reached.addresses if address not in queued]
    decision.annotate(decision.reason, stakeholders=addresses)
    decision.queue(at, decision.reason, addresses)


def publish(  # noqa: PLR0913 - each is a different fact about one change
    decision: Decision,
    at: float,
    settings: Settings,
    *,
    by: str = "",
    text: str = "",
    title: str = "",
) -> None:
    """Publish an update, with the template's text for missing parts."""
    incident = decision.incident
    title, text = _public_words(incident, at, settings, text=text, title=title)
    since = at if incident.published_at is None else incident.published_at
    decision.change(
        public_title=title, public_text=text, public_status=incident.status, published_at=since
    )
    decision.note(
        at,
        Reason.PUBLISHED,
        by,
        text=text,
        title=title,
        status=incident.status,
        component=incident.component,
    )
    decision.queue(at, Reason.PUBLISHED, settings.public)


def _public_words(
    incident: Incident, at: float, settings: Settings, *, text: str, title: str
) -> tuple[str, str]:
    """Return the public title and text; the template's where they are missing."""
    template = settings.wording.update(incident, at)
    return title or incident.public_title or template.subject, text or template.text


def is_published(
    incident: Incident, at: float, settings: Settings, *, text: str, title: str
) -> bool:
    """Return whether the latest public update has this title, text and status already."""
    words = _public_words(incident, at, settings, text=text, title=title)
    known = (incident.public_title, incident.public_text, incident.public_status)
    return known == (*words, incident.status)


def publish_by_rule(decision: Decision, at: float, settings: Settings) -> None:
    """Publish the incident's state, if its rule needs no approval."""
    incident = decision.incident
    if settings.rules.named(incident.rule).public and not incident.drill:
        publish(decision, at, settings)

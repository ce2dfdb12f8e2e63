"""The life of one incident: `decide(incident, event, settings)` says what becomes of it.

The law: an incident is open or closed. Alerts open it, hold it open and raise its severity; only quiet or a person
closes it, and only a person lowers its severity. An open incident nobody has answered always has a next step
due, or an entry that says the steps have ended. An event that comes too late changes nothing, and says so.
"""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from router.core.action import TIMER, act, action_due
from router.core.escalation import REACH, STEP, Decision, run_steps, stop_reaching, tell, try_next_ways
from router.core.reach import Reached
from router.core.rule import Judgement, Rule
from router.core.settings import Settings
from router.core.template import render
from router.model.alert import Alert
from router.model.decision import Timer
from router.model.event import (
    ActionAnswered,
    ActionEvent,
    ActionRan,
    ActionRequested,
    Command,
    Commanded,
    Recorded,
    Resent,
    TimerDue,
)
from router.model.incident import Incident, Severity, Status
from router.model.reason import Reason

RESOLVE = "resolve"


class Fired(Struct, frozen=True):
    """An alert fires that belongs to this incident.

    `counted`: the incident counts it already. `fresh`: it's news, and not the same firing as somebody has answered
    by closing the incident. `incident_id` is the id to open under.
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


class Cleared(Struct, frozen=True):
    """An alert that the incident counts fires no more, or no more for this rule."""

    at: float
    fingerprint: str
    reason: Reason
    resolve_after: float


class DeliveryFailed(Struct, frozen=True):
    """A channel hasn't taken its message for too long, or never will. `reason` is why it was owed."""

    at: float
    channel: str
    reason: Reason


PAGES = frozenset({Reason.STEP_DUE, Reason.NEXT_WAY, Reason.ESCALATED})
"""Why a message may be owed to few of those who were told of the incident."""

IncidentEvent = Fired | Cleared | Commanded | TimerDue | DeliveryFailed | Resent | Recorded | ActionEvent


def decide(incident: Incident | None, event: IncidentEvent, settings: Settings) -> Decision:
    """What becomes of `incident`, which is None while there's none of that key, when `event` happens to it."""
    match event:
        case Fired():
            return _fired(incident, event, settings)
        case _ if incident is None:
            return Decision(Reason.UNKNOWN_INCIDENT)
        case Cleared():
            return _cleared(incident, event, settings)
        case Commanded():
            return _commanded(incident, event, settings)
        case ActionRequested() | ActionAnswered() | ActionRan():
            return act(incident, event, settings)
        case TimerDue():
            return _timer_due(incident, event, settings)
        case DeliveryFailed():
            return _delivery_failed(incident, event, settings)
        case Resent():
            return _resent(incident, event)
        case Recorded():
            return _recorded(incident, event, settings)


# --- alerts


def _fired(incident: Incident | None, event: Fired, settings: Settings) -> Decision:
    if incident is None or _is_over(incident, event, settings):
        return _open(event, settings)
    if not incident.is_open:
        held = _held(incident, event)
        return Decision(held) if held else _reopen(incident, event, settings)
    decision = Decision(Reason.CHANGED)
    if not event.counted:
        decision = _join(incident, event, settings)
    # One that was as bad already when a person lowered the severity doesn't overrule them.
    if event.severity.worse_than(incident.severity) and (event.fresh or not event.counted):
        _raise_severity(decision, decision.incident or incident, event, settings)
    return decision


def _is_over(incident: Incident, event: Fired, settings: Settings) -> bool:
    """Is it too long closed to be the same incident? A false positive is never reopened."""
    if incident.closed_at is None:
        return False
    if incident.status is Status.FALSE_POSITIVE:
        return event.fresh
    return event.at - incident.closed_at > settings.reopen_within


def _held(incident: Incident, event: Fired) -> Reason | None:
    """Somebody closed the incident over this very firing: why it doesn't come back, if so."""
    if event.fresh or not incident.closed_by:
        return None
    return Reason.HELD_FALSE_POSITIVE if incident.status is Status.FALSE_POSITIVE else Reason.HELD_RESOLVED


def _open(event: Fired, settings: Settings) -> Decision:
    alert, rule = event.alert, event.rule
    fallback = alert.annotations.get("summary") or alert.labels.get("alertname") or event.key
    title = render(
        rule.summary,
        labels=alert.labels,
        annotations=alert.annotations,
        value=event.judgement.value,
        fallback=fallback,
    )
    incident = Incident(
        id=event.incident_id,
        key=event.key,
        rule=rule.name,
        source=alert.source,
        title=title,
        severity=event.severity,
        status=Status.INVESTIGATING,
        opened_at=event.at,
        updated_at=event.at,
        policy_since=event.at,
        labels=alert.labels,
        annotations=alert.annotations,
        url=alert.url,
        runbook=rule.runbook or alert.annotations.get("runbook_url", ""),
        component=rule.component,
        firing=1,
        alerts=1,
    )
    decision = Decision(Reason.OPENED, incident)
    decision.note(event.at, Reason.OPENED, _by(alert), **_facts(event), title=title)
    run_steps(decision, event.at, Reason.OPENED, settings)
    return decision


def _reopen(incident: Incident, event: Fired, settings: Settings) -> Decision:
    worse = event.severity if event.severity.worse_than(incident.severity) else incident.severity
    reopened = replace(
        incident,
        severity=worse,
        status=Status.INVESTIGATING,
        updated_at=event.at,
        policy_since=event.at,
        step=0,
        firing=1,
        alerts=incident.alerts + 1,
        quiet_since=None,
        acknowledged_at=None,
        acknowledged_by="",
        closed_at=None,
        closed_by="",
        reopened=incident.reopened + 1,
    )
    decision = Decision(Reason.REOPENED, reopened)
    decision.note(event.at, Reason.REOPENED, _by(event.alert), **_facts(event))
    decision.owe(event.at, Reason.REOPENED, incident.told)
    run_steps(decision, event.at, Reason.REOPENED, settings)
    return decision


def _join(incident: Incident, event: Fired, settings: Settings) -> Decision:
    joined = _next(incident, event.at, firing=incident.firing + 1, alerts=incident.alerts + 1, quiet_since=None)
    decision = Decision(Reason.JOINED, joined)
    decision.note(event.at, Reason.JOINED, _by(event.alert), **_facts(event))
    if incident.quiet_since is not None:
        decision.timers_cleared.append(RESOLVE)
    decision.owe(event.at, Reason.JOINED, _edited(joined, settings))
    return decision


def _raise_severity(decision: Decision, incident: Incident, event: Fired, settings: Settings) -> None:
    """The policy of the worse severity starts over from now; an acknowledgement stands."""
    decision.reason = Reason.SEVERITY_RAISED
    _set_severity(decision, incident, event.severity, event.at, settings, **_facts(event))


def _cleared(incident: Incident, event: Cleared, settings: Settings) -> Decision:
    if not incident.is_open:
        return Decision(Reason.ALREADY_CLOSED)
    firing = max(0, incident.firing - 1)
    decision = Decision(Reason.CLEARED, _next(incident, event.at, firing=firing))
    decision.note(event.at, Reason.CLEARED, fingerprint=event.fingerprint, reason=event.reason, firing=firing)
    if firing:
        decision.owe(event.at, Reason.CLEARED, _edited(incident, settings))
    elif event.resolve_after > 0:
        assert decision.incident is not None
        decision.incident = replace(decision.incident, quiet_since=event.at)
        decision.timers.append(Timer(incident.id, RESOLVE, event.at + event.resolve_after))
        decision.note(event.at, Reason.QUIET, resolve_after=event.resolve_after)
        decision.owe(event.at, Reason.QUIET, _edited(incident, settings))
    else:
        _close(decision, event.at, Status.RESOLVED, Reason.RESOLVED, "")
    return decision


# --- people


def _commanded(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    if event.reopened is not None and event.reopened != incident.reopened:
        return _too_late(incident, event, Reason.COMMAND_OUTDATED)
    if event.command is Command.NOTE:
        return _noted(incident, event, settings)
    if not incident.is_open:
        return _too_late(incident, event, Reason.ALREADY_CLOSED)
    match event.command:
        case Command.ACKNOWLEDGE:
            return _acknowledged(incident, event)
        case Command.ESCALATE:
            return _escalated(incident, event, settings)
        case Command.SEVERITY:
            return _severity_set(incident, event, settings)
        case Command.RESOLVE:
            status, reason = Status.RESOLVED, Reason.RESOLVED_BY_PERSON
        case Command.FALSE_POSITIVE:
            status, reason = Status.FALSE_POSITIVE, Reason.FALSE_POSITIVE
    decision = Decision(reason, _next(incident, event.at))
    _close(decision, event.at, status, reason, event.by, text=event.text)
    return decision


def _too_late(incident: Incident, event: Commanded, reason: Reason) -> Decision:
    """Nothing changes, and the timeline says who tried."""
    decision = Decision(reason, _next(incident, event.at))
    decision.note(event.at, reason, event.by, command=event.command)
    return decision


def _noted(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    decision = Decision(Reason.NOTED, _next(incident, event.at))
    decision.note(event.at, Reason.NOTED, event.by, text=event.text)
    decision.owe(event.at, Reason.NOTED, _edited(incident, settings))
    return decision


def _acknowledged(incident: Incident, event: Commanded) -> Decision:
    if incident.acknowledged_at is not None:
        return _too_late(incident, event, Reason.ALREADY_DONE)
    acknowledged = _next(
        incident, event.at, acknowledged_at=event.at, acknowledged_by=event.by, lead=incident.lead or event.by
    )
    decision = Decision(Reason.ACKNOWLEDGED, acknowledged)
    stop_reaching(decision)
    decision.note(event.at, Reason.ACKNOWLEDGED, event.by, text=event.text)
    decision.owe(event.at, Reason.ACKNOWLEDGED, incident.told)
    return decision


def _escalated(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    """Whoever answers can't see to it: an acknowledgement is void, and the policy runs ahead to its next step."""
    steps = settings.policy(incident.severity).steps
    if incident.step >= len(steps):
        return _too_late(incident, event, Reason.ALREADY_DONE)
    since = min(incident.policy_since, event.at - steps[incident.step].after)
    escalated = _next(incident, event.at, policy_since=since, acknowledged_at=None, acknowledged_by="", lead="")
    decision = Decision(Reason.ESCALATED, escalated)
    decision.note(event.at, Reason.ESCALATED, event.by, text=event.text)
    decision.owe(event.at, Reason.ESCALATED, _edited(incident, settings))
    run_steps(decision, event.at, Reason.STEP_DUE, settings)
    return decision


def _severity_set(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    assert event.severity is not None, "the edge requires it"
    if event.severity is incident.severity:
        return _too_late(incident, event, Reason.ALREADY_DONE)
    decision = Decision(Reason.SEVERITY_SET)
    _set_severity(decision, incident, event.severity, event.at, settings, by=event.by, text=event.text)
    return decision


# --- time, and deliveries


def _timer_due(incident: Incident, event: TimerDue, settings: Settings) -> Decision:
    if event.name.startswith(TIMER):
        return action_due(incident, event, settings)
    since = incident.quiet_since if event.name == RESOLVE else incident.policy_since
    # It may have been claimed just before what it was set for was over, or began anew.
    if not incident.is_open or since is None or event.due_at <= since:
        return Decision(Reason.TIMER_OUTDATED)
    if event.name == RESOLVE:
        decision = Decision(Reason.RESOLVED, _next(incident, event.at))
        _close(decision, event.at, Status.RESOLVED, Reason.RESOLVED, "")
        return decision
    if event.name == REACH:
        decision = Decision(Reason.NEXT_WAY, _next(incident, event.at))
        try_next_ways(decision, event.at)
        return decision
    decision = Decision(Reason.STEP_DUE, _next(incident, event.at))
    run_steps(decision, event.at, Reason.STEP_DUE, settings)
    return decision


def _delivery_failed(incident: Incident, event: DeliveryFailed, settings: Settings) -> Decision:
    policy = settings.policy(incident.severity)
    # Whoever has been told hears what everybody hears. But a page went to few, and somebody has to know that it's lost.
    knowing = (event.channel,) if event.reason in PAGES else incident.told
    reached = settings.people.reach(policy.fallback, incident.severity, event.at).without(knowing)
    if reached == Reached():
        return Decision(Reason.DELIVERY_FAILED)
    decision = Decision(Reason.FALLBACK, _next(incident, event.at))
    decision.note(event.at, Reason.FALLBACK, channel=event.channel, channels=list(reached.addresses))
    tell(decision, event.at, Reason.FALLBACK, reached)
    return decision


def _resent(incident: Incident, event: Resent) -> Decision:
    decision = Decision(Reason.RESENT, _next(incident, event.at))
    decision.note(event.at, Reason.RESENT, event.by, channel=event.channel)
    decision.owe(event.at, Reason.RESENT, (event.channel,))
    return decision


def _recorded(incident: Incident, event: Recorded, settings: Settings) -> Decision:
    decision = Decision(event.what, _next(incident, event.at))
    decision.note(event.at, event.what, event.by, **event.data)
    decision.owe(event.at, event.what, _edited(incident, settings))
    return decision


# --- what several of them do


def _next(incident: Incident, at: float, **changes: Any) -> Incident:
    return replace(incident, updated_at=at, **changes)


def _by(alert: Alert) -> str:
    return alert.by or f"source:{alert.source}"


def _facts(event: Fired) -> dict[str, Any]:
    """What the timeline keeps of an alert that fired."""
    judgement = event.judgement
    return {
        "alert": event.alert.labels.get("alertname", ""),
        "fingerprint": event.alert.fingerprint,
        "severity": event.severity,
        "reason": judgement.reason,
        "value": judgement.read,
        "threshold": judgement.threshold.text if judgement.threshold else None,
    }


def _edited(incident: Incident, settings: Settings) -> tuple[str, ...]:
    """The channels that hear of every change, since they edit what they said."""
    return tuple(channel for channel in incident.told if channel in settings.edited)


def _set_severity(  # noqa: PLR0913 - each is a different fact about one change
    decision: Decision,
    incident: Incident,
    severity: Severity,
    at: float,
    settings: Settings,
    /,  # `data` has a severity, too
    *,
    by: str = "",
    **data: Any,
) -> None:
    data |= {"from": incident.severity, "severity": severity}
    decision.incident = _next(incident, at, severity=severity, policy_since=at, step=0)
    decision.note(at, decision.reason, by, **data)
    decision.owe(at, decision.reason, incident.told)
    stop_reaching(decision)
    run_steps(decision, at, decision.reason, settings)


def _close(decision: Decision, at: float, status: Status, reason: Reason, by: str, **data: Any) -> None:
    """An open incident ends. What it counted counts no more: those alerts are looked at afresh when they repeat."""
    assert decision.incident is not None
    decision.incident = replace(
        decision.incident, status=status, closed_at=at, closed_by=by, firing=0, quiet_since=None
    )
    decision.detached = bool(by)
    decision.timers_cleared += [RESOLVE, STEP]
    stop_reaching(decision)
    decision.note(at, reason, by, **data)
    decision.owe(at, reason, decision.incident.told)

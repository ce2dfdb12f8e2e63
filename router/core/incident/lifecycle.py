"""The life of one incident: `decide(incident, event, settings)` says what becomes of it.

The law: an incident is open or closed. Alerts open it, hold it open and raise its severity; only
quiet or a person closes it, and only a person lowers its severity. An open incident nobody has
answered always has a next step due, or an entry that says the steps have ended. An event that comes
too late changes nothing, and says so.
"""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from router.core.deployments.suspect import began
from router.core.incident.actions import TIMER, act, action_due
from router.core.incident.commands import commanded
from router.core.incident.escalation import (
    PAGING,
    PROMOTE,
    REACH,
    REMIND,
    RESPOND,
    STEP,
    Decision,
    edited,
    go_on,
    promotion_due,
    remind,
    resume,
    run_steps,
    start_clocks,
    tell,
    try_next_ways,
)
from router.core.incident.follow_up import (
    call_off_postmortem,
    is_follow_up,
    item_put,
    postmortem_shared,
    reminded,
)
from router.core.incident.policy import Unless
from router.core.incident.settings import Settings
from router.core.incident.suppression import Suppression
from router.core.incident.suspects import deployed, name_suspect
from router.core.incident.transitions import (
    RESOLVE,
    close,
    inform_stakeholders,
    later,
    publish_by_rule,
    set_severity,
)
from router.core.oncall.duty import recorded
from router.core.oncall.recipients import Recipients
from router.core.rules.rule import Judgement, Rule
from router.core.text.template import render
from router.model.alert import MARK, Alert
from router.model.decision import Timer
from router.model.event import (
    ActionEvent,
    Commanded,
    Deployed,
    FollowUp,
    ItemPut,
    PostMortemShared,
    Recorded,
    Resent,
    TimerDue,
)
from router.model.incident import Incident, Severity, Status
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having


class Fired(Struct, frozen=True):
    """An alert fires that belongs to this incident.

    `counted`: the incident counts it already. `fresh`: it's news, and not the same firing as
    somebody has answered by closing the incident. `incident_id` is the id to open under.
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
    """A channel hasn't taken its message for too long, or never will.

    `reason` is why it was owed.
    """

    at: float
    channel: str
    reason: Reason


class Muted(Struct, frozen=True):
    """A deadline has come by which somebody would be paged, while every alert of the incident is
    kept quiet.
    """

    due: TimerDue
    by: Suppression


PAGES = having(Trait.PAGES)
"""Why a message may be owed to few of those who were told of the incident."""

AroundIt = DeliveryFailed | Resent | Recorded | Deployed
IncidentEvent = Fired | Cleared | Commanded | TimerDue | Muted | AroundIt | ActionEvent | FollowUp


def decide(  # noqa: C901 - a case for each kind of event
    incident: Incident | None, event: IncidentEvent, settings: Settings
) -> Decision:
    """What becomes of `incident`, which is None while there's none of that key, when `event`
    happens to it.
    """
    match event:
        case Fired():
            return _fired(incident, event, settings)
        case _ if incident is None:
            return Decision(Reason.UNKNOWN_INCIDENT)
        case Cleared():
            return _cleared(incident, event, settings)
        case Commanded():
            return commanded(incident, event, settings)
        case Deployed():
            return deployed(incident, event, settings)
        case TimerDue() | Muted():
            return _timer_due(incident, event, settings)
        case DeliveryFailed():
            return _delivery_failed(incident, event, settings)
        case Resent():
            return _resent(incident, event)
        case Recorded():
            return _recorded(incident, event, settings)
        case PostMortemShared():
            return postmortem_shared(incident, event, settings)
        case ItemPut():
            return item_put(incident, event, settings)
        case _:
            return act(incident, event, settings)


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
    return (
        Reason.HELD_FALSE_POSITIVE
        if incident.status is Status.FALSE_POSITIVE
        else Reason.HELD_RESOLVED
    )


def _title(event: Fired) -> str:
    alert = event.alert
    fallback = alert.annotations.get("summary") or alert.labels.get("alertname") or event.key
    return render(
        event.rule.summary,
        labels=alert.labels,
        annotations=alert.annotations,
        value=event.judgement.value,
        fallback=fallback,
    )


def _open(event: Fired, settings: Settings) -> Decision:
    alert, rule = event.alert, event.rule
    title, drill = _title(event), alert.is_drill
    incident = Incident(
        id=event.incident_id,
        key=event.key,
        rule=rule.name,
        source=alert.source,
        title=f"{MARK}{title}" if drill else title,
        severity=event.severity,
        status=Status.INVESTIGATING,
        opened_at=event.at,
        updated_at=event.at,
        policy_since=event.at,
        severity_since=event.at,
        news_at=event.at,
        drill=drill,
        canary=bool(alert.to),
        labels=alert.labels,
        annotations=alert.annotations,
        url=alert.url,
        runbook=rule.runbook or alert.annotations.get("runbook_url", ""),
        component=rule.component,
        firing=1,
        alerts=1,
        onset=began(event.at, alert.starts_at),
    )
    decision = Decision(Reason.OPENED, incident)
    decision.note(event.at, Reason.OPENED, _by(alert), **_facts(event, settings), title=title)
    name_suspect(decision, event.at, settings)
    tell(decision, event.at, Reason.OPENED, Recipients(alert.to))
    run_steps(decision, event.at, Reason.OPENED, settings)
    _begin(decision, event.at, settings)
    return decision


def _begin(decision: Decision, at: float, settings: Settings) -> None:
    """An incident is open, for the first time or again."""
    start_clocks(decision, at, settings)
    inform_stakeholders(decision, at, settings)
    publish_by_rule(decision, at, settings)


def _reopen(incident: Incident, event: Fired, settings: Settings) -> Decision:
    worse = event.severity.worse_than(incident.severity)
    reopened = replace(
        incident,
        severity=event.severity if worse else incident.severity,
        severity_since=event.at,
        spent=0.0 if worse else incident.spent,
        repeats=0,
        news_at=event.at,
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
        announced_at=None,
        reopened=incident.reopened + 1,
    )
    decision = Decision(Reason.REOPENED, reopened)
    call_off_postmortem(decision)
    decision.note(event.at, Reason.REOPENED, _by(event.alert), **_facts(event, settings))
    decision.owe(event.at, Reason.REOPENED, incident.told)
    run_steps(decision, event.at, Reason.REOPENED, settings)
    _begin(decision, event.at, settings)
    return decision


def _join(incident: Incident, event: Fired, settings: Settings) -> Decision:
    joined = later(
        incident, event.at, firing=incident.firing + 1, alerts=incident.alerts + 1, quiet_since=None
    )
    decision = Decision(Reason.JOINED, joined)
    decision.note(event.at, Reason.JOINED, _by(event.alert), **_facts(event, settings))
    if incident.quiet_since is not None:
        decision.timers_cleared.append(RESOLVE)
    decision.owe(event.at, Reason.JOINED, edited(joined, settings))
    return decision


def _raise_severity(
    decision: Decision, incident: Incident, event: Fired, settings: Settings
) -> None:
    """The policy of the worse severity starts over from now; an acknowledgement stands."""
    decision.reason = Reason.SEVERITY_RAISED
    title = f"{MARK}{_title(event)}" if incident.drill else _title(event)
    retitled = replace(incident, title=title, first_title=incident.first_title or incident.title)
    set_severity(decision, retitled, event.severity, event.at, settings, **_facts(event, settings))


def _cleared(incident: Incident, event: Cleared, settings: Settings) -> Decision:
    if not incident.is_open:
        return Decision(Reason.ALREADY_CLOSED)
    firing = max(0, incident.firing - 1)
    decision = Decision(Reason.CLEARED, later(incident, event.at, firing=firing))
    decision.note(
        event.at, Reason.CLEARED, fingerprint=event.fingerprint, reason=event.reason, firing=firing
    )
    if firing:
        decision.owe(event.at, Reason.CLEARED, edited(incident, settings))
    elif event.resolve_after > 0:
        assert decision.incident is not None
        decision.incident = replace(decision.incident, quiet_since=event.at)
        decision.timers.append(Timer(incident.id, RESOLVE, event.at + event.resolve_after))
        decision.note(event.at, Reason.QUIET, resolve_after=event.resolve_after)
        decision.owe(event.at, Reason.QUIET, edited(incident, settings))
    else:
        decision.reason = Reason.RESOLVED
        close(decision, event.at, Status.RESOLVED, settings)
    return decision


# --- time, and deliveries


def _is_outdated(incident: Incident, timer: TimerDue) -> bool:
    """It may have been claimed just before what it was set for was over, or began anew."""
    if not incident.is_open:
        return True
    if timer.name == PROMOTE or (
        timer.name == REACH and any(when <= timer.at for when, _ in incident.reaching)
    ):
        return False
    of_policy = incident.policy_since if timer.name in {STEP, REACH} else incident.severity_since
    since = incident.quiet_since if timer.name == RESOLVE else of_policy
    return since is None or timer.due_at <= since


def _hold_back(incident: Incident, event: Muted) -> Decision:
    """The deadline is put off. What holds it back is on the timeline once."""
    due, by = event.due, event.by
    if _is_outdated(incident, due):
        return Decision(Reason.TIMER_OUTDATED)
    muted = (by.reason, by.by)
    decision = Decision(by.reason, later(incident, due.at, muted=muted))
    decision.set_timer(due.name, by.until)
    if muted != incident.muted:
        decision.note(due.at, by.reason, name=by.by, pages="nobody is paged")
    return decision


def _timer_due(incident: Incident, event: TimerDue | Muted, settings: Settings) -> Decision:
    if isinstance(event, Muted):
        return _hold_back(incident, event)
    if event.name.startswith(TIMER):
        return action_due(incident, event, settings)
    if is_follow_up(event.name):
        return reminded(incident, event, settings)
    if _is_outdated(incident, event):
        return Decision(Reason.TIMER_OUTDATED)
    decision = Decision(Reason.TIMER_OUTDATED, later(incident, event.at))
    if incident.muted and event.name in PAGING:
        resume(decision, event, settings)
    _TIMERS[event.name](decision, event.at, settings)
    return decision if decision.entries or decision.timers else Decision(decision.reason)


def _stayed_quiet(decision: Decision, at: float, settings: Settings) -> None:
    decision.reason = Reason.RESOLVED
    close(decision, at, Status.RESOLVED, settings)


def _next_way(decision: Decision, at: float, _settings: Settings) -> None:
    decision.reason = Reason.NEXT_WAY
    try_next_ways(decision, at)


def _promote(decision: Decision, at: float, settings: Settings) -> None:
    """It has been open for too long to be no worse than it was."""
    incident = decision.changed
    policy = settings.policy_of(incident)
    due_at = promotion_due(incident, policy)
    if due_at is None or policy.promote is None:
        return  # the config has changed
    if at < due_at:
        decision.set_timer(PROMOTE, due_at)
    elif policy.promote.unless is Unless.ACKNOWLEDGED and incident.acknowledged_at is not None:
        decision.reason = Reason.STEP_SKIPPED
        decision.note(at, Reason.STEP_SKIPPED, to=policy.promote.to)
    else:
        decision.reason = Reason.PROMOTED
        set_severity(decision, incident, policy.promote.to, at, settings)


def _respond(decision: Decision, at: float, settings: Settings) -> None:
    """The time in which somebody was to acknowledge is over."""
    incident = decision.changed
    if incident.acknowledged_at is None:
        decision.reason = Reason.RESPONSE_OVERDUE
        decision.note(at, Reason.RESPONSE_OVERDUE, severity=incident.severity)
        decision.owe(at, Reason.RESPONSE_OVERDUE, edited(incident, settings))


_TIMERS = {
    RESOLVE: _stayed_quiet,
    STEP: go_on,
    REACH: _next_way,
    PROMOTE: _promote,
    RESPOND: _respond,
    REMIND: remind,
}
"""What each timer leads to."""


def _delivery_failed(incident: Incident, event: DeliveryFailed, settings: Settings) -> Decision:
    policy = settings.policy_of(incident)
    # Whoever has been told hears what everybody hears. But a page went to few, and somebody has to
    # know that it's lost.
    knowing = (event.channel,) if event.reason in PAGES else incident.told
    reached = settings.people.reach(policy.fallback, incident.severity, event.at).without(knowing)
    if reached == Recipients():
        return Decision(Reason.DELIVERY_FAILED)
    decision = Decision(Reason.FALLBACK, later(incident, event.at))
    decision.note(
        event.at,
        Reason.FALLBACK,
        channel=event.channel,
        channels=list(reached.addresses),
        policy=policy.name,
        duties=recorded(settings.people, policy.fallback, event.at),
    )
    tell(decision, event.at, Reason.FALLBACK, reached)
    return decision


def _resent(incident: Incident, event: Resent) -> Decision:
    decision = Decision(Reason.RESENT, later(incident, event.at))
    decision.note(event.at, Reason.RESENT, event.by, channel=event.channel)
    decision.owe(event.at, Reason.RESENT, (event.channel,))
    return decision


def _recorded(incident: Incident, event: Recorded, settings: Settings) -> Decision:
    decision = Decision(event.what, later(incident, event.at))
    decision.note(event.at, event.what, event.by, **event.data)
    decision.owe(event.at, event.what, edited(incident, settings))
    return decision


# --- what several of them do


def _by(alert: Alert) -> str:
    return alert.by or f"source:{alert.source}"


def _facts(event: Fired, settings: Settings) -> dict[str, Any]:
    """What the timeline keeps of an alert that fired, and by which rules it was judged."""
    judgement = event.judgement
    return {
        "alert": event.alert.labels.get("alertname", ""),
        "fingerprint": event.alert.fingerprint,
        "severity": event.severity,
        "reason": judgement.reason,
        "value": judgement.read,
        "threshold": judgement.threshold.text if judgement.threshold else None,
        "revision": settings.rules.revision,
    }

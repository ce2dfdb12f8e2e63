"""The deadlines of an incident: what each does when due, and what delays it.

An outdated deadline changes nothing: it was claimed just before it was cancelled or set anew.
"""

from msgspec import Struct

from router.core.incident.actions import TIMER, action_due
from router.core.incident.escalation import (
    PAGING,
    PROMOTE,
    REACH,
    REMIND,
    RESPOND,
    SNOOZE,
    STEP,
    edited,
    go_on,
    promotion_due,
    remind,
    resume,
    try_next_methods,
)
from router.core.incident.expiry import HELD_FOR, puts_off
from router.core.incident.flapping import SETTLE, is_over, settle
from router.core.incident.follow_up import is_follow_up, reminded
from router.core.incident.policy import Unless
from router.core.incident.settings import Settings
from router.core.incident.suppression import Suppression
from router.core.incident.transaction import Decision
from router.core.incident.transitions import RESOLVE, close, later, set_severity
from router.core.incident.undo import wake
from router.model.event import TimerDue
from router.model.incident import Incident, Status
from router.model.reason import Reason


class Muted(Struct, frozen=True):
    """A deadline that pages people is due while the incident is muted."""

    due: TimerDue
    by: Suppression


_PAUSED = frozenset({*PAGING, RESPOND, REMIND})
"""The deadlines that a snooze delays."""


def timer_due(incident: Incident, event: TimerDue | Muted, settings: Settings) -> Decision | Reason:
    """Run the deadline, or delay it."""
    if isinstance(event, Muted):
        return _hold_back(incident, event)
    if event.name.startswith(TIMER):
        return action_due(incident, event, settings)
    if is_follow_up(event.name):
        return reminded(incident, event, settings)
    if _is_outdated(incident, event):
        return Reason.TIMER_OUTDATED
    if by := _pause(incident, event):
        return _hold_back(incident, Muted(event, by))
    decision = Decision(Reason.TIMER_OUTDATED, later(incident, event.at))
    if incident.muted and event.name in PAGING:
        resume(decision, event, settings)
    _TIMERS[event.name](decision, event.at, settings)
    return decision if decision.entries or decision.timers else decision.reason


def _is_outdated(incident: Incident, timer: TimerDue) -> bool:
    if not incident.is_open:
        return True
    if timer.name == SETTLE:
        return is_over(incident, timer.due_at)
    if timer.name in {PROMOTE, SNOOZE} or (
        timer.name == REACH and any(when <= timer.at for when, _ in incident.reaching)
    ):
        return False
    of_policy = incident.policy_since if timer.name in {STEP, REACH} else incident.severity_since
    since = incident.quiet_since if timer.name == RESOLVE else of_policy
    return since is None or timer.due_at <= since


def _pause(incident: Incident, event: TimerDue) -> Suppression | None:
    """The snooze or lack of reports that delays the deadline."""
    until = incident.snoozed_until
    if until is not None and event.at < until and event.name in _PAUSED:
        name = incident.muted[1] if incident.muted and incident.muted[0] is Reason.SNOOZED else ""
        return Suppression(Reason.SNOOZED, name, until)
    if puts_off(incident, event):
        return Suppression(Reason.STALE, "", event.at + HELD_FOR)
    return None


def _hold_back(incident: Incident, event: Muted) -> Decision | Reason:
    """Delay the deadline, and note the reason on the timeline once."""
    due, by = event.due, event.by
    if _is_outdated(incident, due):
        return Reason.TIMER_OUTDATED
    muted = (by.reason, by.by)
    decision = Decision(by.reason, later(incident, due.at, muted=muted))
    decision.set_timer(due.name, by.until)
    if muted != incident.muted:
        decision.note(due.at, by.reason, name=by.by, pages="nobody is paged")
    return decision


def _stayed_quiet(decision: Decision, at: float, settings: Settings) -> None:
    decision.reason = Reason.RESOLVED
    close(decision, at, Status.RESOLVED, settings, why="no alert came back")


def _next_method(decision: Decision, at: float, _settings: Settings) -> None:
    decision.reason = Reason.NEXT_METHOD
    try_next_methods(decision, at)


def _promote(decision: Decision, at: float, settings: Settings) -> None:
    """Raise the severity of an incident that has been open for too long."""
    incident = decision.incident
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
        set_severity(decision, policy.promote.to, at, settings)


def _respond(decision: Decision, at: float, settings: Settings) -> None:
    """Handle the end of the time to acknowledge."""
    incident = decision.incident
    if incident.acknowledged_at is None:
        decision.reason = Reason.RESPONSE_OVERDUE
        decision.note(at, Reason.RESPONSE_OVERDUE, severity=incident.severity)
        decision.queue(at, Reason.RESPONSE_OVERDUE, edited(incident, settings))


_TIMERS = {
    RESOLVE: _stayed_quiet,
    STEP: go_on,
    REACH: _next_method,
    PROMOTE: _promote,
    RESPOND: _respond,
    REMIND: remind,
    SNOOZE: wake,
    SETTLE: settle,
}
"""The handler of each deadline."""

"""Life cycle of a request to run an action: `act(incident, event, settings)` decides on it.

Invariant: nothing runs before a person has approved exactly what was shown, and a request runs at
most once. If the router stops before a run's outcome is known, the action may have run, and only a
person can request it again. Every waiting state ends by a deadline.

    requested ──▶ checking ──dry run──▶ ready ──approve──▶ running ──▶ done, failed, timed_out
                     │                    │ └─ a guide ──▶ confirming ──▶ done
                     ▼                    ▼                   │
                   failed         declined, expired      may_have_run (running), expired
                   (confirming)
"""

from typing import Any

from msgspec.structs import replace

from router.core.incident.action_binding import ActionPlan, fill
from router.core.incident.escalation import edited
from router.core.incident.settings import Settings
from router.core.incident.transaction import Decision
from router.model.action import UNDOABLE, WAITING, ActionRequest, ActionState
from router.model.decision import Queued, Timer
from router.model.deployment import Deployment
from router.model.event import (
    ActionAnswered,
    ActionDecision,
    ActionEvent,
    ActionRan,
    ActionRequested,
    TimerDue,
)
from router.model.incident import Incident
from router.model.outbox import ACTIONS, OutboxKind
from router.model.reason import Reason

TIMER = "action:"
"""The prefix of the names of requests' deadlines; the number follows."""

SETTLE_WITHIN = 60.0
"""Seconds after an action's time-out. Without an outcome by then, the request ends as may_have_run.
"""

KEPT = 20
"""Maximum finished requests stored with an incident. The timeline has all of them."""

RUN_BY_ROUTER = frozenset({ActionState.CHECKING, ActionState.RUNNING})
"""States with a run or dry run in the outbox."""

_OUTCOMES = {
    ActionState.DONE: Reason.ACTION_DONE,
    ActionState.FAILED: Reason.ACTION_FAILED,
    ActionState.TIMED_OUT: Reason.ACTION_TIMED_OUT,
    ActionState.MAY_HAVE_RUN: Reason.ACTION_MAY_HAVE_RUN,
}


def act(incident: Incident, event: ActionEvent, settings: Settings) -> Decision | Reason:
    """Decide on an action event: a request, a person's answer, or the end of a run."""
    match event:
        case ActionRequested():
            return _requested(incident, event, settings)
        case ActionAnswered():
            return _answered(incident, event, settings)
        case ActionRan():
            return _ran(incident, event, settings)


def action_due(incident: Incident, event: TimerDue, settings: Settings) -> Decision | Reason:
    """The deadline of a request is due."""
    request = find(incident, int(event.name.removeprefix(TIMER)))
    if request is None or request.state not in WAITING or request.until != event.due_at:
        return Reason.TIMER_OUTDATED
    return _overdue(incident, request, event.at, settings)


def find(incident: Incident, number: int) -> ActionRequest | None:
    """The request with that number, among the latest."""
    return next((action for action in incident.actions if action.number == number), None)


def offered(incident: Incident, settings: Settings) -> tuple[ActionPlan, ...]:
    """The actions that the incident's rule names."""
    named = settings.rules.named(incident.rule).actions
    return tuple(settings.actions[name] for name in named if name in settings.actions)


def known(incident: Incident) -> dict[str, str]:
    """The values that a parameter may take `from` the incident, by their names there."""
    return {
        "incident": incident.name,
        **_of_suspect(incident.suspect),
        **{f"labels.{name}": value for name, value in incident.labels.items()},
        **{f"annotations.{name}": value for name, value in incident.annotations.items()},
    }


def _of_suspect(deployment: Deployment | None) -> dict[str, str]:
    if deployment is None:
        return {}
    names = ("commit", "version", "previous")
    return {f"suspect.{name}": value for name in names if (value := getattr(deployment, name))}


# --- people's requests


def _requested(incident: Incident, event: ActionRequested, settings: Settings) -> Decision | Reason:
    if any(action.key == event.key for action in incident.actions):
        return Reason.ALREADY_DONE
    refused = (
        _undo_refused(incident, event, settings)
        if event.undoes
        else _refused(incident, event, settings)
    )
    if refused:
        return refused
    plan = settings.actions[event.action]
    checking = plan.checked and not event.undoes
    request = ActionRequest(
        number=max((action.number for action in incident.actions), default=0) + 1,
        key=event.key,
        action=event.action,
        state=ActionState.CHECKING if checking else ActionState.READY,
        requested_by=event.by,
        requested_at=event.at,
        until=event.at + (plan.timeout + SETTLE_WITHIN if checking else plan.expires),
        digest=event.digest,
        parameters=event.parameters,
        undoes=event.undoes,
    )
    said = [f"{name}={value}" for name, value in event.parameters.items()]
    return _step(
        incident,
        request,
        Reason.ACTION_REQUESTED,
        settings,
        at=event.at,
        by=event.by,
        parameters=said or None,
        undoes=event.undoes or None,
    )


def _refused(incident: Incident, event: ActionRequested, settings: Settings) -> Reason | None:
    if not incident.is_open:
        return Reason.ALREADY_CLOSED
    if event.action not in {plan.name for plan in offered(incident, settings)}:
        return Reason.ACTION_NOT_OFFERED
    return None


def _undo_refused(incident: Incident, event: ActionRequested, settings: Settings) -> Reason | None:
    """The reason to refuse an undo. An action may be undone in any state of the incident."""
    done = find(incident, event.undoes)
    plan = settings.actions.get(event.action)
    if (
        done is None
        or done.action != event.action
        or plan is None
        or not plan.undoable
        or done.undoes
    ):
        return Reason.ACTION_NOT_OFFERED
    return None if done.state in UNDOABLE else Reason.ACTION_NOT_WAITING


def _answered(incident: Incident, event: ActionAnswered, settings: Settings) -> Decision | Reason:
    request = find(incident, event.number)
    if request is None or request.state not in (ActionState.READY, ActionState.CONFIRMING):
        return Reason.ACTION_NOT_WAITING
    if request.until <= event.at:
        return _overdue(incident, request, event.at, settings)
    if event.answer is ActionDecision.DECLINE:
        declined = replace(request, state=ActionState.DECLINED)
        return _step(
            incident,
            declined,
            Reason.ACTION_DECLINED,
            settings,
            at=event.at,
            by=event.by,
            text=event.text,
        )
    plan = settings.actions.get(request.action)
    if plan is None or plan.digest != request.digest:
        changed = replace(request, state=ActionState.EXPIRED)
        return _step(incident, changed, Reason.ACTION_CHANGED, settings, at=event.at, by=event.by)
    if event.answer is ActionDecision.CONFIRM:
        return _confirmed(incident, request, plan, event, settings)
    return _approved(incident, request, plan, event, settings)


def _approved(
    incident: Incident,
    request: ActionRequest,
    plan: ActionPlan,
    event: ActionAnswered,
    settings: Settings,
) -> Decision | Reason:
    if request.state is not ActionState.READY:
        return Reason.ACTION_NOT_WAITING
    if not incident.is_open and not request.undoes:
        return Reason.ALREADY_CLOSED
    if plan.second_person and _same_person(event.by, request.requested_by):
        return _step(
            incident, request, Reason.SECOND_PERSON_NEEDED, settings, at=event.at, by=event.by
        )
    if incident.drill:  # a drill stops before the real run
        practised = replace(
            request, state=ActionState.PRACTISED, approved_by=event.by, approved_at=event.at
        )
        return _step(
            incident, practised, Reason.ACTION_PRACTISED, settings, at=event.at, by=event.by
        )
    state = ActionState.CONFIRMING if plan.guide else ActionState.RUNNING
    until = event.at + (plan.expires if plan.guide else plan.timeout + SETTLE_WITHIN)
    approved = replace(
        request, state=state, until=until, approved_by=event.by, approved_at=event.at
    )
    return _step(incident, approved, Reason.ACTION_STARTED, settings, at=event.at, by=event.by)


def _same_person(person: str, other: str) -> bool:
    return person.strip().casefold() == other.strip().casefold()


def _confirmed(
    incident: Incident,
    request: ActionRequest,
    plan: ActionPlan,
    event: ActionAnswered,
    settings: Settings,
) -> Decision | Reason:
    if request.state is not ActionState.CONFIRMING:
        return Reason.ACTION_NOT_WAITING
    if event.text.strip() != fill(plan.guide[request.step].confirm, request.parameters):
        return _step(
            incident,
            request,
            Reason.WRONG_CONFIRMATION,
            settings,
            at=event.at,
            by=event.by,
            step=request.step + 1,
        )
    request = replace(request, step=request.step + 1)
    over = request.step == len(plan.guide)
    if over:
        request = replace(request, state=ActionState.DONE)
    decision = _step(
        incident,
        request,
        Reason.ACTION_CONFIRMED,
        settings,
        at=event.at,
        by=event.by,
        step=request.step,
        text=event.text,
    )
    if over:
        decision.reason = Reason.ACTION_DONE
        decision.note(event.at, Reason.ACTION_DONE, event.by, **_facts(request))
    return decision


# --- results


def _ran(incident: Incident, event: ActionRan, settings: Settings) -> Decision | Reason:
    request, ran = find(incident, event.number), event.ran
    if request is None:
        return Reason.ACTION_NOT_WAITING
    if request.state is ActionState.CHECKING:
        good = ran.state is ActionState.DONE
        what = Reason.ACTION_CHECKED if good else Reason.ACTION_CHECK_FAILED
        plan = settings.actions.get(request.action)
        expires = event.at + plan.expires if plan else event.at
        request = replace(
            request, state=ActionState.READY if good else ActionState.FAILED, until=expires
        )
    elif request.state in (ActionState.RUNNING, ActionState.MAY_HAVE_RUN):
        what = _OUTCOMES[ran.state]
        request = replace(request, state=ran.state, memo=ran.memo)
    else:
        return Reason.ACTION_NOT_WAITING
    return _step(
        incident, request, what, settings, at=event.at, output=ran.output, took=round(ran.took, 3)
    )


def _overdue(incident: Incident, request: ActionRequest, at: float, settings: Settings) -> Decision:
    state, what = {
        ActionState.CHECKING: (ActionState.FAILED, Reason.ACTION_CHECK_FAILED),
        ActionState.RUNNING: (ActionState.MAY_HAVE_RUN, Reason.ACTION_MAY_HAVE_RUN),
    }.get(request.state, (ActionState.EXPIRED, Reason.ACTION_EXPIRED))
    return _step(incident, replace(request, state=state), what, settings, at=at)


def _step(  # noqa: PLR0913 - the parts of one step
    incident: Incident,
    request: ActionRequest,
    what: Reason,
    settings: Settings,
    *,
    at: float,
    by: str = "",
    **data: Any,
) -> Decision:
    """Move the request to its new state: note why, and set or clear its deadline."""
    others = [action for action in incident.actions if action.number != request.number]
    latest = sorted((*others, request), key=lambda other: other.number)
    requests = [request for request in latest[:-KEPT] if request.state in WAITING] + latest[-KEPT:]
    decision = Decision(what, replace(incident, updated_at=at, actions=tuple(requests)))
    decision.note(
        at,
        what,
        by,
        **_facts(request),
        **{name: value for name, value in data.items() if value is not None},
    )
    if request.state in WAITING:
        decision.timers.append(Timer(incident.id, f"{TIMER}{request.number}", request.until))
    else:
        decision.timers_cleared.append(f"{TIMER}{request.number}")
    if request.state in RUN_BY_ROUTER:
        run = Queued(
            incident.id, ACTIONS, what, at, OutboxKind.ACTION, f"{request.number} {request.state}"
        )
        decision.queued.append(run)
    decision.queue(at, what, edited(incident, settings))
    return decision


def _facts(request: ActionRequest) -> dict[str, Any]:
    return {"number": request.number, "action": request.action}

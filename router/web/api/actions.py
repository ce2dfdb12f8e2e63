"""Actions of an incident over the API: list, request, approve, decline, confirm.

Decides nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct, field

from router.core.incident.action_binding import ActionPlan, bind, fill
from router.core.incident.actions import find, known, offered
from router.core.incident.settings import Settings
from router.core.text.plain import visible
from router.model.action import ActionRequest, ActionState, Approval
from router.model.decision import Entry
from router.model.event import ActionAnswered, ActionRequested
from router.model.event import ActionDecision as Kind
from router.model.incident import Incident
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having, row
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.services import ActionService
from router.ports.store import Store
from router.web.api.content import Text, Time, idempotency_key, incident_named
from router.web.api.operation import Answer, Call, operation, routes
from router.web.api.views import exactly, when
from router.web.auth import Role

REFUSED = having(Trait.REFUSED)
"""Steps that were refused. Each is answered with 409."""

STATUSES = (HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT)


class RequestBody(Struct, frozen=True, forbid_unknown_fields=True):
    """An action with its parameters, or the number of a request to undo."""

    action: Annotated[str, Meta(description="Its name in the config.")] = ""
    parameters: dict[str, str | int] = {}
    undo: Annotated[int, Meta(description="The number of a request to undo.")] = 0


class AnswerBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A note, or the text that a step of a guide asks for."""

    text: Text = ""


class ParameterView(Struct, frozen=True):
    """A parameter: the values that it takes, its default, and the field that fills it."""

    pattern: str | None
    choices: tuple[str, ...] | None
    int: str | None
    default: str | None
    from_: str | None = field(name="from")


class ActionPlanView(Struct, frozen=True):
    """An action that can be requested. `steps` counts those of a guide."""

    action: str
    description: str
    approval: Approval
    dry_run: bool
    undo: bool
    steps: int | None
    parameters: dict[str, ParameterView]


class GuideStepView(Struct, frozen=True):
    """The next step of a guide, and the text that confirms it."""

    number: int
    of: int
    do: str
    confirm: str | None


class OutputView(Struct, frozen=True):
    """The output of a run or of a dry run."""

    at: Time
    what: Reason
    output: str


class ActionRequestView(Struct, frozen=True):
    """A request to run an action. `until` ends its state; `shown` is what would be run."""

    number: int
    action: str
    parameters: dict[str, str]
    state: ActionState
    undoes: int | None
    requested_by: str
    requested_at: Time
    approved_by: str | None
    approved_at: Time | None
    until: Time | None
    shown: tuple[str, ...]
    step: GuideStepView | None
    outputs: list[OutputView]


class ActionList(Struct, frozen=True):
    """The actions of the incident's rule, and the requests so far."""

    offered: list[ActionPlanView]
    requests: list[ActionRequestView]


class ActionResult(Struct, frozen=True):
    """The outcome, the reason of a refusal, and the request after it."""

    outcome: Reason
    why: str | None
    request: ActionRequestView | None


class Actions:
    """The operations below an incident's `actions`."""

    def __init__(
        self,
        service: ActionService,
        store: Store,
        clock: Clock,
        *,
        settings: Callable[[], Settings],
    ) -> None:
        self._service = service
        self._store = store
        self._clock = clock
        self._settings = settings

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation("GET", "/incidents/{id}/actions", "List the actions and the requests for them.")
    async def list_actions(self, call: Call) -> ActionList:
        incident = await incident_named(call.request, self._store)
        return self.of(incident, await self._store.timeline(incident.id))

    def of(self, incident: Incident, timeline: Sequence[Entry]) -> ActionList:
        """Return the actions of an incident and the requests for them."""
        return ActionList(
            [_plan(plan) for plan in offered(incident, self._settings())],
            [self._view(action, timeline) for action in incident.actions],
        )

    @operation(
        "POST",
        "/incidents/{id}/actions",
        "Request an action, or to undo one.",
        Role.RESPONDER,
        statuses=STATUSES,
        headers=("Idempotency-Key",),
    )
    async def request_action(self, call: Call, body: RequestBody) -> Answer[ActionResult]:
        """A repetition with the same `Idempotency-Key` has no effect. Raises: InvalidInput."""
        incident = await incident_named(call.request, self._store)
        return await self.request(incident, body, call.by, idempotency_key(call.request))

    async def request(
        self, incident: Incident, body: RequestBody, by: str, key: str
    ) -> Answer[ActionResult]:
        """Request an action.

        A repetition with the same `key` has no effect. Raises: InvalidInput.
        """
        reason = await self._service.submit(self._requested(incident, body, by, key))
        return await self._result(reason, incident.id, lambda request: request.key == key)

    @operation("GET", "/incidents/{id}/actions/{number}", "Show a request and its outputs.")
    async def show_action(self, call: Call) -> ActionRequestView:
        incident = await incident_named(call.request, self._store)
        found = _named(call.request, incident)
        return self._view(found, await self._store.timeline(incident.id))

    @operation(
        "POST",
        "/incidents/{id}/actions/{number}/approve",
        "Approve: the action runs now, once.",
        Role.RESPONDER,
        statuses=STATUSES,
    )
    async def approve_action(self, call: Call, body: AnswerBody) -> Answer[ActionResult]:
        return await self._answer(call, Kind.APPROVE, body.text)

    @operation(
        "POST",
        "/incidents/{id}/actions/{number}/decline",
        "Decline: the action does not run.",
        Role.RESPONDER,
        statuses=STATUSES,
    )
    async def decline_action(self, call: Call, body: AnswerBody) -> Answer[ActionResult]:
        return await self._answer(call, Kind.DECLINE, body.text)

    @operation(
        "POST",
        "/incidents/{id}/actions/{number}/confirm",
        "Confirm the next step of a guide.",
        Role.RESPONDER,
        statuses=STATUSES,
    )
    async def confirm_action_step(self, call: Call, body: AnswerBody) -> Answer[ActionResult]:
        return await self._answer(call, Kind.CONFIRM, body.text)

    async def _answer(self, call: Call, kind: Kind, text: str) -> Answer[ActionResult]:
        incident = await incident_named(call.request, self._store)
        number = _named(call.request, incident).number
        event = ActionAnswered(self._clock.now(), incident.id, call.by, number, kind, text)
        reason = await self._service.submit(event)
        return await self._result(reason, incident.id, lambda request: request.number == number)

    def _requested(
        self, incident: Incident, wanted: RequestBody, by: str, key: str
    ) -> ActionRequested:
        undone = find(incident, wanted.undo) if wanted.undo else None
        if wanted.undo and undone is None:
            raise InvalidInput(f"there is no request {wanted.undo}", "/undo")
        name = undone.action if undone else wanted.action
        plan = self._settings().actions.get(name)
        if plan is None:
            raise InvalidInput(f"there is no action '{name}'", "/action")
        parameters = undone.parameters if undone else _bound(plan, wanted, incident)
        now, given = self._clock.now(), dict(parameters)
        return ActionRequested(now, incident.id, by, key, name, plan.digest, given, wanted.undo)

    async def _result(
        self, reason: Reason, incident_id: int, wanted: Callable[[ActionRequest], bool]
    ) -> Answer[ActionResult]:
        incident = await self._store.incident(incident_id)
        assert incident is not None
        found = next((action for action in incident.actions if wanted(action)), None)
        shown = self._view(found, await self._store.timeline(incident_id)) if found else None
        status = HTTPStatus.CONFLICT if reason in REFUSED else HTTPStatus.ACCEPTED
        why = row(reason).refusal if reason in REFUSED else None
        return Answer(ActionResult(reason, why, shown), status)

    def _view(self, request: ActionRequest, timeline: Sequence[Entry]) -> ActionRequestView:
        return ActionRequestView(
            number=request.number,
            action=request.action,
            parameters=request.parameters,
            state=request.state,
            undoes=request.undoes or None,
            requested_by=request.requested_by,
            requested_at=exactly(request.requested_at),
            approved_by=request.approved_by or None,
            approved_at=when(request.approved_at),
            until=when(request.until),
            shown=tuple(visible(line) for line in self._service.shown(request)),
            step=self._guide(request),
            outputs=[
                OutputView(exactly(entry.at), entry.what, str(entry.data["output"]))
                for entry in timeline
                if entry.data.get("number") == request.number and "output" in entry.data
            ],
        )

    def _guide(self, request: ActionRequest) -> GuideStepView | None:
        """Return the next step of a guide."""
        plan = self._settings().actions.get(request.action)
        if plan is None or plan.digest != request.digest or request.step >= len(plan.guide):
            return None
        step, given = plan.guide[request.step], request.parameters
        waits = request.state is ActionState.CONFIRMING
        return GuideStepView(
            number=request.step + 1,
            of=len(plan.guide),
            do=fill(step.do, given),
            confirm=fill(step.confirm, given) if waits else None,
        )


def _bound(plan: ActionPlan, wanted: RequestBody, incident: Incident) -> Mapping[str, str]:
    """Return the parameters of a request. Raises: InvalidInput."""
    given = {parameter: str(value) for parameter, value in wanted.parameters.items()}
    parameters, problems = bind(plan, given, known(incident))
    if problems:
        detail = "; ".join(f"{problem}: {reason}" for problem, reason in problems)
        raise InvalidInput(detail, f"/parameters/{problems[0][0]}")
    return parameters


def _plan(plan: ActionPlan) -> ActionPlanView:
    return ActionPlanView(
        action=plan.name,
        description=plan.description,
        approval=Approval.SECOND_PERSON if plan.second_person else Approval.RESPONDER,
        dry_run=plan.checked,
        undo=plan.undoable,
        steps=len(plan.guide) or None,
        parameters={
            name: ParameterView(
                pattern=parameter.pattern or None,
                choices=parameter.choices or None,
                int="{}..{}".format(*parameter.integers) if parameter.integers else None,
                default=parameter.default,
                from_=parameter.origin or None,
            )
            for name, parameter in plan.parameters.items()
        },
    )


def _named(request: web.Request, incident: Incident) -> ActionRequest:
    """Raises: aiohttp's HTTPNotFound."""
    text = request.match_info["number"]
    valid = text.isascii() and text.isdigit() and len(text) < 10
    found = find(incident, int(text)) if valid else None
    if found is None:
        raise web.HTTPNotFound(text=f"{incident.name} has no request {text}")
    return found

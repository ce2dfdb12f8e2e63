"""Actions against an incident, over the API: what is offered, and the steps of a request.

It decides nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web
from msgspec import Struct

from router.config.document import Auth
from router.core.incident.action_binding import ActionPlan, bind, fill
from router.core.incident.actions import find, known, offered
from router.core.incident.settings import Settings
from router.model.action import ActionRequest, ActionState
from router.model.decision import Entry
from router.model.event import ActionAnswered, ActionDecision, ActionRequested
from router.model.incident import Incident
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having, row
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.services import ActionService
from router.ports.store import Store
from router.web.api.content import Text, answer, body, idempotency_key, incident_named
from router.web.api.views import when
from router.web.auth import Role, whoever

REFUSED = having(Trait.REFUSED)
"""Steps that were refused. Each is answered with 409."""


class RequestBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Which action with which parameters, or with `undo` the number of the request to take back."""

    action: str = ""
    parameters: dict[str, str | int] = {}
    undo: int = 0


class AnswerBody(Struct, frozen=True, forbid_unknown_fields=True):
    text: Text = ""


class Actions:
    """The paths below an incident's `actions`."""

    def __init__(
        self,
        desk: ActionService,
        store: Store,
        clock: Clock,
        *,
        auth: Callable[[], Auth],
        settings: Callable[[], Settings],
    ) -> None:
        self._desk = desk
        self._store = store
        self._clock = clock
        self._auth = auth
        self._settings = settings

    def routes(self) -> list[web.RouteDef]:
        base = "/api/v1/incidents/{id}/actions"
        return [
            web.get(base, self.list_actions),
            web.post(base, self.request),
            web.get(f"{base}/{{number}}", self.show),
            *(
                web.post(f"{base}/{{number}}/{kind}", self._answerer(kind))
                for kind in ActionDecision
            ),
        ]

    async def list_actions(self, request: web.Request) -> web.Response:
        """What may be asked for, and what was."""
        whoever(request, self._auth(), Role.VIEWER)
        incident = await incident_named(request, self._store)
        timeline = await self._store.timeline(incident.id)
        return answer(
            {
                "offered": [_plan(plan) for plan in offered(incident, self._settings())],
                "requests": [self._view(one, timeline) for one in incident.actions],
            }
        )

    async def show(self, request: web.Request) -> web.Response:
        whoever(request, self._auth(), Role.VIEWER)
        incident = await incident_named(request, self._store)
        found = _named(request, incident)
        return answer(self._view(found, await self._store.timeline(incident.id)))

    async def request(self, request: web.Request) -> web.Response:
        """Ask for an action; the same `Idempotency-Key` again has no second effect.

        Raises: Bad, for parameters.
        """
        by = whoever(request, self._auth(), Role.RESPONDER)
        incident = await incident_named(request, self._store)
        wanted = await body(request, RequestBody)
        key = idempotency_key(request)
        event = self._requested(incident, wanted, by, key)
        reason = await self._desk.submit(event)
        return await self._outcome(reason, incident.id, lambda one: one.key == key)

    def _requested(
        self, incident: Incident, wanted: RequestBody, by: str, key: str
    ) -> ActionRequested:
        undone = find(incident, wanted.undo) if wanted.undo else None
        if wanted.undo and undone is None:
            raise InvalidInput(f"there's no request {wanted.undo}", "/undo")
        name = undone.action if undone else wanted.action
        plan = self._settings().actions.get(name)
        if plan is None:
            raise InvalidInput(f"there's no action '{name}'", "/action")
        if undone:
            parameters: Mapping[str, str] = undone.parameters
        else:
            given = {parameter: str(value) for parameter, value in wanted.parameters.items()}
            parameters, problems = bind(plan, given, known(incident))
            if problems:
                raise InvalidInput(
                    "; ".join(f"{one}: {reason}" for one, reason in problems),
                    f"/parameters/{problems[0][0]}",
                )
        return ActionRequested(
            self._clock.now(),
            incident.id,
            by,
            key,
            name,
            plan.digest,
            dict(parameters),
            wanted.undo,
        )

    def _answerer(self, kind: ActionDecision) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            by = whoever(request, self._auth(), Role.RESPONDER)
            incident = await incident_named(request, self._store)
            number = _named(request, incident).number
            text = (await body(request, AnswerBody)).text
            event = ActionAnswered(self._clock.now(), incident.id, by, number, kind, text)
            return await self._outcome(
                await self._desk.submit(event), incident.id, lambda one: one.number == number
            )

        return handle

    async def _outcome(
        self, reason: Reason, incident_id: int, wanted: Callable[[ActionRequest], bool]
    ) -> web.Response:
        incident = await self._store.incident(incident_id)
        assert incident is not None
        found = next((one for one in incident.actions if wanted(one)), None)
        shown = self._view(found, await self._store.timeline(incident_id)) if found else None
        status = HTTPStatus.CONFLICT if reason in REFUSED else HTTPStatus.ACCEPTED
        return answer(
            {
                "outcome": reason,
                "why": row(reason).refusal if reason in REFUSED else None,
                "request": shown,
            },
            status,
        )

    def _view(self, one: ActionRequest, timeline: Sequence[Entry]) -> dict[str, Any]:
        said = [
            entry
            for entry in timeline
            if entry.data.get("number") == one.number and "output" in entry.data
        ]
        return {
            "number": one.number,
            "action": one.action,
            "parameters": one.parameters,
            "state": one.state,
            "undoes": one.undoes or None,
            "requested_by": one.requested_by,
            "requested_at": when(one.requested_at),
            "approved_by": one.approved_by or None,
            "approved_at": when(one.approved_at),
            "until": when(one.until),
            "shown": self._desk.shown(one),
            "step": self._guide(one),
            "outputs": [
                {"at": when(entry.at), "what": entry.what, "output": entry.data["output"]}
                for entry in said
            ],
        }

    def _guide(self, one: ActionRequest) -> dict[str, Any] | None:
        """The step of a guide that comes next."""
        plan = self._settings().actions.get(one.action)
        if plan is None or plan.digest != one.digest or one.step >= len(plan.guide):
            return None
        step, given = plan.guide[one.step], one.parameters
        return {
            "number": one.step + 1,
            "of": len(plan.guide),
            "do": fill(step.do, given),
            "confirm": fill(step.confirm, given) if one.state is ActionState.CONFIRMING else None,
        }


def _plan(plan: ActionPlan) -> dict[str, Any]:
    return {
        "action": plan.name,
        "description": plan.description,
        "approval": "second-person" if plan.second_person else "responder",
        "dry_run": plan.checked,
        "undo": plan.undoable,
        "steps": len(plan.guide) or None,
        "parameters": {
            name: {
                "pattern": one.pattern or None,
                "choices": one.choices or None,
                "int": "{}..{}".format(*one.integers) if one.integers else None,
                "default": one.default,
                "from": one.origin or None,
            }
            for name, one in plan.parameters.items()
        },
    }


def _named(request: web.Request, incident: Incident) -> ActionRequest:
    """Raises: aiohttp's HTTPNotFound."""
    text = request.match_info["number"]
    found = (
        find(incident, int(text)) if text.isascii() and text.isdigit() and len(text) < 10 else None
    )
    if found is None:
        raise web.HTTPNotFound(text=f"{incident.name} has no request {text}")
    return found

"""`/rules` and `/policies`: the routing in effect, and what it would do."""

from collections.abc import Callable, Mapping
from math import log1p
from typing import Any, ClassVar

from aiohttp import web
from msgspec import Struct

from router.ports.errors import InvalidInput
from router.ports.webhooks import Incoming, Receiver
from router.web.api.content import form
from router.web.api.explain import ExplainApi, ExplainedPayload, PayloadQuery
from router.web.api.routing import MessageView, PolicyQuery, PolicyView, RoutingApi
from router.web.auth import Role, caller
from router.web.pages.screen import Screen, Typed

EXPLAINED = web.RequestKey("explained", ExplainedPayload)
"""The result of the payload that the request tries."""


class Rules(Screen):
    """Shows every rule with its use, and what a pasted payload would result in."""

    path: ClassVar[str] = "/rules"
    template: ClassVar[str] = "rules.html"

    def __init__(
        self,
        routing: RoutingApi,
        explain: ExplainApi,
        receivers: Callable[[], Mapping[str, Receiver]],
    ) -> None:
        self._routing = routing
        self._explain = explain
        self._receivers = receivers

    def routes(self) -> list[web.RouteDef]:
        return [*super().routes(), web.post(f"{self.path}/try", self.try_payload)]

    async def content(self, request: web.Request) -> Mapping[str, Any]:
        answer = await self._routing.list_rules()
        return {
            "rules": answer.rules,
            "revision": answer.revision,
            "sources": list(self._receivers()),
            "explained": request.get(EXPLAINED),
        }

    async def try_payload(self, request: web.Request) -> web.Response:
        """Show what a payload would result in. Nothing is stored."""
        caller(request, Role.VIEWER, in_browser=True)
        fields = await form(request)
        try:
            request[EXPLAINED] = await self._explain.explain_body(
                PayloadQuery(fields.get("source", "")),
                Incoming({}, fields.get("payload", "").encode()),
            )
        except InvalidInput as error:
            return await self.show(request, Typed(fields, error.detail, "payload"))
        return await self.show(request, Typed(fields))


class Lane(Struct, frozen=True):
    """The messages to a person or a channel, with their positions on the time axis in percent."""

    name: str
    dots: tuple[tuple[float, MessageView], ...]


class Policies(Screen):
    """Draws the policy of each severity: who is notified when, if nobody answers."""

    path: ClassVar[str] = "/policies"
    template: ClassVar[str] = "policies.html"

    def __init__(self, routing: RoutingApi) -> None:
        self._routing = routing

    async def content(self, request: web.Request) -> Mapping[str, Any]:
        at = request.query.get("at", "")
        try:
            answer, error = await self._routing.list_policies(PolicyQuery(at)), ""
        except InvalidInput as wrong:
            answer, error = await self._routing.list_policies(PolicyQuery()), wrong.detail
        return {
            "policies": [(each, _picture(each)) for each in answer.policies],
            "at": at,
            "error": error,
        }


# --- the picture

TICKS = (60.0, 300.0, 900.0, 3600.0, 4 * 3600.0, 86_400.0, 3 * 86_400.0, 7 * 86_400.0)
"""Times that the axis labels, in seconds."""


class Picture(Struct, frozen=True):
    """Lanes over a logarithmic time axis: it shows minutes, then hours, then days."""

    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[float, float], ...]


def _picture(policy: PolicyView) -> Picture:
    """Return the messages of a policy, by recipient in the order of the first message."""
    sent = [message for message in policy.messages if message.over]
    end = max((message.after for message in sent), default=0.0) or 1.0
    lanes: dict[str, list[tuple[float, MessageView]]] = {}
    for message in sent:
        name = f"{message.who} by {message.over}" if message.who else str(message.over)
        lanes.setdefault(name, []).append((_place(message.after, end), message))
    return Picture(
        tuple(Lane(name, tuple(dots)) for name, dots in lanes.items()),
        tuple((_place(tick, end), tick) for tick in TICKS if tick <= end),
    )


def _place(after: float, end: float) -> float:
    """Return the position of a time on the axis, in percent of its length."""
    return round(100 * log1p(after / 60) / log1p(end / 60), 2)

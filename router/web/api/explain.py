"""Explain over the API why somebody was or was not paged; and what a payload would result in."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from router.config.people import moment_at
from router.config.times import parse_moment
from router.core.incident.settings import Settings
from router.model.incident import Severity
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.store import Store
from router.ports.webhooks import Incoming, Receiver
from router.web.api import views
from router.web.api.content import Time
from router.web.api.operation import Call, operation, routes
from router.web.api.views import AlertView, EntryView, ExplanationView, IncidentView
from router.web.api.why import Explainer
from router.web.body import read_body

MOST_EXPLAINED = 100
"""Maximum alerts of a payload: each is evaluated with all rules and the stored state."""

At = Annotated[
    str, Meta(description="At this time instead of now, such as `2026-11-28T23:00Z`; UTC.")
]


class ExplainQuery(Struct, frozen=True):
    """An alert, an incident or a contact: exactly one of them."""

    fingerprint: Annotated[str, Meta(description="The alert.")] = ""
    incident: Annotated[str, Meta(description="The incident: 142 or INC-142.")] = ""
    contact: Annotated[
        str, Meta(description="The person; without `at`, their latest page is explained.")
    ] = ""
    at: At = ""


class PayloadQuery(Struct, frozen=True):
    """The source of the payload, and the time."""

    source: Annotated[str, Meta(description="The source that sends it.")] = "alertmanager"
    at: At = ""


class OverrideSpan(Struct, frozen=True):
    """The override by which somebody is on call."""

    replaces: str | None
    start: Time
    end: Time


class DutyView(Struct, frozen=True):
    """The contact behind a target, and the schedule's layer or override that selected them."""

    target: str
    contact: str | None
    layer: int | None
    override: OverrideSpan | None


class PageView(Struct, frozen=True):
    """A message to one address: `why` it was decided, and its `deliveries`.

    `why` and `meant_by` are null where an older version did not record them. `stakeholder`: it
    informs, and is not a page.
    """

    at: Time
    who: str | None
    over: str
    why: EntryView | None
    meant_by: list[DutyView] | None
    stakeholder: bool
    arrived: bool
    receipt: str | None
    deliveries: list[EntryView]


class OpenedView(Struct, frozen=True):
    """The alert that opened the incident, its value and its threshold."""

    alert: str | None
    fingerprint: str | None
    severity: Severity | None
    reason: str | None
    value: Any
    threshold: Any


class RulesView(Struct, frozen=True):
    """The rules at that time. `dirty`: the files had uncommitted changes."""

    revision: str | None
    commit: str | None
    dirty: bool | None
    loaded_at: Time | None
    loaded_by: str | None
    changed_since: bool


class AccountView(Struct, frozen=True):
    """The answer in one sentence, and the facts behind it.

    `on_call` is as recorded then or, without `on_call_recorded`, by the current schedules.
    """

    answer: str
    at: Time
    incident: IncidentView | None
    rule: str | None
    alert: OpenedView | None
    joined: int
    rules: RulesView
    pages: list[PageView]
    obstacles: list[EntryView]
    ending: list[EntryView]
    on_call: list[DutyView]
    on_call_recorded: bool
    explanation: ExplanationView | None


class Explained(Struct, frozen=True, omit_defaults=True):
    """The explanation; for an alert also the decision then, and the current rules' result."""

    account: AccountView
    stored: list[AlertView] | None = None
    explanations: list[ExplanationView] | None = None


class ExplainedPayload(Struct, frozen=True):
    """The result of each alert of a payload, and the alerts that cannot be read."""

    explanations: list[ExplanationView]
    errors: list[str]


class ExplainApi:
    """Reads only."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        settings: Callable[[], Settings],
        receivers: Callable[[], Mapping[str, Receiver]],
    ) -> None:
        self._clock = clock
        self._receivers = receivers
        self._explainer = Explainer(store, settings)

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation(
        "GET",
        "/explain",
        "Explain why somebody was or was not paged: for an alert, an incident or a contact.",
        problems=(404,),
    )
    async def explain_stored(self, query: ExplainQuery) -> Explained:
        names = ("fingerprint", "incident", "contact")
        asked = {name: text for name in names if (text := getattr(query, name))}
        at = _moment(query.at) if query.at else None
        try:
            found = await self._explainer.answer(asked, at, self._clock.now())
        except LookupError as error:
            raise web.HTTPNotFound(text=str(error.args[0])) from None
        return msgspec.convert(msgspec.to_builtins(found), Explained)

    @operation(
        "POST",
        "/explain",
        "Explain what a webhook's payload would result in. Nothing is stored.",
        problems=(404,),
        any_body=True,
    )
    async def explain_payload(self, call: Call, query: PayloadQuery) -> ExplainedPayload:
        request = call.request
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await read_body(request, request.client_max_size)
        return await self.explain_body(query, Incoming(headers, body))

    async def explain_body(self, query: PayloadQuery, given: Incoming) -> ExplainedPayload:
        """Explain a body and its headers. Raises: InvalidInput, aiohttp's HTTPNotFound."""
        receiver = self._receivers().get(query.source)
        if receiver is None:
            raise web.HTTPNotFound(text=f"no source '{query.source}' is configured")
        now = self._clock.now()
        received = receiver.decode(given, now)
        if (found := len(received.alerts)) > MOST_EXPLAINED:
            raise InvalidInput(f"{found} alerts; at most {MOST_EXPLAINED} are explained at once")
        at = _moment(query.at) if query.at else now
        explained = [await self._explainer.explain(at, alert) for alert in received.alerts]
        return ExplainedPayload(
            [views.explanation(explanation) for explanation in explained],
            [error.detail for error in received.errors],
        )


def _moment(text: str) -> float:
    """Return UTC epoch seconds; a time without an offset is in UTC. Raises: InvalidInput."""
    try:
        return moment_at(parse_moment(text), "UTC")
    except (ValueError, OverflowError) as error:
        raise InvalidInput(str(error), "/at") from None

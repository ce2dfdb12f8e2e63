"""The REST API under /api/v1/: incidents, alerts, notifications, and why."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any, TypeVar

from aiohttp import web
from msgspec import Struct

from router.config.document import Auth
from router.config.people import moment_at
from router.config.times import parse_moment
from router.core.incident.settings import Settings
from router.core.rules.manual_alert import reported
from router.model.alert import AlertStatus
from router.model.event import Command, Commanded, Resent
from router.model.incident import OPEN, Severity, Status
from router.model.notification import NotificationState
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.services import Inbox
from router.ports.store import Store
from router.ports.webhooks import Incoming, Receiver
from router.web.api import views
from router.web.api.content import COMMANDS, CommandBody, Text, answer, incident_named, number
from router.web.api.content import body as read_body
from router.web.api.manual_alert import report
from router.web.api.openapi import openapi
from router.web.api.previews import Drafts
from router.web.api.why import Accounts
from router.web.auth import Role, whoever

E = TypeVar("E", bound=StrEnum)

MAX_PAGE = 1_000

REFUSED = having(Trait.REFUSED)
"""What a command comes to that is answered with 409."""


class ReportBody(Struct, frozen=True, forbid_unknown_fields=True):
    """An incident that a person opens."""

    title: str
    severity: Severity | None = None
    description: Text = ""
    labels: dict[str, str] = {}


class Api:
    """Reads the store and submits events. It decides nothing."""

    def __init__(  # noqa: PLR0913 - the parts it stands between
        self,
        store: Store,
        inbox: Inbox,
        clock: Clock,
        *,
        auth: Callable[[], Auth],
        settings: Callable[[], Settings],
        receivers: Callable[[], Mapping[str, Receiver]],
        drafts: Drafts,
    ) -> None:
        self._drafts = drafts
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._auth = auth
        self._settings = settings
        self._receivers = receivers
        self._accounts = Accounts(store, settings)

    def routes(self) -> list[web.RouteDef]:
        base = "/api/v1"
        return [
            web.get(f"{base}/incidents", self.list_incidents),
            web.post(f"{base}/incidents", self.open_incident),
            web.get(f"{base}/incidents/{{id}}", self.show_incident),
            *(
                web.post(f"{base}/incidents/{{id}}/{path}", self._commander(command))
                for path, command in COMMANDS.items()
            ),
            web.get(f"{base}/alerts", self.list_alerts),
            web.get(f"{base}/notifications", self.list_notifications),
            web.post(f"{base}/notifications/{{id}}/{{channel}}/resend", self.resend),
            web.get(f"{base}/explain", self.explain_stored),
            web.post(f"{base}/explain", self.explain_payload),
            web.get(f"{base}/openapi.json", self.show_openapi),
        ]

    # --- incidents

    async def list_incidents(self, request: web.Request) -> web.Response:
        self._check(request, Role.VIEWER)
        statuses = _options(request, "status", Status)
        if request.query.get("open") == "true":
            statuses = list(OPEN)
        found = await self._store.incidents(
            statuses=statuses,
            severities=_options(request, "severity", Severity),
            before=number(request, "before", 0),
            limit=_limit(request),
        )
        return answer({"incidents": [views.incident(one) for one in found]})

    async def open_incident(self, request: web.Request) -> web.Response:
        by = self._check(request, Role.RESPONDER)
        body = await read_body(request, ReportBody)
        try:
            alert = reported(
                body.title,
                by,
                self._clock.now(),
                severity=body.severity,
                description=body.description,
                labels=body.labels,
            )
        except ValueError as error:
            raise InvalidInput(str(error), "/title") from None
        reason, incident = await report(self._inbox, self._store, alert)
        status = HTTPStatus.CREATED if reason is Reason.OPENED else HTTPStatus.OK
        return answer(
            {"outcome": reason, "incident": views.incident(incident) if incident else None}, status
        )

    async def show_incident(self, request: web.Request) -> web.Response:
        self._check(request, Role.VIEWER)
        found = await incident_named(request, self._store)
        timeline = await self._store.timeline(found.id)
        notifications = await self._store.notifications(incident_id=found.id)
        return answer(
            views.incident(found)
            | {
                "timeline": [views.entry(one) for one in timeline],
                "notifications": [views.notification(one) for one in notifications],
            }
        )

    def _commander(self, command: Command) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            by = self._check(request, Role.RESPONDER)
            found = await incident_named(request, self._store)
            body = await read_body(request, CommandBody)
            body.check(command)
            if command is Command.ANNOUNCE:
                body = await self._drafts.worded(found, command, body)
            event = Commanded(
                self._clock.now(),
                found.id,
                by,
                command,
                body.text,
                body.severity,
                status=body.status,
                title=body.title,
            )
            (reason,) = await self._inbox.submit([event])
            after = await self._store.incident(found.id)
            assert after is not None
            # Too late isn't an error: the answer says what was so already.
            status = HTTPStatus.CONFLICT if reason in REFUSED else HTTPStatus.OK
            return answer({"outcome": reason, "incident": views.incident(after)}, status)

        return handle

    # --- alerts and notifications

    async def list_alerts(self, request: web.Request) -> web.Response:
        self._check(request, Role.VIEWER)
        statuses = set(_options(request, "status", AlertStatus))
        rows = await self._store.alerts(
            fingerprint=request.query.get("fingerprint", ""),
            incident_id=number(request, "incident", 0),
            firing=AlertStatus.FIRING in statuses if len(statuses) == 1 else None,
            after=request.query.get("after", ""),
            limit=_limit(request),
        )
        return answer({"alerts": [views.alert(row) for row in rows]})

    async def list_notifications(self, request: web.Request) -> web.Response:
        self._check(request, Role.VIEWER)
        found = await self._store.notifications(
            states=_options(request, "state", NotificationState),
            incident_id=number(request, "incident", 0),
            channel=request.query.get("channel", ""),
            limit=_limit(request),
        )
        return answer({"notifications": [views.notification(one) for one in found]})

    async def resend(self, request: web.Request) -> web.Response:
        by = self._check(request, Role.RESPONDER)
        found = await incident_named(request, self._store)
        channel = request.match_info["channel"]
        if not await self._store.notifications(incident_id=found.id, channel=channel):
            raise web.HTTPNotFound(text=f"{found.name} was never owed to a channel '{channel}'")
        (reason,) = await self._inbox.submit([Resent(self._clock.now(), found.id, channel, by)])
        return answer({"outcome": reason}, HTTPStatus.ACCEPTED)

    # --- why

    async def explain_stored(self, request: web.Request) -> web.Response:
        """Why a stored alert, or an incident, was or wasn't told, or a contact: what was decided,
        and the rules.
        """
        self._check(request, Role.VIEWER)
        asked = {
            name: text
            for name in ("fingerprint", "incident", "contact")
            if (text := request.query.get(name))
        }
        at = _moment(request, 0.0) if request.query.get("at") else None
        try:
            return answer(await self._accounts.answer(asked, at, self._clock.now()))
        except LookupError as error:
            raise web.HTTPNotFound(text=str(error.args[0])) from None

    async def explain_payload(self, request: web.Request) -> web.Response:
        """What would become of a webhook's alerts: `?source=` names whose webhook the body is."""
        self._check(request, Role.VIEWER)
        source = request.query.get("source", "alertmanager")
        receiver = self._receivers().get(source)
        if receiver is None:
            raise web.HTTPNotFound(text=f"no source '{source}' is configured")
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = receiver.decode(Incoming(headers, await request.read()), self._clock.now())
        at = _moment(request, self._clock.now())
        explained = [
            views.explanation(await self._accounts.explain(at, alert)) for alert in received.alerts
        ]
        return answer(
            {"explanations": explained, "errors": [error.detail for error in received.errors]}
        )

    async def show_openapi(self, _request: web.Request) -> web.Response:
        return answer(openapi())

    def _check(self, request: web.Request, needed: Role) -> str:
        return whoever(request, self._auth(), needed)


def _options(request: web.Request, name: str, type_: type[E]) -> list[E]:
    """The values of a repeatable query parameter. Raises: Bad."""
    return list(_each(name, request.query.getall(name, []), type_))


def _each(name: str, values: Iterable[str], type_: type[E]) -> Iterable[E]:
    for value in values:
        try:
            yield type_(value)
        except ValueError:
            raise InvalidInput(f"?{name}= takes one of: {', '.join(type_)}", f"/{name}") from None


def _limit(request: web.Request) -> int:
    return max(1, min(number(request, "limit", 100), MAX_PAGE))


def _moment(request: web.Request, default: float) -> float:
    """`?at=` as UTC epoch seconds; UTC as well if it has no offset. Raises: Bad."""
    text = request.query.get("at", "")
    try:
        return moment_at(parse_moment(text), "UTC") if text else default
    except (ValueError, OverflowError) as error:
        raise InvalidInput(str(error), "/at") from None

"""`/incidents`: the pages on which people read incidents and answer them. `/` leads there."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

import msgspec
from aiohttp import web
from msgspec.structs import replace

from router.config.config_file import ConfigFile
from router.core.incident.outlook import outlook
from router.core.incident.settings import Settings
from router.core.messages.replies import reply
from router.model.event import Command
from router.model.incident import OPEN, Incident, Severity, Status
from router.model.reason import Reason
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.services import Inbox
from router.ports.store import Store
from router.web.api.commands import BODIES, COMMANDS, CommandBody, Particulars
from router.web.api.content import MAX_PAGE, form, incident_named, page_number
from router.web.api.context import Investigation
from router.web.api.previews import Drafts
from router.web.auth import LONGEST_NAME, Credential, Role, caller, identify, named
from router.web.pages.frame import inside

SHOWN = 50
"""Past incidents on one page."""

OPEN_SHOWN = 100
"""Open incidents on one page. All of them are counted and sorted."""

NOTICE = "notice"
"""The cookie with the outcome of the last form: no other site, and no link, can set it."""

NAME = "name"
"""The cookie with the name that somebody gave, where no token names them."""

KEPT = 365 * 86_400
"""Seconds for which a name is kept."""

FIELDS: Mapping[Command, Mapping[str, str]] = {
    Command.ASSIGN: {"text": "lead"},
    Command.PUBLISH: {"title": "title", "text": "text"},
    Command.ANNOUNCE: {"title": "title", "text": "text"},
    Command.SNOOZE: {"for": "for"},
    Command.MERGE: {"other": "other"},
    Command.LINK: {"other": "other"},
}
"""The fields of a command, and those of its form."""

CONFIRMED = (Command.FALSE_POSITIVE, Command.PUBLISH, Command.ANNOUNCE)
"""Commands that ask for confirmation."""

PATHS = {command: path for path, command in COMMANDS.items()}


class Incidents:
    """Shows the store and submits commands; decides nothing."""

    def __init__(  # noqa: PLR0913 - its parts
        self,
        store: Store,
        inbox: Inbox,
        clock: Clock,
        investigation: Investigation,
        drafts: Drafts,
        *,
        config_file: Callable[[], ConfigFile],
        settings: Callable[[], Settings],
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._investigation = investigation
        self._drafts = drafts
        self._config_file = config_file
        self._settings = settings
        self._particulars = Particulars(store, clock, lambda: config_file().company.time_zone)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.enter),
            web.get("/incidents", self.show_list),
            web.get("/incidents/{id}", self.show),
            web.post("/incidents/{id}/{command}", self.do),
        ]

    async def enter(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound("/incidents")

    async def show_list(self, request: web.Request) -> web.Response:
        self._who(request)
        before, start = page_number(request, "before"), page_number(request, "from")
        closed = [status for status in Status if status not in OPEN]
        past = await self._store.incidents(statuses=closed, before=before, limit=SHOWN + 1)
        found = [] if before else sorted(await self._open(), key=_urgency)
        return inside(
            request,
            "incidents.html",
            before=before,
            open=found[start : start + OPEN_SHOWN],
            start=start,
            step=OPEN_SHOWN,
            total=len(found),
            counts=[(one, sum(each.severity is one for each in found)) for one in Severity],
            unacknowledged=sum(one.acknowledged_at is None for one in found),
            past=past[:SHOWN],
            more=len(past) > SHOWN,
        )

    async def _open(self) -> list[Incident]:
        """Return all open incidents."""
        found: list[Incident] = []
        while True:
            before = found[-1].id if found else 0
            some = await self._store.incidents(statuses=OPEN, before=before, limit=MAX_PAGE)
            found += some
            if len(some) < MAX_PAGE:
                return found

    async def show(self, request: web.Request) -> web.Response:
        self._who(request)
        one = await incident_named(request, self._store)
        response = await self._page(request, one, _notice(request, one))
        if NOTICE in request.cookies:
            response.del_cookie(NOTICE, path=request.path)
        return response

    async def _page(self, request: web.Request, one: Incident, notice: str) -> web.Response:
        context, now = await self._investigation.of(one), self._clock.now()
        timeline = await self._store.timeline(one.id)
        return inside(
            request,
            "incident.html",
            now=now,
            incident=one,
            notice=notice,
            may=self._may(request),
            asks_name=self._asks_name(request),
            name=_cookie_name(request),
            longest=LONGEST_NAME,
            severities=[*Severity],
            statuses=OPEN,
            context=context,
            outlook=outlook(one, timeline, self._settings(), now),
            drafts=[draft for draft in await self._drafts.of(one) if draft.approves],
            timeline=timeline,
            notifications=await self._store.notifications(incident_id=one.id),
        )

    async def do(self, request: web.Request) -> web.Response:
        """Submit the form's command, after confirmation if it needs one, and lead back.

        Raises: InvalidInput; aiohttp's 403, 404 and 413.
        """
        by = self._who(request, Role.RESPONDER)
        one = await incident_named(request, self._store)
        command = COMMANDS.get(request.match_info["command"])
        if command is None:
            raise web.HTTPNotFound(text="there is no such command")
        filled = await form(request)
        name = named(filled.get("by", "")) if self._asks_name(request) else ""
        said = await self._said(filled, command, one)
        if command in CONFIRMED and not filled.get("confirm"):
            confirmation = await self._confirmation(request, one, command, said, name)
            if confirmation is not None:
                return confirmation
        by = name or _cookie_name(request) or by if self._asks_name(request) else by
        reason = await self._submit(one, command, said, by)
        raise _back(one, command, reason, name)

    async def _submit(self, one: Incident, command: Command, said: CommandBody, by: str) -> Reason:
        event = await self._particulars.event(one, command, said, by)
        (reason,) = await self._inbox.submit([event])
        return reason

    async def _said(
        self, filled: Mapping[str, str], command: Command, one: Incident
    ) -> CommandBody:
        """Return the particulars of the command. Raises: InvalidInput."""
        said = _particulars(filled, command)
        if command not in {Command.PUBLISH, Command.ANNOUNCE}:
            return said
        title, text = await self._drafts.completed(one, command, said.title, said.text)
        return replace(said, title=title, text=text)

    async def _confirmation(
        self, request: web.Request, one: Incident, command: Command, said: CommandBody, name: str
    ) -> web.Response | None:
        """Return the page that asks for confirmation; None if the command mails nobody."""
        recipients = await self._drafts.recipients(one, command)
        if command is not Command.FALSE_POSITIVE and not recipients:
            return None
        return inside(
            request,
            "confirm.html",
            incident=one,
            command=command.value,
            path=PATHS[command],
            recipients=recipients,
            title=said.title,
            text=said.text,
            name=name,
        )

    def _asks_name(self, request: web.Request) -> bool:
        """Return whether nothing else names the person: no credentials, and no proxy."""
        who = identify(request, Role.VIEWER, in_browser=True)
        return who.credential is Credential.NONE and "X-Router-User" not in request.headers

    def _who(self, request: web.Request, needed: Role = Role.VIEWER) -> str:
        return caller(request, needed, in_browser=True)

    def _may(self, request: web.Request) -> bool:
        """Return whether the reader may send commands."""
        try:
            return bool(self._who(request, Role.RESPONDER))
        except web.HTTPForbidden:
            return False


def _urgency(one: Incident) -> tuple[str, bool, float]:
    """Sort the worst first, then those that nobody has acknowledged, then the newest."""
    return one.severity.value, one.acknowledged_at is not None, -one.opened_at


def _particulars(filled: Mapping[str, str], command: Command) -> CommandBody:
    """Return the fields of the form that belong to the command. Raises: InvalidInput."""
    meant = FIELDS.get(command, {"text": "text", command.value: command.value})
    given = {name: filled[field] for name, field in meant.items() if filled.get(field)}
    try:
        return msgspec.convert(given, BODIES.get(command, CommandBody))
    except msgspec.ValidationError as error:
        raise InvalidInput(str(error)) from None


def _back(one: Incident, command: Command, reason: Reason, name: str) -> web.HTTPSeeOther:
    """Return the redirect to the incident, with the outcome as a notice, and the name kept."""
    path = f"/incidents/{one.id}"
    response = web.HTTPSeeOther(path)
    strict: Mapping[str, Any] = {"httponly": True, "samesite": "Strict"}
    response.set_cookie(NOTICE, f"{command.value}.{reason.value}", path=path, max_age=60, **strict)
    if name:
        response.set_cookie(NAME, quote(name), path="/", max_age=KEPT, **strict)
    return response


def _notice(request: web.Request, one: Incident) -> str:
    """Return the outcome of the form that was just sent; "" if there was none."""
    command, _, reason = request.cookies.get(NOTICE, "").partition(".")
    try:
        return reply(Reason(reason), Command(command), one)
    except ValueError:
        return ""


def _cookie_name(request: web.Request) -> str:
    return named(unquote(request.cookies.get(NAME, "")))

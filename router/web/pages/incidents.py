"""`/incidents`: the pages on which people look at incidents and answer them. `/` leads there."""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from msgspec.structs import replace

from router.config.document import ConfigFile
from router.core.messages.replies import told
from router.model.event import Command, Commanded
from router.model.incident import OPEN, Incident, Severity, Status
from router.model.reason import Reason
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.services import Inbox
from router.ports.store import Store
from router.web.api.commands import BODIES, COMMANDS, CommandBody
from router.web.api.content import form, incident_named, page_number
from router.web.api.context import Investigation
from router.web.api.previews import Drafts
from router.web.auth import LONGEST_NAME, Role, named, whoever
from router.web.pages.page import page

SHOWN = 50
MOST_OPEN = 500
PUBLIC = {"title": "title", "text": "text"}
"""The fields of the forms for words to the public, and what each is in the command."""


class Incidents:
    """Shows the store and submits what people do. It decides nothing."""

    def __init__(  # noqa: PLR0913 - the parts it stands between
        self,
        store: Store,
        inbox: Inbox,
        clock: Clock,
        investigation: Investigation,
        drafts: Drafts,
        *,
        document: Callable[[], ConfigFile],
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._investigation = investigation
        self._drafts = drafts
        self._document = document

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.enter),
            web.get("/incidents", self.list),
            web.get("/incidents/{id}", self.show),
            web.post("/incidents/{id}/{command}", self.do),
        ]

    async def enter(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound("/incidents")

    async def list(self, request: web.Request) -> web.Response:
        self._who(request)
        before = page_number(request, "before")
        closed = [status for status in Status if status not in OPEN]
        past = await self._store.incidents(statuses=closed, before=before, limit=SHOWN + 1)
        return page(
            "incidents.html",
            company=self._document().company.name,
            now=self._clock.now(),
            before=before,
            open=() if before else await self._store.incidents(statuses=OPEN, limit=MOST_OPEN),
            past=past[:SHOWN],
            more=len(past) > SHOWN,
        )

    async def show(self, request: web.Request) -> web.Response:
        self._who(request)
        one = await incident_named(request, self._store)
        context = await self._investigation.of(one)
        return page(
            "incident.html",
            company=self._document().company.name,
            now=self._clock.now(),
            incident=one,
            said=_outcome(request, one),
            may=self._may(request),
            asks_name=not self._document().auth.tokens and "X-Router-User" not in request.headers,
            longest=LONGEST_NAME,
            severities=[*Severity],
            statuses=OPEN,
            context=context,
            drafts=[draft for draft in await self._drafts.of(one) if draft.approves],
            timeline=await self._store.timeline(one.id),
            notifications=await self._store.notifications(incident_id=one.id),
        )

    async def do(self, request: web.Request) -> web.Response:
        """Submit the command of the form, and lead back.

        Raises: Bad; aiohttp's 403, 404 and 413.
        """
        by = self._who(request, Role.RESPONDER)
        one = await incident_named(request, self._store)
        command = COMMANDS.get(request.match_info["command"])
        if command is None:
            raise web.HTTPNotFound(text="no such command")
        filled = await form(request)
        if not self._document().auth.tokens:
            by = named(filled.get("by", "")) or by
        said = _said(filled, command)
        if command is Command.ANNOUNCE:
            title, text = await self._drafts.completed(one, command, said.title, said.text)
            said = replace(said, title=title, text=text)
        event = Commanded(
            self._clock.now(),
            one.id,
            by,
            command,
            said.text,
            said.severity,
            status=said.status,
            title=said.title,
        )
        (reason,) = await self._inbox.submit([event])
        query = urlencode({"did": command.value, "outcome": reason.value})
        raise web.HTTPSeeOther(f"/incidents/{one.id}?{query}")

    def _who(self, request: web.Request, needed: Role = Role.VIEWER) -> str:
        return whoever(request, self._document().auth, needed, in_browser=True)

    def _may(self, request: web.Request) -> bool:
        """Whether who looks may do something, too."""
        try:
            return bool(self._who(request, Role.RESPONDER))
        except web.HTTPForbidden:
            return False


def _said(filled: Mapping[str, str], command: Command) -> CommandBody:
    """What the form says to its button: it holds what is for the others, too. Raises: Bad."""
    fields = {Command.ASSIGN: {"text": "lead"}, Command.PUBLISH: PUBLIC, Command.ANNOUNCE: PUBLIC}
    meant = fields.get(command, {"text": "text", command.value: command.value})
    meant = {name: filled[field] for name, field in meant.items() if filled.get(field)}
    try:
        return msgspec.convert(meant, BODIES.get(command, CommandBody))
    except msgspec.ValidationError as error:
        raise InvalidInput(str(error)) from None


def _outcome(request: web.Request, one: Incident) -> str:
    """What became of what was just done; "" if it was nothing, or nothing that there is."""
    try:
        return told(Reason(request.query["outcome"]), Command(request.query["did"]), one)
    except (KeyError, ValueError):
        return ""

"""`/incidents/{id}/postmortem`: the form of a post-mortem, and its action items."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from itertools import groupby
from typing import Any

from aiohttp import web

from router.chart.incident_chart import incident_chart
from router.core.messages.timeline import describe
from router.core.postmortem.document import Case, happened
from router.core.postmortem.durations import durations
from router.core.text.plain import plain
from router.model.postmortem import Written
from router.model.reason import Reason
from router.ports.errors import InvalidInput
from router.ports.services import Inbox
from router.ports.store import Store
from router.web.api.content import draw, form, incident_named
from router.web.auth import Role, caller
from router.web.pages.errors import as_sentence
from router.web.pages.frame import inside
from router.web.pages.history import DELIVERIES, FAILED
from router.web.postmortem.items import ItemBody, ItemPaths, item_named
from router.web.postmortem.service import PostMortemService

PATH = "/incidents/{id}/postmortem"
MAX_FORM = 1024 * 1024

FIELDS = (
    ("summary", "Summary", 4),
    ("root_cause", "Root cause", 5),
    ("users_affected", "Users affected", 1),
    ("revenue", "Revenue impact", 1),
    ("services", "Services affected", 1),
    ("resolution", "Resolution", 4),
    ("went_well", "What went well", 4),
    ("improve", "What could be improved", 4),
    ("prevent", "Preventive measures", 4),
)
"""Name, label and lines of each field. One line is a plain value, others are Markdown."""

CONFLICT = (
    "Somebody else has edited this since you opened it. "
    "Your text is below, with the current text beside it."
)


class PostMortemPage:
    """Shows the form, and submits what was typed."""

    def __init__(
        self,
        postmortems: PostMortemService,
        items: ItemPaths,
        store: Store,
        inbox: Inbox,
    ) -> None:
        self._postmortems = postmortems
        self._items = items
        self._store = store
        self._inbox = inbox

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(PATH, self.show),
            web.get(f"{PATH}.svg", self.chart),
            web.post(PATH, self.write),
            web.post(f"{PATH}/share", self.share),
            web.post(f"{PATH}/waive", self.waive),
            web.post(f"{PATH}/items", self.add),
            web.post(f"{PATH}/items/{{number}}/done", self.done),
        ]

    async def show(self, request: web.Request) -> web.Response:
        self._who(request, Role.VIEWER)
        return await self._page(request)

    async def chart(self, request: web.Request) -> web.Response:
        self._who(request, Role.VIEWER)
        case, _ = await self._postmortems.read(await incident_named(request, self._store))
        return await draw(incident_chart, case)

    async def write(self, request: web.Request) -> web.Response:
        by = self._who(request, Role.RESPONDER)
        filled = await form(request, MAX_FORM)
        if (conflict := await self._save(request, filled, by)) is not None:
            return conflict
        raise _back(request)

    async def _save(
        self, request: web.Request, filled: Mapping[str, str], by: str
    ) -> web.Response | None:
        """Save the form; return the page to answer with if somebody else wrote in between."""
        incident = await incident_named(request, self._store)
        case, _ = await self._postmortems.read(incident)
        texts = {name: filled.get(name, "") for name, _, _ in FIELDS}
        written = Written(**texts, extra=case.written.extra)
        version = filled.get("version", "")
        known = version.isascii() and version.isdigit() and len(version) < 16
        if known and await self._postmortems.write(incident, written, int(version), by):
            return None
        return await self._page(
            request, typed=written, problem=CONFLICT, status=HTTPStatus.CONFLICT
        )

    async def share(self, request: web.Request) -> web.Response:
        """Share the post-mortem, after saving the form if it was sent along."""
        by = self._who(request, Role.RESPONDER)
        filled = await form(request, MAX_FORM)
        if "version" in filled:
            conflict = await self._save(request, filled, by)
            if conflict is not None:
                return conflict
        reason = await self._postmortems.share(await incident_named(request, self._store), by)
        if reason is None:
            text = "The post-mortem is empty: write at least its summary, or waive it."
            return await self._page(request, problem=text, status=HTTPStatus.CONFLICT)
        if reason is Reason.STILL_OPEN:
            return await self._page(
                request, problem="The incident is still open.", status=HTTPStatus.CONFLICT
            )
        raise _back(request)

    async def waive(self, request: web.Request) -> web.Response:
        by = self._who(request, Role.RESPONDER)
        filled = await form(request, MAX_FORM)
        incident = await incident_named(request, self._store)
        try:
            await self._postmortems.waive(incident, by, filled.get("reason", ""))
        except InvalidInput as error:
            return await self._page(
                request, problem=as_sentence(error.detail), status=HTTPStatus.BAD_REQUEST
            )
        raise _back(request)

    async def add(self, request: web.Request) -> web.Response:
        by = self._who(request, Role.RESPONDER)
        incident = await incident_named(request, self._store)
        filled = await form(request, MAX_FORM)
        given = ItemBody(filled.get("text"), filled.get("owner"), filled.get("due"))
        try:
            event = self._items.event(incident, given, by, key=plain(filled.get("key", ""))[:100])
        except InvalidInput as error:
            return await self._page(
                request, problem=as_sentence(error.detail), status=HTTPStatus.BAD_REQUEST
            )
        await self._inbox.submit([event])
        raise _back(request)

    async def done(self, request: web.Request) -> web.Response:
        by = self._who(request, Role.RESPONDER)
        incident = await incident_named(request, self._store)
        number = item_named(request, incident).number
        await self._inbox.submit([self._items.event(incident, ItemBody(done=True), by, number)])
        raise _back(request)

    def _who(self, request: web.Request, needed: Role) -> str:
        return caller(request, needed, in_browser=True)

    async def _page(
        self,
        request: web.Request,
        *,
        typed: Written | None = None,
        problem: str = "",
        status: int = HTTPStatus.OK,
    ) -> web.Response:
        """Show the form. `typed` is text that could not be saved."""
        case, version = await self._postmortems.read(await incident_named(request, self._store))
        shown = typed or case.written
        fields: list[dict[str, Any]] = [
            {
                "name": name,
                "label": label,
                "lines": lines,
                "text": getattr(shown, name),
                "there": there
                if (there := getattr(case.written, name)) != getattr(shown, name)
                else "",
            }
            for name, label, lines in FIELDS
        ]
        return inside(
            request,
            "postmortem.html",
            status=status,
            incident=case.incident,
            fields=fields,
            extra=case.written.extra,
            version=version,
            problem=problem,
            took=durations(case.incident, case.timeline),
            happened=_folded(case),
            key=secrets.token_hex(8),
        )


def _folded(case: Case) -> list[tuple[float, list[str]]]:
    """Return what happened, with messages delivered in a row together, at the time of the first."""
    delivered = {
        (entry.at, describe(entry)) for entry in case.timeline if entry.what in DELIVERIES - FAILED
    }
    folded: list[tuple[float, list[str]]] = []
    for together, lines in groupby(happened(case), key=delivered.__contains__):
        some = [*lines]
        if together:
            folded.append((some[0][0], [words for _, words in some]))
        else:
            folded += [(at, [words]) for at, words in some]
    return folded


def _back(request: web.Request) -> web.HTTPSeeOther:
    return web.HTTPSeeOther(f"/incidents/{request.match_info['id']}/postmortem")

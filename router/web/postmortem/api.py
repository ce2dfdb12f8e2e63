"""`/api/v1/incidents/{id}/postmortem`: read, written, drawn and shared."""

import dataclasses
import re
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web
from msgspec.structs import asdict

from router.config.document import Auth
from router.core.postmortem.document import Case, document, sections
from router.core.postmortem.durations import durations
from router.model.postmortem import Written
from router.model.reason import Reason
from router.ports.clock import Clock
from router.ports.store import Store
from router.web.api.content import answer, body, drawn, incident_named
from router.web.api.views import when
from router.web.auth import Role, whoever
from router.web.postmortem.items import view as item_view
from router.web.postmortem.service import PostMortemService, stem
from router.web.problem import problem

MARKDOWN = "text/markdown"


class WrittenBody(Written, frozen=True, forbid_unknown_fields=True):
    """What people write: all of it, what isn't given is blank."""


class PostMortemPaths:
    """Reads and writes by the casebook."""

    def __init__(
        self, casebook: PostMortemService, store: Store, clock: Clock, *, auth: Callable[[], Auth]
    ) -> None:
        self._casebook = casebook
        self._store = store
        self._clock = clock
        self._auth = auth

    def routes(self) -> list[web.RouteDef]:
        base = "/api/v1/incidents/{id}/postmortem"
        return [
            web.get(base, self.show),
            web.put(base, self.write),
            web.get(f"{base}.svg", self.chart),
            web.post(f"{base}/share", self.share),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """As JSON, or as the Markdown itself for whoever accepts that."""
        whoever(request, self._auth(), Role.VIEWER)
        incident = await incident_named(request, self._store)
        case, version = await self._casebook.read(incident)
        drawn = (
            await self._casebook.chart(incident) if request.query.get("chart") == "true" else b""
        )
        return self._answer(request, case, version, drawn)

    async def write(self, request: web.Request) -> web.Response:
        """Put what people write in place of the version that `If-Match` names. Raises: Bad."""
        by = whoever(request, self._auth(), Role.RESPONDER)
        incident = await incident_named(request, self._store)
        wanted = _version(request)
        if wanted is None:
            return problem(
                HTTPStatus.PRECONDITION_REQUIRED,
                'say what you saw: If-Match: "VERSION", as the ETag was',
            )
        written = await body(request, WrittenBody)
        if not await self._casebook.write(incident, written, wanted, by):
            return problem(
                HTTPStatus.PRECONDITION_FAILED, "somebody else wrote it since: read it again"
            )
        case, version = await self._casebook.read(incident)
        return self._answer(request, case, version)

    async def share(self, request: web.Request) -> web.Response:
        """Owe the channels that are for it a message."""
        by = whoever(request, self._auth(), Role.RESPONDER)
        reason = await self._casebook.share(await incident_named(request, self._store), by)
        if reason is Reason.STILL_OPEN:
            return problem(HTTPStatus.CONFLICT, "the incident is still open: resolve it first")
        after = await incident_named(request, self._store)
        return answer({"outcome": reason, "shared_at": when(after.postmortem_shared_at)})

    async def chart(self, request: web.Request) -> web.Response:
        whoever(request, self._auth(), Role.VIEWER)
        return drawn(await self._casebook.chart(await incident_named(request, self._store)))

    def _answer(
        self, request: web.Request, case: Case, version: int, chart: bytes = b""
    ) -> web.Response:
        made = document(case)
        headers = {"ETag": f'"{version}"', "Vary": "Accept"}
        if MARKDOWN in request.headers.get("Accept", ""):
            return web.Response(text=made, content_type=MARKDOWN, headers=headers)
        incident = case.incident
        due_at = incident.postmortem_due
        shown = {
            "incident": incident.name,
            "file": f"{stem(incident, case.zone)}.md",
            "version": version,
            "due_at": when(due_at),
            "overdue": due_at is not None and due_at < self._clock.now(),
            "shared_at": when(incident.postmortem_shared_at),
            "durations": dataclasses.asdict(durations(incident, case.timeline)),
            "written": asdict(case.written),
            "items": [item_view(item, self._clock.now()) for item in incident.items],
            "sections": sections(case),
            "markdown": made,
            "chart": chart.decode() or None,
        }
        response = answer(shown)
        response.headers.update(headers)
        return response


def _version(request: web.Request) -> int | None:
    """Of `If-Match`; None if there's none, or none that can be."""
    found = re.fullmatch(r'(?:W/)?"?([0-9]{1,15})"?', request.headers.get("If-Match", "").strip())
    return int(found[1]) if found else None

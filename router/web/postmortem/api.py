"""Post-mortems over the API: read, written, drawn and shared."""

import asyncio
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import asdict

from router.chart import ChartsMissing
from router.chart.incident_chart import incident_chart
from router.core.postmortem.document import Case, Section, document, sections
from router.core.postmortem.durations import Durations, durations
from router.core.postmortem.parse import parsed
from router.model.postmortem import Extra, Words, Written
from router.model.reason import Reason
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.store import Store
from router.web.api.content import Text, Time, draw, incident_named
from router.web.api.incidents import Outcome
from router.web.api.operation import Answer, Call, operation, routes
from router.web.api.views import when
from router.web.auth import Role
from router.web.postmortem.items import ActionItemView
from router.web.postmortem.items import view as item_view
from router.web.postmortem.service import PostMortemService, stem
from router.web.problem import problem

MARKDOWN = "text/markdown"
EMPTY = "the post-mortem is empty: write at least its summary, or waive it with a reason"
OPEN = "the incident is still open: resolve it first"


class WrittenBody(Words, frozen=True, forbid_unknown_fields=True):
    """The parts that people write. A missing part becomes blank, except `extra`, which is kept."""

    extra: tuple[Extra, ...] | None = None


class WaiveBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The reason why the incident needs no post-mortem."""

    text: Annotated[Text, Meta(min_length=1)]


class PostMortemQuery(Struct, frozen=True):
    """The optional parts."""

    chart: Annotated[bool, Meta(description="`true`: with the chart as SVG.")] = False


class PostMortemView(Struct, frozen=True):
    """A post-mortem: the whole as `markdown`, and the parts that people wrote.

    `version` is the ETag; 0 before anybody wrote. `file` is the name of its file. `chart` is null
    if it was not requested, or if charts are not installed.
    """

    incident: str
    file: str
    version: int
    due_at: Time | None
    overdue: bool
    shared_at: Time | None
    durations: Durations
    written: Written
    items: list[ActionItemView]
    sections: list[Section]
    markdown: str
    chart: str | None


class SharedPostMortem(Struct, frozen=True):
    """The outcome, and when the post-mortem was shared."""

    outcome: Reason
    shared_at: Time | None


class PostMortemPaths:
    """Reads and writes through the post-mortem service."""

    def __init__(
        self,
        postmortems: PostMortemService,
        store: Store,
        clock: Clock,
    ) -> None:
        self._postmortems = postmortems
        self._store = store
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation(
        "GET",
        "/incidents/{id}/postmortem",
        "Show the post-mortem, as JSON or as Markdown.",
        offers=MARKDOWN,
    )
    async def show_postmortem(
        self, call: Call, query: PostMortemQuery
    ) -> Answer[PostMortemView] | web.Response:
        incident = await incident_named(call.request, self._store)
        case, version = await self._postmortems.read(incident)
        chart = await _drawn(case) if query.chart else None
        return self._answer(call.request, case, version, chart)

    @operation(
        "PUT",
        "/incidents/{id}/postmortem",
        "Write the post-mortem in place of the version that `If-Match` names.",
        Role.RESPONDER,
        problems=(
            HTTPStatus.PRECONDITION_FAILED,
            HTTPStatus.PRECONDITION_REQUIRED,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
        headers=("If-Match",),
        offers=MARKDOWN,
        accepts=MARKDOWN,
    )
    async def write_postmortem(
        self, call: Call, body: WrittenBody | str
    ) -> Answer[PostMortemView] | web.Response:
        """Markdown is read back into its parts."""
        incident = await incident_named(call.request, self._store)
        version = _version(call.request)
        if version is None:
            detail = 'name the version that you read: If-Match: "VERSION", the ETag'
            return problem(HTTPStatus.PRECONDITION_REQUIRED, detail)
        case, _ = await self._postmortems.read(incident)
        if isinstance(body, WrittenBody):
            extra = case.written.extra if body.extra is None else body.extra
            written = Written(**asdict(body) | {"extra": extra})
        else:
            found = parsed(body, case)
            if found.problems:
                return _unkept(found.problems)
            written = found.written
        if not await self._postmortems.write(incident, written, version, call.by):
            detail = "somebody else wrote another version: read it again"
            return problem(HTTPStatus.PRECONDITION_FAILED, detail)
        case, version = await self._postmortems.read(incident)
        return self._answer(call.request, case, version)

    @operation(
        "GET",
        "/incidents/{id}/postmortem.svg",
        "Show the timeline as a chart.",
        media="image/svg+xml",
    )
    async def draw_postmortem(self, call: Call) -> web.Response:
        case, _ = await self._postmortems.read(await incident_named(call.request, self._store))
        return await draw(incident_chart, case)

    @operation(
        "POST",
        "/incidents/{id}/postmortem/share",
        "Share the post-mortem with the channels of `postmortems.share`.",
        Role.RESPONDER,
        problems=(HTTPStatus.CONFLICT,),
    )
    async def share_postmortem(self, call: Call) -> SharedPostMortem:
        incident = await incident_named(call.request, self._store)
        reason = await self._postmortems.share(incident, call.by)
        if reason is None:
            raise web.HTTPConflict(text=EMPTY)
        if reason is Reason.STILL_OPEN:
            raise web.HTTPConflict(text=OPEN)
        after = await incident_named(call.request, self._store)
        return SharedPostMortem(reason, when(after.postmortem_shared_at))

    @operation(
        "POST",
        "/incidents/{id}/postmortem/waive",
        "Waive the post-mortem with a reason: nobody is reminded any more.",
        Role.RESPONDER,
        problems=(HTTPStatus.CONFLICT,),
    )
    async def waive_postmortem(self, call: Call, body: WaiveBody) -> Outcome:
        incident = await incident_named(call.request, self._store)
        reason = await self._postmortems.waive(incident, call.by, body.text)
        if reason is Reason.STILL_OPEN:
            raise web.HTTPConflict(text=OPEN)
        return Outcome(reason)

    def _answer(
        self, request: web.Request, case: Case, version: int, chart: str | None = None
    ) -> Answer[PostMortemView] | web.Response:
        headers = {"ETag": f'"{version}"', "Vary": "Accept"}
        if MARKDOWN in request.headers.get("Accept", ""):
            text = document(case)
            return web.Response(text=text, content_type=MARKDOWN, headers=headers)
        return Answer(self._view(case, version, chart), headers=headers)

    def _view(self, case: Case, version: int, chart: str | None) -> PostMortemView:
        incident, now = case.incident, self._clock.now()
        due_at = incident.postmortem_due
        return PostMortemView(
            incident=incident.name,
            file=f"{stem(incident, case.zone)}.md",
            version=version,
            due_at=when(due_at),
            overdue=due_at is not None and due_at < now,
            shared_at=when(incident.postmortem_shared_at),
            durations=durations(incident, case.timeline),
            written=case.written,
            items=[item_view(item, now) for item in incident.items],
            sections=sections(case),
            markdown=document(case),
            chart=chart,
        )


async def _drawn(case: Case) -> str | None:
    """Return the chart as SVG; None if charts are not installed."""
    try:
        return (await asyncio.to_thread(incident_chart, case)).decode()
    except ChartsMissing:
        return None


def _unkept(problems: Sequence[str]) -> web.Response:
    """Return a problem for text that cannot be stored. Nothing was written."""
    detail = "nothing was written: move these lines to a heading of your own"
    errors = [InvalidInput(problem) for problem in problems]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors)


def _version(request: web.Request) -> int | None:
    """Return the version in `If-Match`; None if there is none."""
    found = re.fullmatch(r'(?:W/)?"?([0-9]{1,15})"?', request.headers.get("If-Match", "").strip())
    return int(found[1]) if found else None

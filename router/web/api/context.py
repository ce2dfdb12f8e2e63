"""Gather what helps to investigate an incident: for the API and for the incident's page."""

import asyncio
import functools
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Literal

from aiohttp import web
from msgspec import Struct

from router.chart import ChartsMissing, ImageFormat, ImageOptions, line_chart, notice
from router.config.config_file import ConfigFile
from router.core.deployments.similar import Fix, Similar, similar, what_fixed
from router.core.messages.context_links import Link, Window, links, query_of, window
from router.model.deployment import Deployment
from router.model.incident import Incident, Severity, Status
from router.ports.clock import Clock
from router.ports.errors import NoChart
from router.ports.services import Charts
from router.ports.store import AlertRow, Store
from router.records.records import Records
from router.web.api import views
from router.web.api.content import PICTURE, Time, incident_named
from router.web.api.operation import Call, operation, routes
from router.web.api.views import AlertView, DeploymentView, exactly, when
from router.web.auth import Role, caller
from router.web.pages.frame import reader_zone

TYPES = {ImageFormat.SVG: "image/svg+xml", ImageFormat.PNG: "image/png"}

COMPARED = 500
"""Maximum earlier incidents that are compared with this one."""

DEPLOYMENTS = 20
ALERTS = 100
"""Maximum rows shown."""


class InvestigationContext(Struct, frozen=True):
    """The time window, links, deployments, alerts and similar incidents.

    `query` is the alert's own PromQL, `chart` the path of its chart; "" if there is none.
    `deployments` are those in the time window, newest first.
    """

    window: Window
    links: list[Link]
    query: str
    chart: str
    deployments: list[Deployment]
    alerts: list[AlertRow]
    similar: list[tuple[Similar, Fix | None]]


class WindowView(Struct, frozen=True):
    """The time window to look at. `onset` is when the first alert began to fire."""

    start: Time
    onset: Time
    end: Time


class LinkView(Struct, frozen=True):
    """A link to another service, or the problem with its template."""

    name: str
    url: str | None
    problem: str | None


class FixView(Struct, frozen=True):
    """The note about the fix of an incident."""

    text: str
    by: str | None
    at: Time


class SimilarView(Struct, frozen=True):
    """An earlier incident: how similar it is, in what way, and what fixed it."""

    incident: int
    name: str
    title: str
    severity: Severity
    status: Status
    opened_at: Time
    closed_at: Time | None
    closed_by: str | None
    score: float
    same: Literal["key", "rule", "labels"]
    labels: tuple[str, ...]
    fix: FixView | None


class ContextView(Struct, frozen=True):
    """Everything that helps to investigate an incident."""

    window: WindowView
    links: list[LinkView]
    query: str | None
    chart: str | None
    deployments: list[DeploymentView]
    alerts: list[AlertView]
    similar: list[SimilarView]


class Investigation:
    """Gathers the context of an incident; decides nothing."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        charts: Charts,
        deployments: Records[Deployment],
        *,
        config_file: Callable[[], ConfigFile],
    ) -> None:
        self._store = store
        self._clock = clock
        self._charts = charts
        self._deployments = deployments
        self._config_file = config_file

    def routes(self) -> list[web.RouteDef]:
        return [
            *routes(self),
            web.get("/incidents/{id}/chart.{form:svg|png}", self.draw),
        ]

    async def of(self, incident: Incident) -> InvestigationContext:
        """Raises: StoreUnavailable."""
        rows = list(await self._store.alerts(incident_id=incident.id, limit=ALERTS))
        seen = self._window(incident, rows)
        deployed = await self._deployments.find(since=seen.start, until=seen.end, limit=DEPLOYMENTS)
        earlier = await self._store.incidents(before=incident.id, limit=COMPARED)
        return InvestigationContext(
            window=seen,
            links=links(
                [(link.name, link.url) for link in self._config_file().links], incident, seen
            ),
            query=query_of(incident.url),
            chart=f"/incidents/{incident.id}/chart.svg" if self._charts.there(incident) else "",
            deployments=[deployment for _, deployment in deployed],
            alerts=rows,
            similar=[
                (found, what_fixed(await self._store.timeline(found.incident.id)))
                for found in similar(incident, earlier)
            ],
        )

    def _window(self, incident: Incident, rows: Iterable[AlertRow]) -> Window:
        return window(incident, [row.alert for row in rows], self._clock.now())

    async def draw(self, request: web.Request) -> web.Response:
        """Return the chart; if it fails, a picture with the reason, because pages embed it."""
        caller(request, Role.VIEWER, in_browser=True)
        incident, form = (
            await incident_named(request, self._store),
            ImageFormat(request.match_info["form"]),
        )
        seen = self._window(
            incident, await self._store.alerts(incident_id=incident.id, limit=ALERTS)
        )
        status = HTTPStatus.OK
        try:
            drawn = await self._charts.draw(incident, seen, form, reader_zone(request))
        except NoChart as error:
            status = HTTPStatus.BAD_GATEWAY
            drawn = await _notice(f"No chart: {error}", seen, form)
        return web.Response(
            status=status,
            body=drawn,
            content_type=TYPES[form],
            headers=PICTURE | {"Cache-Control": "private, max-age=30"},
        )

    @operation(
        "GET",
        "/incidents/{id}/context",
        "Show links, deployments, alerts and similar incidents.",
    )
    async def show_context(self, call: Call) -> ContextView:
        return _view(await self.of(await incident_named(call.request, self._store)))


async def _notice(words: str, seen: Window, form: ImageFormat) -> bytes:
    """Return a picture of a text. Raises: aiohttp's HTTPBadGateway for a PNG without charts."""
    if form is ImageFormat.SVG:
        return notice(words, ImageOptions(form))
    draw = functools.partial(line_chart, [], start=seen.start, end=seen.end, title=words)
    try:
        return await asyncio.to_thread(draw, options=ImageOptions(form))
    except ChartsMissing:
        raise web.HTTPBadGateway(text=words) from None


def _view(context: InvestigationContext) -> ContextView:
    seen = context.window
    return ContextView(
        window=WindowView(exactly(seen.start), exactly(seen.onset), exactly(seen.end)),
        links=[
            LinkView(link.name, link.url or None, link.problem or None) for link in context.links
        ],
        query=context.query or None,
        chart=context.chart or None,
        deployments=[views.deployment(deployment) for deployment in context.deployments],
        alerts=[views.alert(row) for row in context.alerts],
        similar=[_similar(found, fix) for found, fix in context.similar],
    )


def _similar(found: Similar, fix: Fix | None) -> SimilarView:
    incident = found.incident
    return SimilarView(
        incident=incident.id,
        name=incident.name,
        title=incident.title,
        severity=incident.severity,
        status=incident.status,
        opened_at=exactly(incident.opened_at),
        closed_at=when(incident.closed_at),
        closed_by=incident.closed_by or None,
        score=found.score,
        same=found.same,
        labels=found.labels,
        fix=FixView(fix.text, fix.by or None, exactly(fix.at)) if fix else None,
    )

"""What helps to investigate an incident, gathered from the store and the config: for the API, and
for its page.
"""

import asyncio
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from aiohttp import web
from msgspec import Struct

from router.chart import ImageFormat, Look, line_chart
from router.config.document import Document
from router.core.deployments.similar import Fix, Similar, similar, what_fixed
from router.core.messages.context_links import Link, Window, links, query_of, window
from router.model.deployment import Deployment
from router.model.incident import Incident
from router.ports.clock import Clock
from router.ports.errors import NoChart
from router.ports.services import Charts
from router.ports.store import AlertRow, Store
from router.records.records import Records
from router.web.api.content import PICTURE, answer, incident_named
from router.web.api.views import alert, deployment, when
from router.web.auth import Role, whoever

TYPES = {ImageFormat.SVG: "image/svg+xml", ImageFormat.PNG: "image/png"}

LOOKED_AT = 500
"""How many of the incidents before one are compared with it."""

DEPLOYMENTS = 20
ALERTS = 100
"""How many of each are shown."""


class InvestigationContext(Struct, frozen=True):
    """The time to look at, where, at what, and what was like it before.

    `query` is the alert's own PromQL, `chart` the path of what it measured, drawn; "" where there's
    none. `deployments` are those of that time, newest first.
    """

    window: Window
    links: list[Link]
    query: str
    chart: str
    deployments: list[Deployment]
    alerts: list[AlertRow]
    similar: list[tuple[Similar, Fix | None]]


class Investigation:
    """Gathers. It decides nothing."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        charts: Charts,
        deployed: Records[Deployment],
        *,
        document: Callable[[], Document],
    ) -> None:
        self._store = store
        self._clock = clock
        self._charts = charts
        self._deployed = deployed
        self._document = document

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/incidents/{id}/context", self.show),
            web.get("/incidents/{id}/chart.{form:svg|png}", self.draw),
        ]

    async def of(self, one: Incident) -> InvestigationContext:
        """Raises: StoreUnavailable."""
        rows = list(await self._store.alerts(incident_id=one.id, limit=ALERTS))
        seen = self._window(one, rows)
        deployed = await self._deployed.find(since=seen.start, until=seen.end, limit=DEPLOYMENTS)
        before = await self._store.incidents(before=one.id, limit=LOOKED_AT)
        return InvestigationContext(
            window=seen,
            links=links([(link.name, link.url) for link in self._document().links], one, seen),
            query=query_of(one.url),
            chart=f"/incidents/{one.id}/chart.svg" if self._charts.there(one) else "",
            deployments=[one for _, one in deployed],
            alerts=rows,
            similar=[
                (found, what_fixed(await self._store.timeline(found.incident.id)))
                for found in similar(one, before)
            ],
        )

    def _window(self, one: Incident, rows: Iterable[AlertRow]) -> Window:
        return window(one, [row.alert for row in rows], self._clock.now())

    async def draw(self, request: web.Request) -> web.Response:
        """The chart; where there's none, a picture that says why, for it's shown in the chart's
        place.
        """
        whoever(request, self._document().auth, Role.VIEWER, in_browser=True)
        one, form = (
            await incident_named(request, self._store),
            ImageFormat(request.match_info["form"]),
        )
        seen = self._window(one, await self._store.alerts(incident_id=one.id, limit=ALERTS))
        status = HTTPStatus.OK
        try:
            drawn = await self._charts.draw(one, seen, form)
        except NoChart as error:
            status = HTTPStatus.BAD_GATEWAY
            drawn = await asyncio.to_thread(
                line_chart,
                [],
                start=seen.start,
                end=seen.end,
                title=f"No chart: {error}",
                look=Look(form),
            )
        return web.Response(
            status=status,
            body=drawn,
            content_type=TYPES[form],
            headers=PICTURE | {"Cache-Control": "private, max-age=30"},
        )

    async def show(self, request: web.Request) -> web.Response:
        whoever(request, self._document().auth, Role.VIEWER)
        return answer(_view(await self.of(await incident_named(request, self._store))))


def _view(context: InvestigationContext) -> dict[str, Any]:
    seen = context.window
    return {
        "window": {"start": when(seen.start), "onset": when(seen.onset), "end": when(seen.end)},
        "links": [
            {"name": link.name, "url": link.url or None, "problem": link.problem or None}
            for link in context.links
        ],
        "query": context.query or None,
        "chart": context.chart or None,
        "deployments": [deployment(one) for one in context.deployments],
        "alerts": [alert(row) for row in context.alerts],
        "similar": [_similar(found, fix) for found, fix in context.similar],
    }


def _similar(found: Similar, fix: Fix | None) -> dict[str, Any]:
    one = found.incident
    return {
        "incident": one.id,
        "name": one.name,
        "title": one.title,
        "severity": one.severity,
        "status": one.status,
        "opened_at": when(one.opened_at),
        "closed_at": when(one.closed_at),
        "closed_by": one.closed_by or None,
        "score": found.score,
        "same": found.same,
        "labels": found.labels,
        "fix": fix and {"text": fix.text, "by": fix.by or None, "at": when(fix.at)},
    }

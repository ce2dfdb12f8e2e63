"""`/api/v1/stats`, and the page `/stats`: how incidents went over a time."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from msgspec import to_builtins

from router.chart.trends import CHARTS
from router.config.document import Document
from router.config.fields import parse_duration
from router.core.postmortem.statistics import Statistics, statistics
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.store import Store
from router.web.api.content import answer, drawn
from router.web.api.views import when
from router.web.auth import Role, whoever
from router.web.pages.page import page

MOST = 20_000
"""Incidents that are looked at, the newest: a second of work."""

SINCE = "30d"


class Stats:
    """Reads the store, and lets the core count.

    `zones` are the clocks of people who have one of their own.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        document: Callable[[], Document],
        zones: Callable[[], Mapping[str, str]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._document = document
        self._zones = zones

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/stats", self.show),
            web.get("/stats", self.page),
            web.get("/stats/{chart}.svg", self.draw),
        ]

    async def show(self, request: web.Request) -> web.Response:
        whoever(request, self._document().auth, Role.VIEWER)
        since, found = await self._found(request)
        shown: dict[str, Any] = {"since": when(since)} | to_builtins(found)
        return answer(shown)

    async def page(self, request: web.Request) -> web.Response:
        whoever(request, self._document().auth, Role.VIEWER, in_browser=True)
        since, found = await self._found(request)
        return page(
            "stats.html",
            company=self._document().company.name,
            since=since,
            span=request.query.get("since", SINCE),
            charts=[name for name in CHARTS if found.pages or name != "pages"],
            found=found,
            groups=[
                ("All", {"all": found.total}),
                ("By severity", found.by_severity),
                ("By rule", found.by_rule),
                ("By week", found.by_week),
            ],
        )

    async def draw(self, request: web.Request) -> web.Response:
        whoever(request, self._document().auth, Role.VIEWER, in_browser=True)
        chart = CHARTS.get(request.match_info["chart"])
        if chart is None:
            raise web.HTTPNotFound(text="no such chart")
        _, found = await self._found(request)
        return drawn(await asyncio.to_thread(chart, found))

    async def _found(self, request: web.Request) -> tuple[float, Statistics]:
        """Raises: Bad."""
        try:
            span = parse_duration(request.query.get("since", SINCE))
        except ValueError as error:
            raise InvalidInput(str(error), "/since") from None
        since = max(0.0, self._clock.now() - span)
        stories = await self._store.stories(since, MOST)
        zone = self._document().company.time_zone
        return since, await asyncio.to_thread(statistics, stories, zone=zone, zones=self._zones())

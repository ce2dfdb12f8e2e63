"""`/api/v1/stats` and the page `/stats`: incidents and pages over a time."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import asdict

from router.chart.trends import CHARTS
from router.config.config_file import ConfigFile
from router.config.fields import parse_duration
from router.core.postmortem.statistics import Statistics, statistics
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.store import Store
from router.web.api.content import Time, draw
from router.web.api.operation import operation, routes
from router.web.api.views import exactly
from router.web.auth import Role, caller
from router.web.pages.frame import inside

MOST = 20_000
"""Incidents that are counted, the newest: a second of work."""

SINCE = "30d"


class StatsQuery(Struct, frozen=True):
    """The time."""

    since: Annotated[str, Meta(description="How far back, such as `30d`.")] = SINCE


class StatsView(Statistics, frozen=True, kw_only=True):
    """The statistics of incidents since the time `since`."""

    since: Time


class Stats:
    """Reads the store; the core counts. `zones` has the contacts with a time zone of their own."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        config_file: Callable[[], ConfigFile],
        zones: Callable[[], Mapping[str, str]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._config_file = config_file
        self._zones = zones

    def routes(self) -> list[web.RouteDef]:
        return [
            *routes(self),
            web.get("/stats", self.page),
            web.get("/stats/{chart}.svg", self.draw),
        ]

    @operation("GET", "/stats", "Count incidents and pages over a time.")
    async def show_statistics(self, query: StatsQuery) -> StatsView:
        since, found = await self._found(query.since)
        return StatsView(since=exactly(since), **asdict(found))

    async def page(self, request: web.Request) -> web.Response:
        caller(request, Role.VIEWER, in_browser=True)
        span = request.query.get("since", SINCE)
        since, found = await self._found(span)
        return inside(
            request,
            "stats.html",
            since=since,
            span=span,
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
        caller(request, Role.VIEWER, in_browser=True)
        chart = CHARTS.get(request.match_info["chart"])
        if chart is None:
            raise web.HTTPNotFound(text="no such chart")
        _, found = await self._found(request.query.get("since", SINCE))
        return await draw(chart, found)

    async def _found(self, span: str) -> tuple[float, Statistics]:
        """Raises: Bad."""
        try:
            seconds = parse_duration(span)
        except ValueError as error:
            raise InvalidInput(str(error), "/since") from None
        since = max(0.0, self._clock.now() - seconds)
        stories = await self._store.stories(since, MOST)
        zone = self._config_file().company.time_zone
        counted = await asyncio.to_thread(statistics, stories, zone=zone, zones=self._zones())
        return since, counted

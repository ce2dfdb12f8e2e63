"""`/api/v1/stats` and the page `/stats`: incidents and pages over a period, also as CSV."""

import asyncio
import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import asdict, astuple

from router.config.config_file import ConfigFile
from router.config.fields import parse_duration
from router.core.postmortem.statistics import Statistics, Times, statistics
from router.core.text.units import duration
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.store import Store
from router.web.api.content import Time
from router.web.api.operation import operation, routes
from router.web.api.views import exactly
from router.web.auth import Role, caller
from router.web.pages.frame import inside

MOST = 20_000
"""Maximum incidents that are counted, newest first. Counting them takes a second."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Characters that begin a formula in a spreadsheet: https://owasp.org/www-community/attacks/CSV_Injection"""

SINCE = "30d"


class StatsQuery(Struct, frozen=True):
    """The period."""

    since: Annotated[str, Meta(description="How far back, such as `30d`.")] = SINCE


class StatsView(Statistics, frozen=True, kw_only=True):
    """The statistics of incidents since the time `since`.

    `complete` is false if only the newest 20,000 incidents were counted.
    """

    since: Time
    complete: bool


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
        ]

    @operation("GET", "/stats", "Count incidents and pages over a period.")
    async def show_statistics(self, query: StatsQuery) -> StatsView:
        since, found, complete = await self._found(query.since)
        return StatsView(since=exactly(since), complete=complete, **asdict(found))

    @operation("GET", "/stats.csv", "The same as CSV: a row for each group.", media="text/csv")
    async def export_statistics(self, query: StatsQuery) -> web.Response:
        _, found, _ = await self._found(query.since)
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(["group", "name", *Times.__struct_fields__])
        table.writerows(_rows(found))
        headers = {"Content-Disposition": 'attachment; filename="alert-router-stats.csv"'}
        return web.Response(text=text.getvalue(), content_type="text/csv", headers=headers)

    async def page(self, request: web.Request) -> web.Response:
        caller(request, Role.VIEWER, in_browser=True)
        span = request.query.get("since", SINCE)
        since, found, complete = await self._found(span)
        return inside(
            request,
            "stats.html",
            since=since,
            span=span,
            found=found,
            complete=complete,
            weeks=_weeks(found.by_week),
            groups=[
                ("All", {"all": found.total}),
                ("By severity", found.by_severity),
                ("By service", found.by_service),
                ("By rule, the noisiest first", _noisiest(found.by_rule)),
                ("By week", found.by_week),
            ],
        )

    async def _found(self, span: str) -> tuple[float, Statistics, bool]:
        """The start, the statistics, and whether all incidents since then were read.

        Raises: InvalidInput.
        """
        try:
            seconds = parse_duration(span)
        except ValueError as error:
            raise InvalidInput(str(error), "/since") from None
        since = max(0.0, self._clock.now() - seconds)
        stories = await self._store.stories(since, MOST)
        zone = self._config_file().company.time_zone
        counted = await asyncio.to_thread(statistics, stories, zone=zone, zones=self._zones())
        return since, counted, len(stories) < MOST


def _noisiest(by_rule: Mapping[str, Times]) -> dict[str, Times]:
    return dict(sorted(by_rule.items(), key=lambda each: -each[1].incidents))


def _rows(found: Statistics) -> Iterator[list[object]]:
    """Yield the rows of the CSV. Names that look like a formula get an apostrophe."""
    groups = {
        "total": {"": found.total},
        "severity": found.by_severity,
        "service": found.by_service,
        "rule": found.by_rule,
        "week": found.by_week,
    }
    for group, times in groups.items():
        for name, each in times.items():
            safe = f"'{name}" if name[:1] in FORMULA else name
            yield [group, safe, *astuple(each)]


def _weeks(by_week: Mapping[str, Times]) -> list[tuple[str, list[tuple[str, float, str]]]]:
    """Return the bars of each chart: the week, its value and the value's text."""
    counts = [
        (week, float(times.incidents), str(times.incidents)) for week, times in by_week.items()
    ]
    return [
        ("Incidents by week", counts),
        ("Time to acknowledge by week, median", _bars(by_week, "acknowledge_median")),
        ("Time to resolve by week, median", _bars(by_week, "resolve_median")),
    ]


def _bars(by_week: Mapping[str, Times], field: str) -> list[tuple[str, float, str]]:
    values = ((week, getattr(times, field)) for week, times in by_week.items())
    return [
        (week, value or 0.0, "none" if value is None else duration(round(value)))
        for week, value in values
    ]

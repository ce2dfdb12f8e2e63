"""Draw the alert's own query over the time of its incident.

Concurrent requests for a chart share one drawing, made in the background and cached for a while. A
message that cannot wait goes out without it.
"""

import asyncio
from dataclasses import dataclass

from router.chart import (
    ChartsMissing,
    ImageFormat,
    ImageOptions,
    Level,
    Mark,
    Series,
    Tone,
    line_chart,
    warm_up,
)
from router.config.config_file import PrometheusConfig
from router.core.messages.context_links import Window, curve_of, query_of
from router.evidence.prometheus import Prometheus
from router.model.incident import Incident
from router.ports.clock import spawn
from router.ports.errors import NoChart
from router.telemetry.logs import logger

log = logger(__name__)

FRESH = 60.0
"""Seconds after which the chart of an open incident is redrawn, and a failed one tried again."""

KEPT = 64
"""Charts in memory, of 20 to 60 kB each."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The key of a chart: it changes every `FRESH` seconds."""

    incident: int
    query: str
    marks: tuple[Mark, ...]
    period: int
    form: ImageFormat
    zone: str


class Charts:
    """Draws data of the Prometheus that `use` sets. Without one there are no charts."""

    def __init__(self) -> None:
        self._prometheus: Prometheus | None = None
        self._zone = "UTC"
        self._made: dict[_Wanted, asyncio.Future[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def use(self, config: PrometheusConfig | None, zone: str) -> None:
        """Query this Prometheus from now on. Charts show times in `zone`."""
        await self.close()
        self._zone = zone
        if config:
            self._prometheus = Prometheus(config)
            # The first incident's message does not wait for matplotlib to load.
            spawn(_load(), "chart", self._tasks)

    def there(self, incident: Incident) -> bool:
        """Return whether the incident has a query to draw."""
        return self._prometheus is not None and bool(query_of(incident.url))

    async def draw(
        self, incident: Incident, seen: Window, form: ImageFormat, zone: str = ""
    ) -> bytes:
        """Return the chart of the incident's alert, in `zone`. Raises: NoChart."""
        query = query_of(incident.url)
        if self._prometheus is None or not query:
            raise NoChart("no Prometheus is configured" if query else "the alert has no query")
        wanted = _Wanted(
            incident.id,
            query,
            _marks(incident),
            int(seen.end // FRESH),
            form,
            zone or self._zone,
        )
        made = self._made.get(wanted)
        if made is None:
            made = self._made[wanted] = asyncio.get_running_loop().create_future()
            made.add_done_callback(
                lambda done: done.cancelled() or done.exception()
            )  # marks the error as seen
            spawn(self._make(self._prometheus, wanted, seen, made), "chart", self._tasks)
            for old in [key for key, done in self._made.items() if done.done()][
                : len(self._made) - KEPT
            ]:
                del self._made[old]
        return await asyncio.shield(made)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._made.clear()
        if self._prometheus:
            await self._prometheus.close()
            self._prometheus = None

    async def _make(
        self, prometheus: Prometheus, wanted: _Wanted, seen: Window, made: asyncio.Future[bytes]
    ) -> None:
        try:
            curve, limit = curve_of(wanted.query)
            series = await prometheus.curves(curve, seen.start, seen.end)
            made.set_result(
                await asyncio.to_thread(self._drawn, series, wanted, seen, curve, limit)
            )
        except ChartsMissing as error:
            made.set_exception(NoChart(str(error)))
        except NoChart as error:
            log.info("no_chart", incident=f"INC-{wanted.incident}", why=str(error))
            made.set_exception(error)
        except Exception:
            log.exception("chart_failed", incident=f"INC-{wanted.incident}")
            made.set_exception(NoChart("a fault of the router: see its log"))
        finally:
            made.cancel()  # the drawing is unfinished only when the router stops

    def _drawn(
        self,
        series: list[Series],
        wanted: _Wanted,
        seen: Window,
        curve: str,
        limit: tuple[str, float] | None,
    ) -> bytes:
        return line_chart(
            series,
            start=seen.start,
            end=seen.end,
            level=Level(limit[1], f"{limit[0]} {limit[1]:g}") if limit else None,
            marks=wanted.marks,
            title=curve,
            zone=wanted.zone,
            options=ImageOptions(wanted.form),
        )


async def _load() -> None:
    try:
        await asyncio.to_thread(warm_up)
    except ChartsMissing as error:
        log.warning("charts_missing", error=str(error))


def _marks(incident: Incident) -> tuple[Mark, ...]:
    moments = (
        (incident.opened_at, "opened", Tone.BAD),
        (incident.acknowledged_at, "acknowledged", Tone.WARN),
        (incident.closed_at, incident.status.replace("_", " "), Tone.GOOD),
    )
    return tuple(Mark(at, label, tone) for at, label, tone in moments if at is not None)

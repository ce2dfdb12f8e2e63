"""Draws the alert's own query over the time of its incident.

A chart is asked for by the page and by letters at once: it's made one time for all, in the
background, and kept for a while. Whoever has no patience leaves without it, and the next finds it
there.
"""

import asyncio
from dataclasses import dataclass

from router.chart import ImageFormat, Level, Look, Mark, Series, Tone, line_chart, warm_up
from router.config.document import PrometheusDocument
from router.core.messages.context_links import Window, curve_of, query_of
from router.evidence.prometheus import Prometheus
from router.model.incident import Incident
from router.ports.clock import spawn
from router.ports.errors import NoChart
from router.telemetry.logs import logger

log = logger(__name__)

FRESH = 60.0
"""Seconds that a chart of what still goes on is good for, and that a failure isn't tried again."""

KEPT = 64
"""Charts, of some 20 to 60 kB each."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A chart; the same until its time has moved on by `FRESH`."""

    incident: int
    query: str
    marks: tuple[Mark, ...]
    period: int
    form: ImageFormat


class Charts:
    """`use` says which Prometheus to ask; before, or without one, there are no charts."""

    def __init__(self) -> None:
        self._prometheus: Prometheus | None = None
        self._zone = "UTC"
        self._made: dict[_Wanted, asyncio.Future[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def use(self, config: PrometheusDocument | None, zone: str) -> None:
        """Ask this one from now on. Times are told on the clock of `zone`."""
        await self.close()
        self._zone = zone
        if config:
            self._prometheus = Prometheus(config)
            # So that the first incident's letter needn't wait for matplotlib.
            spawn(asyncio.to_thread(warm_up), "chart", self._tasks)

    def there(self, incident: Incident) -> bool:
        """Is there anything to draw?"""
        return self._prometheus is not None and bool(query_of(incident.url))

    async def draw(self, incident: Incident, seen: Window, form: ImageFormat) -> bytes:
        """The chart of the incident's alert. Raises: NoChart."""
        query = query_of(incident.url)
        if self._prometheus is None or not query:
            raise NoChart("there's no Prometheus to ask" if query else "the alert has no query")
        wanted = _Wanted(incident.id, query, _marks(incident), int(seen.end // FRESH), form)
        made = self._made.get(wanted)
        if made is None:
            made = self._made[wanted] = asyncio.get_running_loop().create_future()
            made.add_done_callback(
                lambda done: done.cancelled() or done.exception()
            )  # nobody may be waiting any more
            spawn(self._make(self._prometheus, wanted, seen, made), "chart", self._tasks)
            for old in [one for one, done in self._made.items() if done.done()][
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
        except NoChart as error:
            log.info("no_chart", incident=f"INC-{wanted.incident}", why=str(error))
            made.set_exception(error)
        except Exception:
            log.exception("chart_failed", incident=f"INC-{wanted.incident}")
            made.set_exception(NoChart("a fault of the router; its log says more"))
        finally:
            made.cancel()  # of no effect but when the router stops

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
            zone=self._zone,
            look=Look(wanted.form),
        )


def _marks(incident: Incident) -> tuple[Mark, ...]:
    moments = (
        (incident.opened_at, "opened", Tone.BAD),
        (incident.acknowledged_at, "acknowledged", Tone.WARN),
        (incident.closed_at, incident.status.replace("_", " "), Tone.GOOD),
    )
    return tuple(Mark(at, label, tone) for at, label, tone in moments if at is not None)

"""For operators: metrics, reload."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from router.config.located import Invalid
from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.ports.store import Store
from router.telemetry.metrics import Metrics
from router.web.access.audit_note import note
from router.web.auth import Role, caller
from router.web.problem import problem


class Operations:
    """`/metrics`, public and without secrets; and `/-/reload`, for admins."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        *,
        reload: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._reload = reload

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/metrics", self.show_metrics),
            web.post("/-/reload", self.reload),
        ]

    async def show_metrics(self, _request: web.Request) -> web.Response:
        """Return the metrics; if the store is down, the gauges are the last known."""
        with suppress(StoreUnavailable):
            self._metrics.show(await self._store.gauges(self._clock.now()))
        return web.Response(
            body=generate_latest(self._metrics.registry),
            headers={"Content-Type": CONTENT_TYPE_LATEST},
        )

    async def reload(self, request: web.Request) -> web.Response:
        """Read the config again.

        If it has errors, the current config stays active, and the answer lists the problems.
        """
        caller(request, Role.ADMIN)
        note(request, "reloaded the config")
        try:
            await self._reload()
        except Invalid as error:
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        return web.Response(text="reloaded\n")

"""Answers while the store is not available yet: 503 to all but `/-/healthy`.

So sources repeat their alerts, and a supervisor does not restart a router that would only wait
again.
"""

from aiohttp import web

from router.ports.clock import Clock
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics
from router.web.connections import Connections
from router.web.problem import BUSY, problem
from router.web.server import Site, make_runner

log = logger(__name__)

PAUSE = 0.5
"""Seconds between two tries to open the store."""


class WaitingRoom:
    """Listens from the first `wait` until `close`."""

    def __init__(self, host: str, port: int, clock: Clock) -> None:
        self._address = (host, port)
        self._clock = clock
        self._runner: web.AppRunner | None = None

    async def wait(self) -> None:
        """Wait before the next try. Raises: OSError if the address is in use."""
        if self._runner is None:
            log.warning(
                "waiting_for_store",
                consequence="webhooks are answered with 503",
                what_to_do="start the database, or correct `storage` and restart",
            )
            await self._listen()
        await self._clock.sleep(PAUSE)

    async def _listen(self) -> None:
        app, metrics = web.Application(), Metrics()
        app.router.add_get("/-/healthy", _healthy)
        app.router.add_route("*", "/{path:.*}", _busy)
        self._runner = make_runner(app, metrics, 0.0)
        await self._runner.setup()
        await Site(self._runner, *self._address, Connections(metrics)).start()

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            log.info("store_opened")


async def _healthy(_request: web.Request) -> web.Response:
    return web.Response(text="alert-router is healthy, and waits for its store.\n")


async def _busy(_request: web.Request) -> web.Response:
    wait = {"Retry-After": "1"}
    return problem(BUSY, "the router waits for its store: see its log", headers=wait)

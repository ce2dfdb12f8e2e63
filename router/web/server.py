"""The HTTP server: how it listens, how many files it may open, and what its parser logs."""

import asyncio
import traceback
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics
from router.web.connections import Connection, Connections
from router.web.front.connection import Front, WebhookConnection

log = logger(__name__)

LINGER = 2.0
"""Seconds for reading the rest of a refused body, so that the sender gets the answer."""

BACKLOG = 1024


class ServerLog:
    """The log of aiohttp's server, without any part of the request.

    aiohttp's messages quote the request line, which may contain a secret. A malformed request is
    only a warning: anybody can send one, so it must not become an event in Sentry. A bug in the
    router is logged as an error, with its place in the code.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def debug(self, *_: object, **__: object) -> None:
        """Leave out details of the protocol."""

    info = debug

    def exception(self, *_: object, exc_info: object = None, **__: object) -> None:
        error = exc_info if isinstance(exc_info, BaseException) else None
        if isinstance(error, HttpProcessingError):
            self._metrics.requests_refused.labels("malformed").inc()
            log.warning("request_malformed", error=type(error).__name__)
        else:
            log.error("server_fault", error=type(error).__name__, place=_place(error))

    warning = error = exception


def _place(error: BaseException | None) -> str:
    """The file and line that raised the error, without its message, which may quote the request."""
    frames = traceback.extract_tb(error.__traceback__) if error else None
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


class Site(web.BaseSite):
    """Listens like aiohttp's TCPSite, and counts connections. `front` answers plain webhooks."""

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        connections: Connections,
        front: Front | None = None,
    ) -> None:
        super().__init__(runner, backlog=BACKLOG)
        self._address = (host, port)
        self._connections = connections
        self._front = front

    @property
    def name(self) -> str:
        return "http://{}:{}".format(*self._address)

    async def start(self) -> None:
        await super().start()
        server = self._runner.server
        assert server is not None
        self._server = await asyncio.get_running_loop().create_server(
            lambda: self._connect(server), *self._address, backlog=self._backlog
        )

    def _connect(self, make_inner: Callable[[], asyncio.Protocol]) -> Connection:
        if self._front is None:
            return Connection(make_inner, self._connections)
        return WebhookConnection(make_inner, self._connections, self._front)


def make_runner(app: web.Application, metrics: Metrics, grace: float) -> web.AppRunner:
    """A runner whose parser never decompresses, and never logs a request."""
    return web.AppRunner(app, **_options(metrics, grace))


def _options(metrics: Metrics, grace: float) -> dict[str, Any]:
    return {
        "access_log": None,
        "shutdown_timeout": grace,
        "auto_decompress": False,
        "lingering_time": LINGER,
        "logger": ServerLog(metrics),
    }


class EarlyRunner(web.AppRunner):
    """A runner with a small first application, until the full application has loaded.

    Until `use`, requests for which the first application has no route wait.
    """

    def __init__(self, first: web.Application, metrics: Metrics, grace: float) -> None:
        super().__init__(first, **_options(metrics, grace))
        self._metrics = metrics
        self._first = first
        self._whole: web.AppRunner | None = None
        self._replaced = asyncio.Event()

    @property
    def app(self) -> web.Application:
        return self._whole.app if self._whole else super().app

    async def setup(self) -> None:
        await super().setup()
        assert self.server is not None
        self._answer = self.server.request_handler
        self.server.request_handler = self._handle

    async def use(self, app: web.Application) -> None:
        """Serve this application from now on."""
        whole = make_runner(app, self._metrics, 0.0)
        await whole.setup()
        assert whole.server is not None
        self._whole, self._answer = whole, whole.server.request_handler
        self._replaced.set()

    async def shutdown(self) -> None:
        await super().shutdown()
        if self._whole is not None:
            await self._whole.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if not self._replaced.is_set():
            assert isinstance(request, web.Request)
            found = await self._first.router.resolve(request)
            if found.http_exception is not None:
                await self._replaced.wait()
        return await self._answer(request)

"""Limits of the HTTP server: connections and deadlines; and what its parser logs.

A connection is waiting until its request has arrived, then busy until the answer is written. Idle
ones give way to new ones, so a flood of them locks nobody out, and outgoing connections always get
a file descriptor.
"""

import asyncio
import resource
import traceback
from collections import OrderedDict
from typing import Any, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics

log = logger(__name__)

WANTED_FILES = 65_536
"""The soft limit of open files that the router sets, unless the hard limit is lower."""

RESERVED_FILES = 256
"""Open files kept for the store, outgoing connections and everything else."""

MOST_CONNECTIONS = 4096
"""Inbound connections, at most."""

LINGER = 2.0
"""Seconds in which the rest of a refused body is read, so that the sender gets the answer."""

BACKLOG = 1024


def raise_file_limit() -> int:
    """Raise the soft limit of open files; the limit that holds now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def most_connections() -> int:
    """Inbound connections that the limit of open files has room for."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(16, min(MOST_CONNECTIONS, soft - max(RESERVED_FILES, soft // 4)))


class ServerLog:
    """The log of aiohttp's server, without a byte of the request.

    Its messages quote the request line, which may hold a secret. A malformed request is a warning:
    anybody can send one, so it must not become an event in Sentry. A fault of the router is an
    error with its place.
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


class Connection(asyncio.Protocol):
    """One inbound connection: passes everything on to aiohttp's protocol, and notes the time."""

    __slots__ = (
        "_all",
        "inner",
        "partial_since",
        "paused_since",
        "served",
        "transport",
        "waiting_since",
    )

    def __init__(self, inner: asyncio.Protocol, connections: "Connections") -> None:
        self.inner = inner
        self._all = connections
        self.transport: asyncio.Transport | None = None
        self.waiting_since = 0.0
        self.partial_since: float | None = None
        self.paused_since: float | None = None
        self.served = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if self._all.admit(self):
            self.inner.connection_made(transport)
        else:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._all.forget(self):
            self.inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.partial_since is None:
            self.partial_since = asyncio.get_running_loop().time()
        self.inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self.inner.eof_received()

    def pause_writing(self) -> None:
        self.paused_since = asyncio.get_running_loop().time()
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        self.paused_since = None
        self.inner.resume_writing()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class Connections:
    """All inbound connections, and their limits.

    most: their number. first: seconds until a new connection has sent a request. header: seconds
    for a request's head to arrive, from its first byte. stalled: seconds that a reader may let the
    answer wait.
    """

    def __init__(
        self,
        metrics: Metrics,
        *,
        most: int | None = None,
        first: float = 30.0,
        header: float = 15.0,
        stalled: float = 30.0,
    ) -> None:
        self._metrics = metrics
        self._most = most or most_connections()
        self._first, self._header, self._stalled = first, header, stalled
        self._by_inner: dict[Any, Connection] = {}
        # Waiting connections, the oldest first: without a request so far, and between two.
        self._fresh: OrderedDict[Connection, None] = OrderedDict()
        self._idle: OrderedDict[Connection, None] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._by_inner)

    def admit(self, connection: Connection) -> bool:
        """Accept a connection, if need be instead of the one that has waited longest."""
        if len(self._by_inner) >= self._most and not self._evict():
            self._refuse(connection, "too_many_connections")
            return False
        self._by_inner[connection.inner] = connection
        connection.waiting_since = asyncio.get_running_loop().time()
        self._fresh[connection] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._sweep)
        return True

    def forget(self, connection: Connection) -> bool:
        """A connection ended. False: it was never admitted."""
        self._fresh.pop(connection, None)
        self._idle.pop(connection, None)
        return self._by_inner.pop(connection.inner, None) is not None

    def begin(self, protocol: object) -> Connection | None:
        """Note a request's arrival, and return its connection; None if it isn't one of these."""
        connection = self._by_inner.get(protocol)
        if connection is not None:
            self._fresh.pop(connection, None)
            self._idle.pop(connection, None)
            connection.served += 1
        return connection

    def end(self, connection: Connection | None) -> None:
        """Note a request's end: the connection waits for its next one."""
        if connection is not None:
            connection.partial_since = None
            connection.waiting_since = asyncio.get_running_loop().time()
            if connection.inner in self._by_inner:
                self._idle[connection] = None

    @property
    def _pause(self) -> float:
        return min(1.0, self._first, self._header, self._stalled)

    def _evict(self) -> bool:
        for waiting in (self._fresh, self._idle):
            if waiting:
                connection, _ = waiting.popitem(last=False)
                # Its slot is free immediately; aiohttp notices the end when the transport is
                # closed.
                self._refuse(connection, "too_many_connections")
                return True
        return False

    def _refuse(self, connection: Connection, reason: str) -> None:
        self._metrics.requests_refused.labels(reason).inc()
        connection.abort()

    def _sweep(self) -> None:
        """End the connections whose time is over."""
        self._timer = None
        now = asyncio.get_running_loop().time()
        late = [
            connection for connection in self._by_inner.values() if self._is_late(connection, now)
        ]
        for connection in late:
            self._fresh.pop(connection, None)
            self._idle.pop(connection, None)
            self._refuse(connection, "too_slow")
        if self._by_inner:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._sweep)

    def _is_late(self, connection: Connection, now: float) -> bool:
        if connection.paused_since is not None and now - connection.paused_since > self._stalled:
            return True
        if connection not in self._fresh and connection not in self._idle:
            return False  # busy: the body has its own deadline
        if connection.partial_since is not None:
            return now - connection.partial_since > self._header
        return not connection.served and now - connection.waiting_since > self._first


class Site(web.BaseSite):
    """Listens like aiohttp's TCPSite, and counts connections."""

    def __init__(
        self, runner: web.AppRunner, host: str, port: int, connections: Connections
    ) -> None:
        super().__init__(runner, backlog=BACKLOG)
        self._address = (host, port)
        self._connections = connections

    @property
    def name(self) -> str:
        return "http://{}:{}".format(*self._address)

    async def start(self) -> None:
        await super().start()
        server = self._runner.server
        assert server is not None
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(server(), self._connections), *self._address, backlog=self._backlog
        )


def make_runner(app: web.Application, metrics: Metrics, grace: float) -> web.AppRunner:
    """A runner whose parser never decompresses, and never logs a request."""
    return web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=grace,
        auto_decompress=False,
        lingering_time=LINGER,
        logger=ServerLog(metrics),
    )

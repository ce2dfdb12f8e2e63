"""Limits of inbound connections: their number, and deadlines.

A connection is waiting until its request has arrived, then busy until the answer is written. New
connections replace waiting ones, so a flood of connections locks nobody out, and there is always a
file descriptor for outgoing connections.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from router.telemetry.metrics import Metrics
from router.web.file_limit import most_connections


class Connection(asyncio.Protocol):
    """An inbound connection: passes everything on to aiohttp's protocol, and checks deadlines.

    inner: aiohttp's protocol, from `hand_over` on.
    """

    __slots__ = (
        "_all",
        "_make_inner",
        "inner",
        "partial_since",
        "paused_since",
        "served",
        "transport",
        "waiting_since",
    )
    transport: asyncio.Transport

    def __init__(
        self, make_inner: Callable[[], asyncio.Protocol], connections: "Connections"
    ) -> None:
        self.inner: asyncio.Protocol | None = None
        self._make_inner = make_inner
        self._all = connections
        self.waiting_since = 0.0
        self.partial_since: float | None = None
        self.paused_since: float | None = None
        self.served = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if self._all.admit(self):
            self.opened()
        else:
            self.abort()

    def opened(self) -> None:
        """Called when the connection has been admitted."""
        self.hand_over(b"")

    def hand_over(self, data: bytes) -> None:
        """Let aiohttp read these bytes, and everything after them."""
        inner = self.inner = self._make_inner()
        self._all.handed_over(self)
        inner.connection_made(self.transport)
        if self.paused_since is not None:
            inner.pause_writing()
        if data:
            inner.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._all.forget(self) and self.inner is not None:
            self.inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.partial_since is None:
            self.partial_since = asyncio.get_running_loop().time()
        if self.inner is not None:
            self.inner.data_received(data)

    def eof_received(self) -> bool | None:
        return None if self.inner is None else self.inner.eof_received()

    def pause_writing(self) -> None:
        self.paused_since = asyncio.get_running_loop().time()
        if self.inner is not None:
            self.inner.pause_writing()

    def resume_writing(self) -> None:
        self.paused_since = None
        if self.inner is not None:
            self.inner.resume_writing()

    def check_deadlines(self, now: float) -> None:
        """Check the connection's own deadlines. Called about once a second."""

    def stop(self) -> None:
        """Close the connection if no request is in progress. aiohttp closes its own connections."""

    def abort(self) -> None:
        self.transport.abort()


class Connections:
    """All inbound connections, and their limits.

    most: their maximum number. first: maximum seconds until a new connection has sent a request.
    header: maximum seconds for a request's head to arrive, from its first byte. stalled: maximum
    seconds for which a client may not read the answer.
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
        self._admitted: set[Connection] = set()
        self._by_inner: dict[object, Connection] = {}
        # Waiting connections, oldest first: those without a request so far, and between requests.
        self._fresh: OrderedDict[Connection, None] = OrderedDict()
        self._idle: OrderedDict[Connection, None] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        self._left: asyncio.Event | None = None

    def __len__(self) -> int:
        return len(self._admitted)

    def admit(self, connection: Connection) -> bool:
        """Accept a connection. If there are too many, close the one that has waited longest."""
        if len(self._admitted) >= self._most and not self._evict():
            self._refuse(connection, "too_many_connections")
            return False
        self._admitted.add(connection)
        connection.waiting_since = asyncio.get_running_loop().time()
        self._fresh[connection] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._sweep)
        return True

    def forget(self, connection: Connection) -> bool:
        """Remove an ended connection. Returns False if it was never admitted."""
        self._fresh.pop(connection, None)
        self._idle.pop(connection, None)
        self._by_inner.pop(connection.inner, None)
        was_admitted = connection in self._admitted
        self._admitted.discard(connection)
        self._note_left()
        return was_admitted

    def handed_over(self, connection: Connection) -> None:
        """Note that aiohttp serves the connection from now on."""
        self._by_inner[connection.inner] = connection
        self._note_left()

    def find(self, inner: object) -> Connection | None:
        """Return the connection that an aiohttp protocol serves; None if it is unknown."""
        return self._by_inner.get(inner)

    def begin(self, connection: Connection | None) -> None:
        """Note a request's arrival."""
        if connection is not None:
            self._fresh.pop(connection, None)
            self._idle.pop(connection, None)
            connection.served += 1

    def end(self, connection: Connection | None) -> None:
        """Note a request's end: the connection waits for its next one."""
        if connection is not None:
            connection.partial_since = None
            connection.waiting_since = asyncio.get_running_loop().time()
            if connection in self._admitted:
                self._idle[connection] = None

    async def stop(self, grace: float) -> None:
        """Wait until requests have ended, for at most `grace` seconds; abort the rest."""
        await asyncio.sleep(0)  # noqa: TID251 - one turn, so that what has just arrived is begun
        self._left = asyncio.Event()
        for connection in tuple(self._admitted):
            connection.stop()
        self._note_left()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._left.wait()
        for connection in self._admitted - set(self._by_inner.values()):
            connection.abort()

    def _note_left(self) -> None:
        if self._left is not None and len(self._admitted) == len(self._by_inner):
            self._left.set()

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
        """Close the connections whose deadline has passed."""
        self._timer = None
        now = asyncio.get_running_loop().time()
        for connection in tuple(self._admitted):
            connection.check_deadlines(now)
        late = [connection for connection in self._admitted if self._is_late(connection, now)]
        for connection in late:
            self._fresh.pop(connection, None)
            self._idle.pop(connection, None)
            self._refuse(connection, "too_slow")
        if self._admitted:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._sweep)

    def _is_late(self, connection: Connection, now: float) -> bool:
        if connection.paused_since is not None and now - connection.paused_since > self._stalled:
            return True
        if connection not in self._fresh and connection not in self._idle:
            return False  # busy: the body has its own deadline
        if connection.partial_since is not None:
            return now - connection.partial_since > self._header
        return not connection.served and now - connection.waiting_since > self._first

"""A connection that answers plain webhooks, until the first request that is none.

That request and all after it are aiohttp's, which gets their bytes from the first one on.
"""

import asyncio
from collections.abc import Callable

from msgspec import Struct

from router.web.connections import Connection, Connections
from router.web.front.front import Front
from router.web.front.head import PlainHead, is_incomplete, read_head
from router.web.webhooks.endpoint import Admission

MOST_AHEAD = 65_536
"""Bytes that are read of the next requests while one is answered."""

PATIENCE = 1.0
"""Seconds for a body to arrive here. aiohttp waits longer, and has the deadline of all bodies."""

KEEP_ALIVE = 3630.0
"""Seconds between two requests, as in aiohttp."""


class _Request(Struct):
    """A request in progress. `counted`: bytes of its body that are in flight."""

    head: PlainHead
    admission: Admission
    since: float
    counted: int = 0


class WebhookConnection(Connection):
    """Collects a request, answers it, and only then looks at the next."""

    __slots__ = ("_buffer", "_closing", "_front", "_remote", "_request", "_task")

    def __init__(
        self, make_inner: Callable[[], asyncio.Protocol], connections: Connections, front: Front
    ) -> None:
        super().__init__(make_inner, connections)
        self._front = front
        self._buffer = bytearray()
        self._request: _Request | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._remote: str | None = None

    def opened(self) -> None:
        peer = self.transport.get_extra_info("peername")
        self._remote = peer[0] if peer else None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.inner is not None:
            return
        self._buffer += data
        if self._is_held:
            if len(self._buffer) > MOST_AHEAD:
                self.transport.pause_reading()
        else:
            self._advance()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.inner is None:
            self.transport.resume_reading()
            self._advance()

    def hand_over(self, data: bytes = b"") -> None:
        self._forget_request()
        buffered, self._buffer = bytes(self._buffer), bytearray()
        super().hand_over(buffered + data)

    def look(self, now: float) -> None:
        """Leave a body that is slow to aiohttp, and close a connection that is not used."""
        if self.inner is not None or self._task is not None:
            return
        if self._request is not None:
            if now - self._request.since > PATIENCE:
                self.hand_over()
        elif self.partial_since is None and now - self.waiting_since > KEEP_ALIVE:
            self.transport.close()

    def stop(self) -> None:
        if self.inner is not None:
            return
        self._closing = True
        if self._request is None:
            self.transport.close()

    def abort(self) -> None:
        super().abort()
        if self._task is not None:
            self._task.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._buffer.clear()
        if self._task is None:  # otherwise the request is finished: it may be committed already
            self._forget_request()

    @property
    def _is_held(self) -> bool:
        """The next request waits: for the answer before it, or for a client to read that."""
        return self._task is not None or self.paused_since is not None

    def _advance(self) -> None:
        if self._is_held or self.inner is not None or not self._buffer:
            return
        if self._request is None:
            if is_incomplete(self._buffer):
                return
            self._request = self._admitted()
        if self._request is None or not self._collect(self._request):
            self.hand_over()

    def _admitted(self) -> _Request | None:
        head = read_head(self._buffer, self._remote)
        admission = self._front.admit(head) if head else None
        if head is None or admission is None:
            return None
        self._all.begin(self)
        return _Request(head, admission, asyncio.get_running_loop().time())

    def _collect(self, request: _Request) -> bool:
        """Count the body's bytes, and answer when it is complete. False: there are too many."""
        head = request.head
        arrived = min(len(self._buffer) - head.size, head.length)
        known = request.admission.known
        if not self._front.bodies.take(arrived - request.counted, known=known):
            return False
        request.counted = arrived
        if arrived == head.length:
            end = head.size + head.length
            body = bytes(memoryview(self._buffer)[head.size : end])
            del self._buffer[:end]
            self._task = asyncio.get_running_loop().create_task(self._answer(request, body))
        return True

    async def _answer(self, request: _Request, body: bytes) -> None:
        front = self._front
        try:
            answer = await front.answer(request.head, request.admission, body, self._is_last)
        except BaseException:
            self.transport.abort()
            raise
        finally:
            self._task = None
            self._forget_request()
            self._all.end(self)
        if not self.transport.is_closing():
            self._write(answer)

    def _write(self, answer: bytes) -> None:
        self.transport.write(answer)
        if self._closing:
            self.transport.close()
            return
        if self._buffer:
            self.partial_since = self.waiting_since
            self.transport.resume_reading()
            self._advance()

    def _is_last(self) -> bool:
        return self._closing

    def _forget_request(self) -> None:
        if self._request is not None:
            known = self._request.admission.known
            self._front.bodies.give(self._request.counted, known=known)
            self._request = None

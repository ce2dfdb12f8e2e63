"""A connection that answers plain webhooks, until a request arrives that isn't one.

aiohttp gets that request from its first byte, and everything after it.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web
from aiohttp.helpers import rfc822_formatted_time
from msgspec import Struct
from msgspec.structs import replace

from router.ports.webhooks import WebhookAnswer
from router.web.connections import Connection, Connections
from router.web.front.head import PlainHead, find_head, read_head
from router.web.guard import Guard
from router.web.origin import check_origin
from router.web.problem import problem_of
from router.web.webhooks.endpoint import Admission, Webhooks, response_of

MOST_AHEAD = 65_536
"""Maximum bytes of further requests to read while one is being answered."""

PATIENCE = 1.0
"""Seconds for a body to arrive. Then aiohttp takes over, which waits longer."""

KEEP_ALIVE = 3630.0
"""Seconds between two requests, as in aiohttp."""

KNOWN_HEADS = 256
"""Maximum heads whose checks are cached: 2 MiB, if all have the maximum length."""

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}" for status in HTTPStatus}


class Front:
    """Checks and handles plain webhooks with the same code as aiohttp's routes.

    It never refuses a request itself: if a check fails, aiohttp gets the request and answers it.
    """

    def __init__(self, webhooks: Webhooks, guard: Guard) -> None:
        self._webhooks = webhooks
        self._guard = guard
        self.bodies = webhooks.bodies
        self._known: dict[bytes, tuple[PlainHead, Admission]] = {}
        self._checked_with: tuple[object, ...] = ()

    def admit(self, data: bytes) -> tuple[PlainHead, Admission] | None:
        """Check a head. None: it is not plain, or a check refuses it.

        The result is cached: it depends only on these bytes and the config, and most senders repeat
        their heads.
        """
        webhooks, guard = self._webhooks, self._guard
        config = (webhooks.receivers, guard.config_file, guard.open_sources)
        if config != self._checked_with:
            self._known.clear()
            self._checked_with = config
        if known := self._known.get(data):
            return known
        head = read_head(data)
        receiver = webhooks.receivers.get(head.match_info["source"]) if head else None
        if head is None or receiver is None:
            return None
        try:
            check_origin(head, guard.config_file, guard.open_sources)
            admission = webhooks.admit(receiver.name, [receiver], head)
        except Exception:  # noqa: BLE001 - aiohttp's handler will have the same error, and answer it
            return None
        if head.length > self.bodies.limited(admission.limit, known=admission.known):
            return None
        if admission.known or receiver.is_open:  # otherwise each request has its own signature
            if len(self._known) >= KNOWN_HEADS:
                self._known.clear()
            self._known[data] = head, admission
        return head, admission

    async def answer(
        self, head: PlainHead, admission: Admission, body: bytes, remote: str | None
    ) -> WebhookAnswer | web.Response:
        """Handle an admitted request. `remote` is the peer's address."""
        try:
            answer = await self._webhooks.accept(admission, body)
            if answer.status < HTTPStatus.BAD_REQUEST:
                return answer
            response = response_of(answer)
        except Exception as error:  # noqa: BLE001 - all errors have an answer
            refusal = self._webhooks.refusal(admission.source, admission.receivers[0], error)
            response = response_of(refusal) if refusal else problem_of(error, head.route)
        refused = await self._guard.refuse(replace(head, remote=remote), head.route, response)
        assert isinstance(refused, web.Response)
        return refused


class _Request(Struct):
    """A request in progress. `counted`: bytes of its body that are in flight."""

    head: PlainHead
    admission: Admission
    since: float
    counted: int = 0


class WebhookConnection(Connection):
    """Collects a request, answers it, and only then reads the next one."""

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
        if self.inner is None:
            self._buffer += data
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

    def check_deadlines(self, now: float) -> None:
        """Hand a slow body over to aiohttp, and close an unused connection."""
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

    def _advance(self) -> None:
        """Collect the next request, and answer it when all of it has arrived.

        A request that isn't plain is handed over.
        """
        # The next request waits for the current answer, and for the client to read it.
        if self._task is not None or self.paused_since is not None:
            if len(self._buffer) > MOST_AHEAD:
                self.transport.pause_reading()
            return
        loop, request = asyncio.get_running_loop(), self._request
        if request is None:
            data = find_head(self._buffer)
            if data == b"":
                return
            if data is None or (admitted := self._front.admit(data)) is None:
                self.hand_over()
                return
            self._all.begin(self)
            request = self._request = _Request(*admitted, loop.time())
        head, admission = request.head, request.admission
        arrived = min(len(self._buffer) - head.size, head.length)
        if not self._front.bodies.take(arrived - request.counted, known=admission.known):
            self.hand_over()
            return
        request.counted = arrived
        if arrived == head.length:
            end = head.size + head.length
            body = bytes(memoryview(self._buffer)[head.size : end])
            del self._buffer[:end]
            self._task = loop.create_task(self._answer(request, body))

    async def _answer(self, request: _Request, body: bytes) -> None:
        head, admission = request.head, request.admission
        try:
            answer = await self._front.answer(head, admission, body, self._remote)
        except BaseException:
            self.transport.abort()
            raise
        finally:
            self._task = None
            self._forget_request()
            self._all.end(self)
        if self.transport.is_closing():
            return
        self.transport.write(written(answer, is_last=self._closing))
        if self._closing:
            self.transport.close()
        elif self._buffer:
            self.partial_since = self.waiting_since
            self.transport.resume_reading()
            self._advance()

    def _forget_request(self) -> None:
        if self._request is not None:
            known = self._request.admission.known
            self._front.bodies.give(self._request.counted, known=known)
            self._request = None


def written(answer: WebhookAnswer | web.Response, *, is_last: bool) -> bytes:
    """Return a response as bytes. `is_last`: the connection is closed after it."""
    body = answer.body or b""
    assert isinstance(body, bytes)
    lines = [_STATUS_LINES[answer.status]]
    if isinstance(answer, WebhookAnswer):
        lines.append(f"Content-Type: {answer.content_type}")
    else:
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    lines += [f"Content-Length: {len(body)}", f"Date: {rfc822_formatted_time()}"]
    if is_last:
        lines.append("Connection: close")
    head = "\r\n".join([*lines, "", ""])
    assert head.count("\r") == head.count("\n") == len(lines) + 1, "a header with a line break"
    return head.encode() + body

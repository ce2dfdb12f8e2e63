"""Shared parts of sender tests: a real loopback server, checks for all senders, a message."""

import asyncio
import json
import logging
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp
import msgspec
import pytest
from aiohttp import web

from router.config.channel_options import ChannelOptions
from router.model.alert import Alert, AlertStatus
from router.model.decision import Entry
from router.model.incident import Incident, Severity, Status
from router.model.notification import (
    Message,
    OtherIncident,
    Rejected,
    Result,
    Retry,
    Sent,
    Uncertain,
)
from router.model.reason import Reason
from router.senders import KINDS

NOW = 1_767_269_400.0
"""2026-01-01 12:10 UTC: when the messages of these tests are written."""


@dataclass(frozen=True)
class Request:
    """One request as the peer got it. Header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """Answer of the peer. `json` replaces `body`."""

    status: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None


@dataclass(frozen=True)
class Hang:
    """Read the request and never answer."""


@dataclass(frozen=True)
class Disconnect:
    """Read the request and close the connection without an answer."""


@dataclass(frozen=True)
class BreakOff:
    """Answer 200 and close in the middle of the body."""


Answer = Reply | Hang | Disconnect | BreakOff


class Peer:
    """A service on loopback that keeps the requests it gets.

    It answers by `script`, in order, then by what `answer` makes of the request. What `answer`
    raises (a failed assertion about a field, say) is raised again when the peer is left.
    """

    def __init__(
        self, *script: Answer, answer: Callable[[Request], Answer] = lambda _: Reply()
    ) -> None:
        self.script = deque(script)
        self.answer = answer
        self.requests: list[Request] = []
        self.failures: list[Exception] = []
        self._leaving = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=16 * 1024**2)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leaving.set()
        await self._runner.cleanup()
        for failure in self.failures:
            raise failure

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Request(request.method, request.path_qs, headers, await request.read())
        self.requests.append(received)
        answer = self._next(received)
        if isinstance(answer, Reply):
            body = answer.body if answer.json is None else json.dumps(answer.json).encode()
            kind = "text/plain" if answer.json is None else "application/json"
            return web.Response(
                status=answer.status, body=body, headers={"Content-Type": kind, **answer.headers}
            )
        if isinstance(answer, Hang):
            await self._leaving.wait()
        response = web.StreamResponse(headers={"Content-Length": "100"})
        if isinstance(answer, BreakOff):
            await response.prepare(request)
            await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    def _next(self, received: Request) -> Answer:
        if self.script:
            return self.script.popleft()
        try:
            return self.answer(received)
        except Exception as failure:  # noqa: BLE001 -- whatever it is, the test is to see it
            self.failures.append(failure)
            return Reply(599)


def refusing_url() -> str:
    """A loopback address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


STATUS_TABLE: tuple[tuple[int, type[Result], type[Result]], ...] = (
    # status, a request the service recognises when repeated, one it doesn't
    (200, Sent, Sent),
    (201, Sent, Sent),
    (202, Sent, Sent),
    (204, Sent, Sent),
    (301, Rejected, Rejected),
    (302, Rejected, Rejected),
    (307, Rejected, Rejected),
    (400, Rejected, Rejected),
    (401, Rejected, Rejected),
    (403, Rejected, Rejected),
    (404, Rejected, Rejected),
    (408, Retry, Retry),
    (410, Rejected, Rejected),
    (413, Rejected, Rejected),
    (422, Rejected, Rejected),
    (425, Retry, Retry),
    (429, Retry, Retry),
    (500, Retry, Retry),
    (501, Retry, Retry),
    (502, Retry, Uncertain),
    (503, Retry, Retry),
    (504, Retry, Uncertain),
    (599, Retry, Retry),
)
"""Result of each status, for all services."""

Send = Callable[[], Awaitable[Result]]


async def check_statuses(peer: Peer, send: Send, *, idempotent: bool, lowest: int = 200) -> None:
    """`send`, pointed at `peer`, takes every status from `lowest` for what it means and follows no
    redirect.
    """
    for status, recognised, unrecognised in STATUS_TABLE:
        if status < lowest:
            continue
        peer.requests.clear()
        peer.script.append(
            Reply(status, b"", {"Location": peer.url} if 300 <= status < 400 else {})
        )
        result = await send()
        assert type(result) is (recognised if idempotent else unrecognised), (status, result)
        assert len(peer.requests) == 1, status


async def check_retry_after(peer: Peer, send: Send) -> None:
    """`send`, at `NOW`, waits as long as `peer` asks, in seconds or by date, an hour at most."""
    for value, expected in {
        "7": 7.0,
        "Thu, 01 Jan 2026 12:10:30 GMT": 30.0,
        "Thu, 01 Jan 2026 12:00:00 GMT": 0.0,
        "86400": 3600.0,
        "soon": None,
        "-5": None,
    }.items():
        peer.script.append(Reply(429, b"", {"Retry-After": value}))
        result = await send()
        assert isinstance(result, Retry)
        assert result.after == expected, value


async def check_broken_connections(peer: Peer, send: Send, *, idempotent: bool) -> None:
    """`send`, with a short time-out, knows what may have arrived: the request was read, and no
    answer came.
    """
    for answer in (Hang(), Disconnect()):
        peer.script.append(answer)
        result = await send()
        assert type(result) is (Retry if idempotent else Uncertain), (answer, result)


async def check_leaks_no_secret(
    secret: str, peer: Peer, send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    """`secret` is in no result and no log line, even if the peer echoes the request."""

    def echo(request: Request) -> Reply:
        return Reply(400, f"cannot {request.path} {request.headers} ".encode() + request.body)

    caplog.set_level(logging.DEBUG)
    peer.answer = echo
    for answer in (
        None,
        Reply(500, secret.encode()),
        Reply(400, secret.encode()),
        Disconnect(),
        Hang(),
    ):
        if answer is not None:
            peer.script.append(answer)
        assert secret not in repr(await send())
    assert secret not in caplog.text


async def deliver(
    kind: str,
    options: Callable[[str, float], ChannelOptions],
    service: Callable[[Request], Answer],
    *messages: Message,
    script: Sequence[Answer] = (),
    seconds: float = 10.0,
) -> tuple[list[Result], list[Request]]:
    """The results of messages in turn, and the requests for them.

    `script` is answered before the service is asked.
    """
    async with Peer(*script, answer=service) as peer, aiohttp.ClientSession() as session:
        sender = KINDS[kind].build("incidents", options(peer.url, seconds), session)
        results = [await sender.send(message) for message in messages]
        await sender.close()
        return results, peer.requests


def link_to(command: str, who: str) -> str:
    """The link of an answer, as `Message.link` makes it."""
    return f"https://router.example.com/act/{command}{f'-{who}' if who else ''}"


def make_incident(**changes: Any) -> Incident:
    """A P0 about payments, ten minutes old."""
    incident = Incident(
        id=142,
        key='payment-failures{service="api"}',
        rule="payment-failures",
        source="alertmanager",
        title="Payment failures at 2.5% on api",
        severity=Severity.P0,
        status=Status.INVESTIGATING,
        opened_at=NOW - 600,
        updated_at=NOW,
        labels={"service": "api", "alertname": "PaymentFailures"},
        annotations={"description": "Cards are declined"},
        url="http://prometheus.example.com/graph",
        runbook="https://example.com/runbooks/payments",
        component="payments",
        firing=1,
        alerts=1,
    )
    return msgspec.structs.replace(incident, **changes)


def mentions(count: int, **changes: Any) -> tuple[OtherIncident, ...]:
    """Further incidents of a message: INC-143 and on."""
    ids = range(143, 143 + count)
    return tuple(
        OtherIncident(make_incident(**{"id": n} | changes), f"http://127.0.0.1:9095/incidents/{n}")
        for n in ids
    )


def make_message(**changes: Any) -> Message:
    """The first word to a channel of `make_incident()`.

    A change that is an incident's field goes there.
    """
    of_incident = {
        name: changes.pop(name) for name in tuple(changes) if name not in Message.__struct_fields__
    }
    message = Message(
        incident=make_incident(**of_incident),
        channel="incidents",
        seq=1,
        reason=Reason.STEP_DUE,
        at=NOW,
        timeline=(
            Entry(
                142,
                NOW - 600,
                Reason.OPENED,
                data={"alert": "PaymentFailures", "value": "2.5%"},
                id=1,
            ),
            Entry(142, NOW - 300, Reason.ACKNOWLEDGED, by="ana", id=2),
        ),
        alerts=(
            Alert(
                source="alertmanager",
                fingerprint="f00d",
                status=AlertStatus.FIRING,
                labels={"service": "api", "alertname": "PaymentFailures"},
                annotations={"value": "0.025"},
                starts_at=NOW - 660,
                url="http://prometheus.example.com/graph",
            ),
        ),
        url="http://127.0.0.1:9095/incidents/142",
        company="VintStreet",
    )
    return msgspec.structs.replace(message, **changes)


def written_by_others(text: str, **changes: Any) -> Message:
    """A message with `text` in the fields that alerts and people write."""
    said = {"text": text, "title": text, "status": "investigating", "component": "payments"}
    fields = {
        "title": text,
        "labels": {"service": text, "a": text},
        "annotations": {"description": text},
        "lead": text,
        "component": text,
        "acknowledged_by": text,
        "company": text,
        "timeline": (
            Entry(142, NOW, Reason.OPENED, text, {"alert": text, "value": text}, id=1),
            Entry(142, NOW, Reason.NOTED, text, {"text": text}, id=2),
            Entry(142, NOW, Reason.PUBLISHED, text, said, id=3),
        ),
    }
    return make_message(**fields | changes)

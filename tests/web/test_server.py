"""Limits of the server, over loopback: what is refused costs little, and locks nobody out."""

import asyncio
import gc
import gzip
import logging
import resource
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from router.config.config_file import Auth
from router.telemetry import logs
from router.telemetry.metrics import Metrics
from router.web.connections import Connections
from router.web.failures import Failures
from router.web.file_limit import most_connections, raise_file_limit
from router.web.guard import Guard
from router.web.server import ServerLog, Site, make_runner
from tests.clock import SteppedClock
from tests.daemon import TOKEN, Daemon, alert, group
from tests.test_app import until

Router = Callable[..., Daemon]

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

SECRET = "s3cr3t-in-the-path"


async def connect(daemon: Daemon) -> Streams:
    return await asyncio.open_connection(*daemon.app.address)


async def send(daemon: Daemon, head: str, body: bytes = b"") -> bytes:
    """Send a request as it's written; the answer, until the connection ends."""
    reader, writer = await connect(daemon)
    writer.write(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n" + body)
    try:
        return await asyncio.wait_for(reader.read(), 20)
    finally:
        writer.close()


def post(path: str, length: int, *more: str) -> str:
    return "\n".join(
        [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {length}", *more, ""]
    )


def status(answer: bytes) -> int:
    return int(answer.split()[1])


def refused(metrics: Metrics, reason: str) -> float:
    name, labels = "alert_router_requests_refused_total", {"reason": reason}
    return metrics.registry.get_sample_value(name, labels) or 0.0


# --- compressed bodies


@pytest.mark.parametrize(
    "path", ["/webhooks/alertmanager", "/nowhere", "/api/v1/incidents", "/act/x"]
)
async def test_a_compressed_body_is_a_415_and_is_never_unpacked(router: Router, path: str) -> None:
    """2 MB that would unpack to 2 GB cost next to nothing on any path, and the connection ends."""
    bomb = gzip.compress(b"\0" * 50_000_000, 9) * 40
    async with router() as daemon:
        head = post(path, len(bomb), "Content-Encoding: gzip")
        start, cpu = time.monotonic(), time.process_time()
        answers = await asyncio.gather(*(send(daemon, head, bomb) for _ in range(5)))
        took, cost = time.monotonic() - start, time.process_time() - cpu
        assert {status(answer) for answer in answers} == {415}
        assert all(b"connection: close" in answer.lower() for answer in answers)
        assert refused(daemon.app.metrics, "compressed") == 5
        # Unpacking it all once takes several seconds of CPU.
        assert cost < 2, (took, cost)


async def test_an_encoding_that_changes_nothing_is_accepted(router: Router) -> None:
    """`identity` is no compression."""
    async with router() as daemon:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Encoding": "identity"}
        answer = await daemon.ask(
            "POST", "/webhooks/alertmanager", json=group(alert()), headers=headers
        )
        assert answer.status == 200


# --- bodies


async def test_the_secret_is_checked_before_the_body(router: Router) -> None:
    """The answer comes while the body is still to be sent."""
    async with router() as daemon:
        reader, writer = await connect(daemon)
        writer.write(
            post("/webhooks/alertmanager", 10_000_000).replace("\n", "\r\n").encode() + b"\r\n"
        )
        answer = await asyncio.wait_for(reader.read(100), 5)
        assert status(answer) == 401
        writer.close()


async def test_a_length_beyond_the_limit_is_refused_before_the_body(router: Router) -> None:
    """So is a body that turns out to be longer than it may be."""
    token = f"Authorization: Bearer {TOKEN}"
    async with router(max_body="1MiB") as daemon:
        reader, writer = await connect(daemon)
        head = post("/webhooks/alertmanager", 2_000_000, token)
        writer.write(head.replace("\n", "\r\n").encode() + b"\r\n")
        assert status(await asyncio.wait_for(reader.read(100), 5)) == 413
        writer.close()
        length = "Content-Length: 2000000"
        chunked = head.replace(length, "Transfer-Encoding: chunked\nConnection: close")
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        assert status(await send(daemon, chunked, chunk * 20 + b"0\r\n\r\n")) == 413


async def test_all_bodies_together_have_a_limit(router: Router) -> None:
    """Beyond it 503, so that Alertmanager sends it again; and what was refused is free again."""
    token = f"Authorization: Bearer {TOKEN}"
    async with router() as daemon:
        daemon.app.parts.webhooks.bodies.free[True] = 3_000_000
        opened = []
        for _ in range(6):
            reader, writer = await connect(daemon)
            head = post("/webhooks/alertmanager", 1_000_001, token)
            writer.write(head.replace("\n", "\r\n").encode() + b"\r\n" + b"x" * 1_000_000)
            opened.append((reader, writer))
        answers = await asyncio.gather(*(_answer(reader, 2) for reader, _ in opened))
        assert sorted(answers) == [0, 0, 0, 503, 503, 503] or answers.count(503) >= 3
        for _, writer in opened:
            writer.close()
        await until(lambda: daemon.app.parts.webhooks.bodies.free[True] == 3_000_000)
        assert (await daemon.alert(alert())).status == 200


async def test_anonymous_bodies_cannot_keep_out_the_others(router: Router) -> None:
    """A signed body's sender is unknown until it was read: such requests share a quarter of the
    limit.
    """
    sources = {"alertmanager": {"bearer_token": TOKEN}, "sentry": {"client_secret": "s3cret"}}
    async with router(sources=sources) as daemon:
        bodies = daemon.app.parts.webhooks.bodies
        bodies.free[False] = 1_000_000
        opened = []
        for _ in range(3):
            reader, writer = await connect(daemon)
            head = post("/webhooks/sentry", 600_001)
            writer.write(head.replace("\n", "\r\n").encode() + b"\r\n" + b"x" * 600_000)
            opened.append((reader, writer))
        answers = await asyncio.gather(*(_answer(reader, 2) for reader, _ in opened))
        assert 503 in answers
        assert (await daemon.alert(alert())).status == 200
        for _, writer in opened:
            writer.close()
        await until(lambda: bodies.free[False] == 1_000_000)


async def _answer(reader: asyncio.StreamReader, seconds: float) -> int:
    """The status of the answer; 0 if there is none in time."""
    try:
        return status(await asyncio.wait_for(reader.read(100), seconds))
    except TimeoutError:
        return 0


async def test_an_aborted_request_is_freed_at_once(router: Router) -> None:
    """Without waiting for the garbage collector, which may be late under load."""
    token = f"Authorization: Bearer {TOKEN}"
    async with router() as daemon:
        await daemon.alert(alert())
        gc.collect()
        gc.disable()
        try:
            for _ in range(20):
                _, writer = await connect(daemon)
                head = post("/webhooks/alertmanager", 900_000, token)
                writer.write(head.replace("\n", "\r\n").encode() + b"\r\n" + b"y" * 800_000)
                await writer.drain()
                await asyncio.sleep(0.02)
                writer.transport.abort()
            await asyncio.sleep(0.3)
            kept = [field for field in gc.get_objects() if type(field) is web.Request]
            assert len(kept) <= 2
        finally:
            gc.enable()


# --- malformed requests


@pytest.mark.parametrize(
    "raw",
    [
        f"GET /heartbeat/backup/{SECRET} HTTP/9.9\r\nHost: x\r\n\r\n",
        f"G@T /heartbeat/backup/{SECRET} HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /heartbeat/backup/{SECRET}\x01\x02 HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization {SECRET}\r\n\r\n",
        f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {SECRET}\r\n\r\n",
        f"GET /{SECRET}{'x' * 9000} HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\nX: {SECRET}{'x' * 9000}\r\n\r\n",
        f"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{SECRET}\r\n",
    ],
)
async def test_no_byte_of_a_malformed_request_is_logged(
    router: Router, raw: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """And none is an error, which would be reported to Sentry."""
    async with router() as daemon:
        for _ in range(3):
            reader, writer = await connect(daemon)
            writer.write(raw.encode("latin-1"))
            await _answer(reader, 1)
            writer.close()
        assert (await daemon.get("/-/healthy")).status == 200
    logged = capfd.readouterr()
    for text in (logged.out, logged.err, caplog.text):
        assert SECRET not in text
    assert not [record for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}]


def test_a_fault_of_the_router_is_an_error_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    """Without its message, which may quote the request."""
    logs.configure("json")
    logging.getLogger().addHandler(caplog.handler)
    with pytest.raises(ZeroDivisionError) as caught:
        _fail()
    ServerLog(Metrics()).exception("Error handling request from %s", "x", exc_info=caught.value)
    (record,) = [one for one in caplog.records if one.levelname == "ERROR"]
    assert "server_fault" in str(record.msg)
    assert "test_server.py:" in str(record.msg)
    assert SECRET not in str(record.msg)


def _fail() -> None:
    raise ZeroDivisionError(SECRET)


# --- connections


@asynccontextmanager
async def server(**limits: Any) -> AsyncIterator[tuple[tuple[str, int], Connections, Metrics]]:
    """A server that answers `ok`, with its own limits."""
    metrics = Metrics()
    connections = Connections(metrics, **limits)
    config_file: Any = SimpleNamespace(auth=Auth(insecure=True), trusted_proxies=())
    guard = Guard(connections, Failures(SteppedClock()), metrics, config_file)
    app = web.Application(middlewares=[guard.handle])

    async def ok(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text="ok")

    async def large(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 20_000_000)

    app.add_routes([web.post("/", ok), web.get("/", ok), web.get("/large", large)])
    runner = make_runner(app, metrics, 0.5)
    await runner.setup()
    await Site(runner, "127.0.0.1", 0, connections).start()
    try:
        yield runner.addresses[0][:2], connections, metrics
    finally:
        await runner.cleanup()


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def get(address: tuple[str, int]) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(GET)
    answer = await asyncio.wait_for(reader.readuntil(b"ok"), 5)
    writer.close()
    return answer


async def test_idle_connections_give_way_to_new_ones() -> None:
    """A flood of them locks nobody out, and stays below the limit."""
    async with server(most=20) as (address, connections, metrics):
        idle = [await asyncio.open_connection(*address) for _ in range(100)]
        for _ in range(10):
            assert status(await get(address)) == 200
        assert len(connections) <= 21
        assert refused(metrics, "too_many_connections") >= 80
        for _, writer in idle:
            writer.close()


async def test_a_connection_that_was_used_outlives_new_idle_ones() -> None:
    """Alertmanager's stays open while somebody opens others."""
    async with server(most=10) as (address, _, _):
        reader, writer = await asyncio.open_connection(*address)
        for _ in range(3):
            writer.write(GET)
            assert status(await asyncio.wait_for(reader.readuntil(b"ok"), 5)) == 200
            idle = [await asyncio.open_connection(*address) for _ in range(30)]
            for _, other in idle:
                other.close()
        writer.close()


async def test_a_busy_connection_is_never_evicted() -> None:
    """With all connections busy a new one is refused."""
    async with server(most=3) as (address, _, metrics):
        busy = []
        for _ in range(3):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
            busy.append((reader, writer))
        await asyncio.sleep(0.1)
        reader, refused_one = await asyncio.open_connection(*address)
        refused_one.write(GET)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        refused_one.close()
        assert refused(metrics, "too_many_connections") == 1
        for reader, writer in busy:
            writer.write(b"b")
            assert status(await asyncio.wait_for(reader.readuntil(b"ok"), 5)) == 200
            writer.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
async def test_a_request_that_does_not_arrive_ends_the_connection(sent: bytes) -> None:
    """Nothing at all, or a head without an end."""
    async with server(first=0.2, header=0.2) as (address, connections, metrics):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(sent)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        assert refused(metrics, "too_slow") == 1
        assert len(connections) == 0
        writer.close()


async def test_a_head_that_drips_ends_the_connection() -> None:
    """A byte at a time is no progress."""
    async with server(header=0.3) as (address, connections, metrics):
        _, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.1\r\nHost: ")
        for _ in range(100):
            writer.write(b"x")
            await asyncio.sleep(0.02)
            if refused(metrics, "too_slow"):
                break
        assert (refused(metrics, "too_slow"), len(connections)) == (1, 0)
        writer.close()


async def test_a_reader_that_does_not_read_ends_the_connection() -> None:
    """The answer doesn't stay in memory for ever."""
    async with server(stalled=0.3) as (address, connections, metrics):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, address)
        await loop.sock_sendall(sock, GET.replace(b"GET /", b"GET /large"))
        await until(lambda: refused(metrics, "too_slow") and not len(connections))
        sock.close()


def test_connections_leave_room_for_outgoing_ones() -> None:
    """For any limit of the system."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        for limit in (64, 1024, 4096):
            if limit <= soft:
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
                assert most_connections() <= max(16, limit - limit // 4)
        assert raise_file_limit() >= soft
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

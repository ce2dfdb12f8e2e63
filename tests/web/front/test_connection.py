"""Plain webhooks are answered as aiohttp answers them; the rest of a connection is aiohttp's."""

import asyncio
import gzip
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from router.web.connections import Connections
from router.web.front import connection as module
from router.web.server import Site
from tests.daemon import TOKEN, Daemon, alert, group, write_config
from tests.test_app import until

Router = Callable[..., Daemon]
Address = tuple[str, int]

AUTH = f"Authorization: Bearer {TOKEN}"
BODY = json.dumps(group(alert())).encode()
PATH = "/webhooks/alertmanager"
POSTS = "/webhooks/prometheus/api/v2/alerts"


def post(body: bytes = BODY, *more: str, path: str = PATH, host: str = "localhost") -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}", *more]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


GET = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Sides(NamedTuple):
    """One router behind two ports: with the front, and with aiohttp only."""

    daemon: Daemon
    front: Address
    plain: Address

    @property
    def handed_over(self) -> int:
        """Connections that are aiohttp's."""
        return len(self.daemon.app.parts.connections._by_inner)


@asynccontextmanager
async def sides(router: Router, **changes: Any) -> AsyncIterator[Sides]:
    async with router(**changes) as daemon:
        runner, connections = daemon.app._runner, daemon.app.parts.connections
        await Site(runner, "127.0.0.1", 0, connections).start()
        front, plain = (address[:2] for address in runner.addresses)
        yield Sides(daemon, front, plain)


async def answers(address: Address, *parts: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """Send the parts, the last of which closes the connection; all answers until then."""
    reader, writer = await asyncio.open_connection(*address)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.01 if len(parts) > 1 else 0)
    found = []
    try:
        async with asyncio.timeout(20):
            while answer := await read(reader):
                found.append(answer)
    except ConnectionError:
        pass
    finally:
        writer.close()
    return found


async def read(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes] | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        start, *lines = head.split("\r\n")[:-2]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        return (
            int(start.split()[1]),
            headers,
            await reader.readexactly(int(headers.get("content-length", 0))),
        )
    except asyncio.IncompleteReadError:
        return None


def compared(found: list[tuple[int, dict[str, str], bytes]]) -> list[tuple[int, Any, bytes]]:
    """Without what differs by server or by request; a page holds secrets of its own."""
    own = {"server", "date", "vary"}
    return [
        (status, {}, b"")
        if headers.get("content-type", "").startswith("text/html")
        else (status, {name: v for name, v in headers.items() if name not in own}, body)
        for status, headers, body in found
    ]


CASES = {
    "accepted": post(BODY, AUTH),
    "repeated header": post(BODY, AUTH, AUTH),
    "no secret": post(BODY),
    "wrong secret": post(BODY, "Authorization: Bearer wrong"),
    "unknown source": post(BODY, AUTH, path="/webhooks/nothing"),
    "method": post(BODY, AUTH).replace(b"POST", b"PUT"),
    "no JSON": post(b"{", AUTH),
    "no alert": post(b'{"version": "4", "alerts": [{}]}', AUTH),
    "no body": post(b"", AUTH),
    "query": post(BODY, AUTH, path=f"{PATH}?x=1"),
    "another site": post(BODY, AUTH, "Origin: http://evil.example"),
    "name of another": post(BODY, path="/webhooks/open", host="evil.example"),
    "open": post(BODY, path="/webhooks/open"),
    "signature": post(BODY, path="/webhooks/sentry"),
    "too large": post(b"x" * 2_000_000, AUTH),
    "compressed": post(gzip.compress(BODY), AUTH, "Content-Encoding: gzip"),
    "expect": post(BODY, AUTH, "Expect: 100-continue"),
    "browser": post(b"{", AUTH, "Accept: text/html"),
    "chunked": post(b"", AUTH).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
    "smuggled": post(BODY, AUTH, "Transfer-Encoding: chunked"),
    "malformed": post(BODY, AUTH, "Bad Header"),
    "below": post(b"[]", AUTH, path=f"{PATH}/api/v2/alerts"),
    "own answer": post(b'[{"labels": {"alertname": "A"}}]', AUTH, path=POSTS),
    "own answer of nothing good": post(b"[{}]", AUTH, path=POSTS),
    "own refusal": post(b"[]", path=POSTS),
    "own refusal of a body": post(b"{", AUTH, path=POSTS),
}
SOURCES = {
    "alertmanager": {"bearer_token": TOKEN},
    "open": {"type": "alertmanager", "insecure": True},
    "sentry": {"client_secret": "s3cret"},
    "prometheus": {"bearer_token": TOKEN},
}


async def test_the_answer_is_the_same_as_by_aiohttp(router: Router) -> None:
    """Accepted, refused or malformed, alone or between others on a connection; so are metrics."""
    async with sides(router, sources=SOURCES, max_body="1MiB") as both:
        samples = both.daemon.app.metrics.registry.get_sample_value
        reasons = ("unauthorized", "forbidden", "compressed", "malformed")

        async def counted(address: Address, sent: bytes) -> tuple[object, list[object]]:
            before = [
                samples("alert_router_requests_refused_total", {"reason": r}) or 0 for r in reasons
            ]
            found = compared(await answers(address, sent))
            after = [
                samples("alert_router_requests_refused_total", {"reason": r}) or 0 for r in reasons
            ]
            return found, [b - a for a, b in zip(before, after, strict=True)]

        for name, case in CASES.items():
            await counted(both.plain, case + LAST)  # the alert is known from here on
            expected = await counted(both.plain, case + case + LAST)
            both.daemon.app.parts.guard._failures._peers.clear()
            assert await counted(both.front, case + case + LAST) == expected, name
            both.daemon.app.parts.guard._failures._peers.clear()


async def test_a_connection_is_handed_over_with_all_bytes(router: Router) -> None:
    """Webhooks, then something else, then webhooks again: all in one write, or byte by byte."""
    async with sides(router) as both:
        stream = post(BODY, AUTH) * 3 + GET + post(BODY, AUTH) + LAST
        found = await answers(both.front, stream)
        assert [status for status, *_ in found] == [200] * 6
        assert b"healthy" in found[3][2]
        pieces = [stream[at : at + 97] for at in range(0, len(stream), 97)]
        assert compared(await answers(both.front, *pieces)) == compared(found)


async def test_a_webhook_needs_no_aiohttp(router: Router) -> None:
    """Also if its body comes in two pieces, and the connection is used again."""
    async with sides(router) as both:
        reader, writer = await asyncio.open_connection(*both.front)
        for _ in range(2):
            request = post(BODY, AUTH)
            writer.write(request[:-50])
            await asyncio.sleep(0.02)
            writer.write(request[-50:])
            answer = await read(reader)
            assert answer is not None
            assert (answer[0], json.loads(answer[2])["accepted"]) == (200, 1)
        assert both.handed_over == 0
        writer.write(GET)
        assert (await read(reader) or [0])[0] == 200
        assert both.handed_over == 1
        writer.close()


async def test_a_head_is_checked_again_by_a_new_config(tmp_path: Path, router: Router) -> None:
    """A secret that was replaced, or a source that needs one now, lets nobody in any more."""
    async with sides(router, sources=SOURCES) as both:
        requests = [post(BODY, AUTH), post(BODY, path="/webhooks/open")] * 2
        found = await answers(both.front, *requests, LAST)
        assert [status for status, *_ in found] == [200] * 5
        secret = {"type": "alertmanager", "bearer_token": "another"}
        write_config(tmp_path, sources=SOURCES | {"alertmanager": secret, "open": secret})
        await both.daemon.app.reload()
        found = await answers(both.front, *requests, LAST)
        assert [status for status, *_ in found] == [401] * 4 + [200]


async def test_few_heads_are_remembered(router: Router, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many a sender makes up; and none that a signature makes unique."""
    monkeypatch.setattr(module, "KNOWN_HEADS", 3)
    async with sides(router, sources=SOURCES) as both:
        known = both.daemon.app.parts.front._known
        for number in range(7):
            await answers(both.front, post(BODY, AUTH, f"X: {number}") + LAST)
            assert len(known) == number % 3 + 1
        await answers(both.front, post(BODY, path="/webhooks/sentry") + LAST)
        assert all(head.path == PATH for head, _ in known.values())


async def test_a_slow_body_is_left_to_aiohttp(
    router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes are counted once, and given back when the client goes away."""
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    async with sides(router) as both:
        connections, bodies = (
            both.daemon.app.parts.connections,
            both.daemon.app.parts.webhooks.bodies,
        )
        free = bodies.free[True]
        reader, writer = await asyncio.open_connection(*both.front)
        request = post(BODY, AUTH)
        writer.write(request[:-10])
        await until(lambda: bodies.free[True] == free - len(BODY) + 10)
        assert both.handed_over == 0
        connections._sweep()
        assert both.handed_over == 1
        await until(lambda: bodies.free[True] == free - len(BODY) + 10)
        writer.write(request[-10:])
        assert (await read(reader) or [0])[0] == 200
        writer.write(request[:-10])
        _, other = await asyncio.open_connection(*both.front)
        other.write(request[:-10])
        await until(lambda: bodies.free[True] == free - 2 * (len(BODY) - 10))
        writer.close()
        other.close()
        await until(lambda: bodies.free[True] == free)


async def test_too_many_bytes_in_flight_are_refused(router: Router) -> None:
    """aiohttp refuses them with 503."""
    async with sides(router) as both:
        both.daemon.app.parts.webhooks.bodies.free[True] = 100
        ((status, headers, _), *_) = await answers(both.front, post(BODY, AUTH) + LAST)
        assert (status, headers["retry-after"]) == (503, "1")


async def test_a_stop_waits_for_the_answer(router: Router) -> None:
    """A request in progress is finished, an idle connection is closed, and nothing is accepted."""
    async with sides(router) as both:
        parts = both.daemon.app.parts
        gate, submit = asyncio.Event(), parts.inbox.submit

        async def held(events: Any) -> Any:
            await gate.wait()
            return await submit(events)

        parts.inbox.submit = held  # type: ignore[method-assign]
        idle, idle_writer = await asyncio.open_connection(*both.front)
        reader, writer = await asyncio.open_connection(*both.front)
        writer.write(post(BODY, AUTH) + post(BODY, AUTH))
        await until(lambda: bool([c for c in parts.connections._admitted if c.served]))
        stop = asyncio.create_task(parts.connections.stop(5))
        assert await idle.read() == b""
        assert not stop.done()
        gate.set()
        answer = await read(reader)
        assert answer is not None
        assert (answer[0], answer[1]["connection"]) == (200, "close")
        assert await reader.read() == b""
        await stop
        assert len(parts.connections) == 0
        for one in (writer, idle_writer):
            one.close()


async def test_a_client_that_reads_nothing_gets_no_second_answer(router: Router) -> None:
    """Requests that come ahead stay unread, so they take no memory."""
    async with sides(router, sources=SOURCES) as both:
        connections: Connections = both.daemon.app.parts.connections
        _, writer = await asyncio.open_connection(*both.front)
        writer.write(post(BODY, AUTH))
        await until(lambda: any(c.served for c in connections._admitted))
        (connection,) = connections._admitted
        await until(lambda: connection.transport.is_reading() and not connection.partial_since)
        connection.pause_writing()
        for _ in range(100):
            writer.write(post(BODY, AUTH) * 10)
        await until(lambda: not connection.transport.is_reading())
        assert connection.served == 1
        connection.resume_writing()
        await until(lambda: connection.served > 100)
        writer.close()


async def test_changed_bytes_are_answered_the_same(router: Router) -> None:
    """Any bytes get what aiohttp answers to them, and none is a fault."""
    chance = random.Random(12)
    async with sides(router, sources=SOURCES) as both:
        open_post = post(BODY, "User-Agent: x", "Accept: */*", path="/webhooks/open")
        for _ in range(60):
            data = bytearray(open_post)
            for _ in range(chance.randint(1, 3)):
                at = chance.randrange(len(data) - len(BODY) - 1)
                data[at : at + chance.randint(0, 2)] = chance.choice(
                    [b"", b"\r", b"\n", b"\0", b" ", b":", b"\xff", b"%", b"\r\n", b"X"]
                )
            sent = bytes(data) + LAST
            # Of requests that come together aiohttp answers none if one of them is malformed.
            expected = [status for status, *_ in await answers(both.plain, sent)]
            found = [status for status, *_ in await answers(both.front, sent)]
            assert found[-len(expected) :] == expected, data
            assert 500 not in found

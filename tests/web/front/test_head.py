"""A head that the front reads is the one that aiohttp reads; all others are left to aiohttp."""

import asyncio
from collections.abc import Iterator

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser
from hypothesis import example, given
from hypothesis import strategies as st

from router.web.front.head import LONGEST, PlainHead, find_head, read_head

PLAIN = [b"Host: localhost", b"Content-Length: 12"]


def head(*lines: bytes, start: bytes = b"POST /webhooks/am HTTP/1.1") -> bytearray:
    return bytearray(b"\r\n".join([start, *lines, b"", b""]))


def read(data: bytearray) -> PlainHead | None:
    cut_out = find_head(data)
    return read_head(cut_out) if cut_out else None


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


STARTS = st.sampled_from(
    [
        *[b"POST /webhooks/am HTTP/1.1"] * 3,
        b"POST /webhooks/am/s3cret-_.~ HTTP/1.1",
        b"POST /webhooks/am/a/b.c HTTP/1.1",
        b"POST /webhooks/am/../x HTTP/1.1",
        b"POST /webhooks/am//x HTTP/1.1",
        b"POST /webhooks/am/ HTTP/1.1",
        b"POST /webhooks/a%6d HTTP/1.1",
        b"POST /webhooks/am?x=1 HTTP/1.1",
        b"POST /webhooks/am#x HTTP/1.1",
        b"POST /webhooks/am HTTP/1.0",
        b"POST /webhooks/am HTTP/1.1\nHost: x",
        b"POST  /webhooks/am HTTP/1.1",
        b"POST /webhooks/\xff HTTP/1.1",
    ]
)
LINES = st.one_of(
    st.sampled_from(
        [
            *PLAIN * 3,
            b"content-length:  7 ",
            b"Content-Length: +7",
            b"Content-Length: 0",
            b"Content-Length: 7, 7",
            b"Content-Length: 99999999999999999999",
            b"Transfer-Encoding: chunked",
            b"Transfer-Encoding : chunked",
            b"Connection: keep-alive",
            b"Connection: close",
            b"Connection: upgrade",
            b"Upgrade: websocket",
            b"Expect: 100-continue",
            b" folded",
            b"X: \t spaced \t",
            b"X: a\rb",
            b"X: a\nContent-Length: 3",
            b"X: \xc3\xa9",
            b"X:",
        ]
    ),
    st.binary(max_size=20),
)


@example(start=b"POST /webhooks/am HTTP/1.1", lines=[b"X: \t spaced \t"], host=True)
@given(start=STARTS, lines=st.lists(LINES, max_size=4), host=st.booleans())
def test_both_read_the_same_head(
    loop: asyncio.AbstractEventLoop, start: bytes, lines: list[bytes], host: bool
) -> None:
    """Else they could disagree about where a request ends, or what it asks for."""
    data = head(*(PLAIN if host else []), *lines, start=start)
    if (mine := read(data)) is None:
        return
    parser = HttpRequestParser(BaseProtocol(loop), loop, 2**16)
    ((message, _),), upgraded, rest = parser.feed_data(bytes(data[: mine.size]))
    assert not upgraded
    assert not rest
    assert (message.method, message.path) == (mine.method, mine.raw_path)
    assert message.url.path == mine.path
    assert not message.should_close
    assert not message.chunked
    assert message.compression is None
    assert list(message.headers.items()) == list(mine.headers.items())
    assert int(message.headers["Content-Length"]) == mine.length


@pytest.mark.parametrize(
    "line",
    [
        b"Transfer-Encoding: chunked",
        b"Expect: 100-continue",
        b"Content-Encoding: gzip",
        b"Connection: close",
        b"Connection: Upgrade\r\nUpgrade: websocket",
        b"Accept: text/html",
        b"Host: another",
        b"X: \xff",
    ],
)
def test_what_needs_more_than_a_length_is_not_plain(line: bytes) -> None:
    """aiohttp reads it."""
    assert read(head(*PLAIN)) is not None
    assert read(head(*PLAIN, line)) is None


def test_a_plain_head_has_a_length_and_a_host() -> None:
    """And no other method or version, and no path that would have to be decoded."""
    found = read(head(*PLAIN, start=b"POST /webhooks/am/a/b HTTP/1.1"))
    assert found is not None
    assert (found.match_info, found.length) == ({"source": "am", "segment": "a/b"}, 12)
    assert read(head(PLAIN[0])) is None
    assert read(head(PLAIN[1])) is None
    assert read(head(PLAIN[0], b"Content-Length: 0")) is None


def test_it_waits_only_for_a_head_that_may_be_plain() -> None:
    """Up to the bytes that a head may have."""
    data = head(*PLAIN)
    assert all(find_head(data[:size]) == b"" for size in range(len(data)))
    assert find_head(data + b"body") == data
    assert find_head(bytearray(b"POST /webhook?")) is None
    assert find_head(bytearray(b"GET")) is None
    assert find_head(data[:30] + b"x" * LONGEST) is None
    assert read(data[:-4] + b"\r\nX: " + b"x" * LONGEST + b"\r\n\r\n") is None

"""The session of all senders, and one HTTP POST with its result."""

from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from router.model.notification import Result
from router.ports.write_guard import check_write
from router.senders.outcome import from_error, from_response

MAX_ANSWER = 64 * 1024
"""Maximum bytes to read of an answer. If there are more, the connection is closed."""


def open_session(**options: Any) -> aiohttp.ClientSession:
    """Return a session that calls `check_write` before each write. `options` are aiohttp's."""
    guard = aiohttp.TraceConfig()
    # Despite their names, aiohttp calls them before it writes the headers and each chunk.
    guard.on_request_headers_sent.append(_check)
    guard.on_request_chunk_sent.append(_check)
    jar = aiohttp.DummyCookieJar()
    return aiohttp.ClientSession(cookie_jar=jar, trace_configs=[guard], **options)


async def _check(*_: object) -> None:
    check_write()


def timeouts(seconds: float) -> aiohttp.ClientTimeout:
    """`seconds` for the whole attempt, half of them to connect.

    They must differ, because only a time-out while connecting proves that nothing was sent.
    """
    return aiohttp.ClientTimeout(total=seconds, connect=seconds / 2)


async def post(  # noqa: PLR0913 -- the parts of one request, each by name
    session: aiohttp.ClientSession,
    url: str | URL,
    *,
    body: bytes,
    headers: Mapping[str, str],
    timeout: float,  # noqa: ASYNC109 -- aiohttp's time-outs show whether the request was sent
    idempotent: bool,
    now: float,
) -> tuple[Result, bytes]:
    """Post `body`, and read up to `MAX_ANSWER` bytes of the answer; b"" without one.

    Redirects aren't followed.

    Args:
        session: provides the connections.
        url: a secret, which the result never contains.
        body: sent unchanged.
        headers: in addition to aiohttp's own.
        timeout: seconds for the whole attempt.
        idempotent: the service recognizes a repeated request.
        now: UTC seconds.
    """
    try:
        async with session.post(
            url, data=body, headers=headers, timeout=timeouts(timeout), allow_redirects=False
        ) as response:
            answer = await _read(response)
    except (aiohttp.ClientError, OSError, ValueError) as exc:
        return from_error(exc, idempotent=idempotent), b""
    return from_response(
        response.status, response.headers, answer, idempotent=idempotent, now=now
    ), answer


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Read the body as far as it arrives. The status is valid even if the connection breaks."""
    answer = bytearray()
    try:
        while len(answer) < MAX_ANSWER and (
            chunk := await response.content.read(MAX_ANSWER - len(answer))
        ):
            answer += chunk
    except (aiohttp.ClientError, OSError):
        response.close()
    return bytes(answer)

"""One HTTP POST and its result."""

from collections.abc import Mapping

import aiohttp
from yarl import URL

from router.model.notification import Result
from router.senders.outcome import from_error, from_response

MAX_ANSWER = 64 * 1024
"""Bytes read of an answer. The rest is dropped with its connection."""


def timeouts(seconds: float) -> aiohttp.ClientTimeout:
    """`seconds` for the whole attempt, half of them to connect.

    The two must differ: only a time-out while connecting proves that nothing was sent.
    """
    return aiohttp.ClientTimeout(total=seconds, connect=seconds / 2)


async def post(  # noqa: PLR0913 -- the parts of one request, each by name
    session: aiohttp.ClientSession,
    url: str | URL,
    *,
    body: bytes,
    headers: Mapping[str, str],
    timeout: float,  # noqa: ASYNC109 -- aiohttp's own tells a time-out before the request from one after it
    idempotent: bool,
    now: float,
) -> tuple[Result, bytes]:
    """Post `body`, and read up to `MAX_ANSWER` bytes of the answer; b"" without one.

    Redirects aren't followed.

    Args:
        session: for its connections.
        url: never part of the result.
        body: sent unchanged.
        headers: in addition to aiohttp's own.
        timeout: seconds for the whole attempt.
        idempotent: the service recognises a repeated request.
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
    """The body as far as it arrives. The status counts even if the body breaks off."""
    answer = bytearray()
    try:
        while len(answer) < MAX_ANSWER and (
            chunk := await response.content.read(MAX_ANSWER - len(answer))
        ):
            answer += chunk
    except (aiohttp.ClientError, OSError):
        response.close()
    return bytes(answer)

"""Reads JSON from a source's API."""

from collections.abc import Mapping
from typing import TypeVar

import aiohttp
import msgspec

from router.config.secret import Secret
from router.ports.reconcile import CompareFailed
from router.receivers.credentials import Basic

T = TypeVar("T")

TIMEOUT = aiohttp.ClientTimeout(total=20.0)
MAX_ANSWER = 64 * 1024 * 1024
"""Maximum bytes of an answer."""

GONE = 404


async def fetch(
    session: aiohttp.ClientSession,
    url: str,
    type_: type[T],
    headers: Mapping[str, str],
    query: Mapping[str, str],
) -> T | None:
    """The answer; None for a 404. Raises: CompareFailed."""
    try:
        async with session.get(
            url, params=query, headers=headers, timeout=TIMEOUT, allow_redirects=False
        ) as response:
            if response.status == GONE:
                return None
            if not response.ok:
                raise CompareFailed(f"HTTP {response.status}")
            return msgspec.json.decode(await _body(response), type=type_)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise CompareFailed(f"no usable answer: {type(error).__name__}") from None


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > MAX_ANSWER:
            raise CompareFailed(f"the answer is larger than {MAX_ANSWER} bytes")
    return bytes(body)


def bearer(token: Secret) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.reveal()}"}


def basic_or_bearer(basic: Basic | None, token: Secret | None) -> dict[str, str]:
    """The headers for whichever credential is given; {} for neither."""
    if token:
        return bearer(token)
    if basic is None:
        return {}
    return {"Authorization": aiohttp.BasicAuth(basic.username, basic.password.reveal()).encode()}

"""Calls on the issues of one GitHub repository, and what GitHub's refusals mean.

Pages: https://docs.github.com/rest/issues and https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

import asyncio
from collections.abc import Mapping
from typing import TypeVar

import aiohttp
import msgspec

from router.config.secret import Secret
from router.core.render import plain
from router.model.notification import Rejected, Result, Retry, Sent
from router.senders.http import timeouts
from router.senders.outcome import MAX_RETRY_AFTER, from_error, from_response, retry_after

T = TypeVar("T")

LIMITED = frozenset({403, 429})
LIMITED_WAIT = 60.0
"""Seconds to wait at a secondary limit that says nothing of how long."""

MAX_MESSAGE = 100

UNREADABLE = "answer isn't one of GitHub's"


class User(msgspec.Struct, frozen=True):
    id: int


class Issue(msgspec.Struct, frozen=True):
    """`pull_request` is there if it is one: GitHub lists them as issues, too."""

    number: int
    state: str
    created_at: str = ""
    body: str | None = None
    user: User | None = None
    pull_request: object = None


class Comment(msgspec.Struct, frozen=True):
    body: str | None = None
    user: User | None = None


class Refusal(msgspec.Struct, frozen=True):
    """GitHub's answer where it says no."""

    message: str = ""


class Failed(Exception):
    """A call that didn't get through. `status` is that of the answer, 0 if there was none."""

    def __init__(self, result: Result, status: int = 0) -> None:
        super().__init__(result)
        self.result = result
        self.status = status


class Api:
    """The calls of one attempt. They share its `seconds`, after which no more is begun."""

    def __init__(
        self, session: aiohttp.ClientSession, repository_url: str, token: Secret, *, seconds: float, now: float
    ) -> None:
        self._session = session
        self._url = repository_url
        self._token = token
        self._now = now
        self._ends = asyncio.get_running_loop().time() + seconds

    async def get(self, path: str, type_: type[T], **query: str) -> T:
        """Raises: Failed."""
        answer = await self._call("GET", path, query, b"")
        try:
            return msgspec.json.decode(answer, type=type_)
        except msgspec.DecodeError:
            raise Failed(Retry(UNREADABLE)) from None

    async def patch(self, path: str, content: Mapping[str, object]) -> None:
        """A change that does no harm when it's made again. Raises: Failed."""
        await self._call("PATCH", path, {}, msgspec.json.encode(content))

    async def post(self, path: str, content: Mapping[str, object]) -> bytes:
        """Something new, of which GitHub can't tell a double. Returns the answer. Raises: Failed."""
        return await self._call("POST", path, {}, msgspec.json.encode(content))

    async def _call(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> bytes:
        left = self._ends - asyncio.get_running_loop().time()
        if left <= 0:
            raise Failed(Retry("no time left in this attempt"))
        idempotent = method != "POST"
        try:
            async with self._session.request(
                method,
                self._url + path,
                params=query,
                data=body or None,
                headers=self._headers(),
                timeout=timeouts(left),
                allow_redirects=False,
            ) as response:
                answer = await response.read()
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            raise Failed(from_error(exc, idempotent=idempotent)) from None
        result = self._judge(response, answer, idempotent=idempotent)
        if not isinstance(result, Sent):
            raise Failed(result, response.status)
        return answer

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._token.reveal()}",
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
            "User-Agent": "alert-router",
            "X-GitHub-Api-Version": "2022-11-28",
        }

    def _judge(self, response: aiohttp.ClientResponse, answer: bytes, *, idempotent: bool) -> Result:
        status, headers = response.status, response.headers
        if status in LIMITED and (wait := limit_wait(status, headers, answer, self._now)) is not None:
            return Retry(f"HTTP {status}: rate limit", wait)
        result = from_response(status, headers, b"", idempotent=idempotent, now=self._now)
        return Rejected(result.reason + self._complaint(answer)) if isinstance(result, Rejected) else result

    def _complaint(self, answer: bytes) -> str:
        """What GitHub gave as its reason, without the token in case it's quoted; "" if it didn't say."""
        try:
            said = msgspec.json.decode(answer, type=Refusal).message
        except msgspec.DecodeError:
            return ""
        return ": " + plain(said.replace(self._token.reveal(), "***"))[:MAX_MESSAGE] if said else ""


def limit_wait(status: int, headers: Mapping[str, str], answer: bytes, now: float) -> float | None:
    """Seconds until a rate limit lets us on, for a 403 or 429; None if it isn't about one, but about permission.

    The primary limit says when it's over; a secondary one says how long to wait, or nothing.
    """
    if (asked := retry_after(headers.get("Retry-After", ""), now)) is not None:
        return asked
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return min(max(float(reset) - now, 1.0), MAX_RETRY_AFTER)
    return LIMITED_WAIT if status != 403 or b"secondary rate limit" in answer else None

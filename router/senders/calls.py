"""The calls of one attempt to a service. They share the attempt's time limit."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import aiohttp
import msgspec
from msgspec.structs import replace
from yarl import URL

from router.core.text.plain import plain
from router.model.notification import Rejected, Result, Retry, Sent, Uncertain
from router.senders.http import timeouts
from router.senders.outcome import MAX_RETRY_AFTER, from_error, from_response

T = TypeVar("T")

JSON = {"Content-Type": "application/json", "User-Agent": "alert-router"}
UNREADABLE = "answer isn't one of the service's"
MAX_COMPLAINT = 200
"""Maximum characters of an error message from a service."""


class Failed(Exception):
    """A call that failed. `status` and `answer` are the service's; 0 and b"" without an answer."""

    def __init__(self, result: Result, status: int = 0, answer: bytes = b"") -> None:
        super().__init__(result)
        self.result = result
        self.status = status
        self.answer = answer


Judge = Callable[[aiohttp.ClientResponse, bytes, bool], Result]
"""Returns the result for a response, its body, and whether the request may safely be repeated."""


class Calls:
    """Calls to paths below `url`, which isn't re-encoded. No call starts after `seconds`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        headers: Mapping[str, str],
        *,
        seconds: float,
        judge: Judge,
    ) -> None:
        self._session = session
        self._url = url
        self._headers = headers
        self._judge = judge
        self._ends = asyncio.get_running_loop().time() + seconds

    async def call(
        self,
        method: str,
        path: str,
        *,
        idempotent: bool,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> bytes:
        """The answer's body. Raises: Failed."""
        left = self._ends - asyncio.get_running_loop().time()
        if left <= 0:
            raise Failed(Retry("no time left in this attempt"))
        try:
            async with self._session.request(
                method,
                _url(self._url + path).extend_query(query or {}),
                data=body or None,
                headers=self._headers,
                timeout=timeouts(left),
                allow_redirects=False,
            ) as response:
                answer = await response.read()
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            raise Failed(from_error(exc, idempotent=idempotent)) from None
        result = self._judge(response, answer, idempotent)
        if not isinstance(result, Sent):
            raise Failed(result, response.status, answer)
        return answer

    async def ask(  # noqa: PLR0913 - the parts of a call
        self,
        method: str,
        path: str,
        type_: type[T],
        content: object = None,
        *,
        idempotent: bool,
        query: Mapping[str, str] | None = None,
    ) -> T:
        """Send `content` as JSON, and decode the answer. Raises: Failed."""
        body = b"" if content is None else msgspec.json.encode(content)
        answer = await self.call(method, path, idempotent=idempotent, query=query, body=body)
        try:
            return msgspec.json.decode(answer, type=type_)
        except msgspec.DecodeError:
            # The service made the change, but the answer is unreadable: the next attempt finds it.
            result = Retry(UNREADABLE) if idempotent else Uncertain(UNREADABLE)
            raise Failed(result) from None


def _url(text: str) -> URL:
    # A signature in a URL is valid only as written, so encode nothing but non-ASCII characters.
    return URL(text, encoded=text.isascii())


Wait = Callable[[bytes], float | None]
"""Reads the seconds to wait from the body of an answer, instead of a Retry-After header."""


def refusals(*names: str, hide: str, now: float, wait: Wait = lambda _: None) -> Judge:
    """Return a function that decides on answers by their status.

    Args:
        names: the fields of the service's JSON that may contain its error message, best first.
        hide: a secret to remove from error messages that quote it.
        now: UTC seconds.
        wait: reads the seconds to wait from an answer.
    """

    def judge(response: aiohttp.ClientResponse, answer: bytes, idempotent: bool) -> Result:
        result = from_response(
            response.status, response.headers, b"", idempotent=idempotent, now=now
        )
        if isinstance(result, Rejected):
            return Rejected(result.reason + complaint(answer, names, hide))
        if isinstance(result, Retry) and result.after is None:
            seconds = wait(answer)
            return replace(result, after=None if seconds is None else min(seconds, MAX_RETRY_AFTER))
        return result

    return judge


def number_at(*path: str) -> Callable[[bytes], float | None]:
    """Return a function that reads a number from an answer's JSON, at this path of field names."""

    def find(answer: bytes) -> float | None:
        try:
            value = msgspec.json.decode(answer)
        except msgspec.DecodeError:
            return None
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return float(value) if isinstance(value, int | float) and value >= 0 else None

    return find


def complaint(answer: bytes, names: tuple[str, ...], hide: str) -> str:
    """The service's error message, to append to the router's own; "" if there is none."""
    try:
        content = msgspec.json.decode(answer)
    except msgspec.DecodeError:
        return ""
    found = (content.get(name) for name in names) if isinstance(content, dict) else ()
    said = next((text for value in found if (text := "; ".join(_texts(value)))), "")
    return ": " + plain(said.replace(hide, "***"))[:MAX_COMPLAINT] if said else ""


def _texts(value: object, name: str = "") -> Iterator[str]:
    """All texts in a JSON value, with the name of the field that contains each, if any."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, "" if key == "message" else str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, name)
    elif value not in (None, "", False):
        yield f"{name}: {value}" if name else str(value)

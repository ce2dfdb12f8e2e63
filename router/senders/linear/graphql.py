"""GraphQL requests of one attempt to Linear, and the result for each error.

https://linear.app/developers/graphql and https://linear.app/developers/rate-limiting (HTTP 400 with
the code RATELIMITED).
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import aiohttp
import msgspec

from router.config.secret import Secret
from router.core.text.plain import plain
from router.model.notification import Rejected, Result, Retry
from router.senders.calls import JSON, MAX_COMPLAINT, UNREADABLE, Calls, Failed, refusals
from router.senders.outcome import MAX_RETRY_AFTER

T = TypeVar("T")

LIMITED = b'"RATELIMITED"'
LIMITED_STATUS = 400
LIMITED_WAIT = 60.0
"""Seconds to wait after a rate limit that gives no time."""

RESET = "X-RateLimit-Requests-Reset"
"""The header with the end of the rate limit, in UTC milliseconds."""


class _Error(msgspec.Struct, frozen=True):
    message: str = ""


class _Answer(msgspec.Struct, frozen=True):
    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: list[_Error] = []


class GraphQl:
    """The queries of one attempt. They share the attempt's time limit."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        token: Secret,
        *,
        seconds: float,
        now: float,
    ) -> None:
        self._hide = token.reveal()
        self._refusals = refusals("errors", hide=self._hide, now=now)
        self._now = now
        headers = JSON | {"Authorization": self._hide}
        url = url.rstrip("/")
        self._calls = Calls(session, url, headers, seconds=seconds, judge=self._judge)

    async def ask(self, query: str, variables: Mapping[str, Any], type_: type[T]) -> T:
        """Return the data. Raises: Failed, also for errors in an answer with status 200."""
        body = {"query": query, "variables": variables}
        answer = await self._calls.ask("POST", "/graphql", _Answer, body, idempotent=True)
        if answer.errors:
            reasons = "; ".join(error.message for error in answer.errors)
            raise Failed(Rejected(plain(reasons.replace(self._hide, "***"))[:MAX_COMPLAINT]))
        try:
            return msgspec.json.decode(answer.data, type=type_)
        except msgspec.DecodeError:
            raise Failed(Retry(UNREADABLE)) from None

    def _judge(self, response: aiohttp.ClientResponse, answer: bytes, idempotent: bool) -> Result:
        if response.status != LIMITED_STATUS or LIMITED not in answer:
            return self._refusals(response, answer, idempotent)
        reset = response.headers.get(RESET, "")
        wait = float(reset) / 1000 - self._now if reset.isdecimal() else LIMITED_WAIT
        return Retry("rate limit", min(max(wait, 1.0), MAX_RETRY_AFTER))

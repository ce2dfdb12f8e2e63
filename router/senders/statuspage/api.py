"""Calls on the incidents of one page at Statuspage, and the meaning of its refusals.

https://developer.statuspage.io. The limit, one request a second over a minute, is under Rate
Limiting there.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import aiohttp
import msgspec
from msgspec import Struct

from router.config.secret import Secret
from router.model.notification import Rejected, Result, Retry, Uncertain
from router.senders.calls import Calls, Failed, complaint
from router.senders.outcome import from_response

PER_PAGE = 100
"""Incidents in one list, the API's maximum. An older incident is found by its `ref`."""

GONE = 404
TOO_MANY = 429
CALM = 420
"""Statuspage's other status for too many requests."""

MAX_COMPLAINT = 200
UNREADABLE = "answer isn't one of Statuspage's"


class RemoteComponent(Struct, frozen=True):
    id: str


class Remote(Struct, frozen=True):
    """An incident at Statuspage."""

    id: str
    status: str = ""
    impact: str = "none"
    metadata: dict[str, Any] | None = None
    components: list[RemoteComponent] | None = None

    @property
    def is_open(self) -> bool:
        return self.status in {"investigating", "identified", "monitoring"}

    @property
    def component_ids(self) -> set[str]:
        return {one.id for one in self.components or ()}


class Refusal(Struct, frozen=True):
    """The body of a refusal."""

    error: str | list[str] = ""


T = TypeVar("T")


class Api:
    """The calls of one attempt, which share its `seconds`."""

    def __init__(  # noqa: PLR0913 - the parts of a call
        self,
        session: aiohttp.ClientSession,
        url: str,
        page: str,
        key: Secret,
        *,
        seconds: float,
        now: float,
    ) -> None:
        headers = {"Authorization": f"OAuth {key.reveal()}", "Content-Type": "application/json"}
        incidents = f"{url.rstrip('/')}/pages/{page}/incidents"
        self._calls = Calls(session, incidents, headers, seconds=seconds, judge=self._judge)
        self._key = key
        self._now = now

    async def incidents(self, limit: int) -> Sequence[Remote]:
        """The newest incidents. Raises: Failed."""
        return _decoded(
            await self._calls.call("GET", "", idempotent=True, query={"limit": str(limit)}),
            list[Remote],
        )

    async def incident(self, number: str) -> Remote | None:
        """None if the incident is gone. Raises: Failed."""
        try:
            return _decoded(await self._calls.call("GET", f"/{number}", idempotent=True), Remote)
        except Failed as failure:
            if failure.status == GONE:
                return None
            raise

    async def write(self, number: str, content: Mapping[str, object]) -> str:
        """Update the incident of this id, or create one for "". Returns its id. Raises: Failed."""
        body = msgspec.json.encode(content)
        method, path = ("PATCH", f"/{number}") if number else ("POST", "")
        answer = await self._calls.call(method, path, idempotent=False, body=body)
        try:
            return msgspec.json.decode(answer, type=Remote).id
        except msgspec.DecodeError:
            # It's written, but its id is unknown: the next attempt finds it.
            raise Failed(Uncertain(UNREADABLE)) from None

    def _judge(self, response: aiohttp.ClientResponse, answer: bytes, idempotent: bool) -> Result:
        status = TOO_MANY if response.status == CALM else response.status
        result = from_response(status, response.headers, b"", idempotent=idempotent, now=self._now)
        return (
            Rejected(result.reason + self._complaint(answer))
            if isinstance(result, Rejected)
            else result
        )

    def _complaint(self, answer: bytes) -> str:
        """Statuspage's reason, without the key if quoted; "" for none."""
        try:
            said = msgspec.json.decode(answer, type=Refusal).error
        except msgspec.DecodeError:
            return ""
        return complaint(
            said if isinstance(said, str) else "; ".join(said), self._key, MAX_COMPLAINT
        )


def _decoded(answer: bytes, type_: type[T]) -> T:
    """The answer to a read. Raises: Failed."""
    try:
        return msgspec.json.decode(answer, type=type_)
    except msgspec.DecodeError:
        raise Failed(Retry(UNREADABLE)) from None

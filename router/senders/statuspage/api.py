"""Calls on the incidents of one page at Statuspage, and the meaning of its refusals.

https://developer.statuspage.io. Its section Rate Limiting has the limit, an average of one request
a second over a minute.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
from msgspec import Struct

from router.config.secret import Secret
from router.model.notification import Result
from router.senders.calls import Calls, Failed, refusals
from router.senders.outcome import from_response

PER_PAGE = 100
"""Incidents in a list, the API's maximum. Older incidents are found by their `ref`."""

GONE = 404
TOO_MANY = 429
CALM = 420
"""The status that Statuspage also uses for too many requests."""


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
        return {component.id for component in self.components or ()}


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
        self._refusals = refusals("error", hide=key.reveal(), now=now)
        self._now = now

    async def incidents(self, limit: int) -> Sequence[Remote]:
        """The newest incidents. Raises: Failed."""
        return await self._calls.ask(
            "GET", "", list[Remote], idempotent=True, query={"limit": str(limit)}
        )

    async def incident(self, number: str) -> Remote | None:
        """None if the incident is gone. Raises: Failed."""
        try:
            return await self._calls.ask("GET", f"/{number}", Remote, idempotent=True)
        except Failed as failure:
            if failure.status == GONE:
                return None
            raise

    async def write(self, number: str, content: Mapping[str, object]) -> str:
        """Update the incident with this id; "" creates one. Returns the id. Raises: Failed."""
        method, path = ("PATCH", f"/{number}") if number else ("POST", "")
        return (await self._calls.ask(method, path, Remote, content, idempotent=False)).id

    def _judge(self, response: aiohttp.ClientResponse, answer: bytes, idempotent: bool) -> Result:
        if response.status == CALM:
            return from_response(
                TOO_MANY, response.headers, b"", idempotent=idempotent, now=self._now
            )
        return self._refusals(response, answer, idempotent)

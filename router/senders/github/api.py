"""Calls on the issues of one GitHub repository, and the meaning of GitHub's refusals.

https://docs.github.com/rest/issues and
https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from collections.abc import Mapping
from typing import TypeVar

import aiohttp
import msgspec

from router.config.secret import Secret
from router.model.notification import Result, Retry
from router.senders.calls import Calls, Failed, refusals
from router.senders.outcome import MAX_RETRY_AFTER, retry_after
from router.senders.tickets.text import timestamp

T = TypeVar("T")

LIMITED = frozenset({403, 429})
LIMITED_WAIT = 60.0
"""Seconds to wait after a secondary rate limit that gives no time."""

GONE = frozenset({301, 404, 410})
"""Statuses for an issue that was moved to another repository or deleted, or isn't visible."""

SKEW = 300.0
"""Seconds that GitHub's clock may be behind the router's."""
PER_PAGE = 100
PAGES = 5
"""Maximum pages searched for a mark. Beyond them, a duplicate is accepted."""


class User(msgspec.Struct, frozen=True):
    id: int


class Issue(msgspec.Struct, frozen=True):
    """`pull_request` is set for a pull request: GitHub lists them as issues, too."""

    number: int
    state: str
    created_at: str = ""
    body: str | None = None
    user: User | None = None
    pull_request: object = None


class Comment(msgspec.Struct, frozen=True):
    body: str | None = None
    user: User | None = None


class Api:
    """The calls of one attempt, which share its `seconds`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        repository_url: str,
        token: Secret,
        *,
        seconds: float,
        now: float,
    ) -> None:
        headers = {
            "Authorization": f"Bearer {token.reveal()}",
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
            "User-Agent": "alert-router",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        self._calls = Calls(session, repository_url, headers, seconds=seconds, judge=self._judge)
        self._refusals = refusals("message", hide=token.reveal(), now=now)
        self._now = now

    async def get(self, path: str, type_: type[T], **query: str) -> T:
        """Raises: Failed."""
        return await self._calls.ask("GET", path, type_, idempotent=True, query=query)

    async def issue(self, number: str) -> Issue | None:
        """None if the issue is gone. Raises: Failed."""
        try:
            return await self.get(f"/issues/{number}", Issue)
        except Failed as failure:
            if failure.status in GONE:
                return None
            raise

    async def issues(self, since: float) -> list[Issue]:
        """The issues opened since `since`, newest first, at most `PAGES` pages. Raises: Failed."""
        found: list[Issue] = []
        for page in range(1, PAGES + 1):
            issues = await self.get(
                "/issues",
                list[Issue],
                state="all",
                sort="created",
                direction="desc",
                since=timestamp(since - SKEW),
                per_page=str(PER_PAGE),
                page=str(page),
            )
            found += [issue for issue in issues if issue.pull_request is None]
            if len(issues) < PER_PAGE or issues[-1].created_at < timestamp(since - SKEW):
                break
        return found

    async def open(self, content: Mapping[str, object]) -> Issue:
        """Open an issue. Raises: Failed."""
        return await self._calls.ask("POST", "/issues", Issue, content, idempotent=False)

    async def patch(self, path: str, content: Mapping[str, object]) -> None:
        """Make a change that may be repeated safely. Raises: Failed."""
        await self._calls.call("PATCH", path, idempotent=True, body=msgspec.json.encode(content))

    async def post(self, path: str, content: Mapping[str, object]) -> bytes:
        """Create something; if repeated, twice. Returns the answer. Raises: Failed."""
        return await self._calls.call(
            "POST", path, idempotent=False, body=msgspec.json.encode(content)
        )

    def _judge(self, response: aiohttp.ClientResponse, answer: bytes, idempotent: bool) -> Result:
        status, headers = response.status, response.headers
        if (
            status in LIMITED
            and (wait := limit_wait(status, headers, answer, self._now)) is not None
        ):
            return Retry(f"HTTP {status}: rate limit", wait)
        return self._refusals(response, answer, idempotent)


def limit_wait(status: int, headers: Mapping[str, str], answer: bytes, now: float) -> float | None:
    """Seconds until a rate limit ends, for a 403 or 429; None if permission is missing.

    For the primary limit GitHub gives the end time; for secondary limits a wait time, or nothing.
    """
    if (asked := retry_after(headers.get("Retry-After", ""), now)) is not None:
        return asked
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return min(max(float(reset) - now, 1.0), MAX_RETRY_AFTER)
    return LIMITED_WAIT if status != 403 or b"secondary rate limit" in answer else None

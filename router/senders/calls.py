"""Several calls of one attempt at one service, which share its time limit."""

import asyncio
from collections.abc import Callable, Mapping

import aiohttp

from router.config.secret import Secret
from router.core.text.plain import plain
from router.model.notification import Result, Retry, Sent
from router.senders.http import timeouts
from router.senders.outcome import from_error


class Failed(Exception):
    """A call that failed. `status` is that of the answer, 0 without one."""

    def __init__(self, result: Result, status: int = 0) -> None:
        super().__init__(result)
        self.result = result
        self.status = status


Judge = Callable[[aiohttp.ClientResponse, bytes, bool], Result]
"""The result of an answer, by its body, and by whether the request may safely be repeated."""


class Calls:
    """Calls below `url`. None starts later than `seconds` from now."""

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
                self._url + path,
                params=query,
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
            raise Failed(result, response.status)
        return answer


def complaint(said: str, secret: Secret, longest: int) -> str:
    """The reason that a service gave, to add to the router's own, without the secret if quoted."""
    return ": " + plain(said.replace(secret.reveal(), "***"))[:longest] if said else ""

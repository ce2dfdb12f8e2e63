"""Admits and answers plain webhooks, by the checks and handlers that aiohttp's routes have."""

from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web
from aiohttp.helpers import rfc822_formatted_time

from router.web.front.head import PlainHead
from router.web.guard import Guard
from router.web.problem import problem_of
from router.web.webhooks.endpoint import Admission, Webhooks


class Front:
    """Decides nothing itself: a request that a check refuses is left to aiohttp, to refuse it."""

    def __init__(self, webhooks: Webhooks, guard: Guard) -> None:
        self._webhooks = webhooks
        self._guard = guard
        self.bodies = webhooks.bodies

    def admit(self, head: PlainHead) -> Admission | None:
        """Check a request before its body is read. None: it is refused."""
        try:
            self._guard.check(head)
            admission = self._webhooks.admit(head)
        except Exception:  # noqa: BLE001 - aiohttp's handler meets the same error, and answers it
            return None
        limit = self.bodies.limited(admission.limit, known=admission.known)
        return admission if head.length <= limit else None

    async def answer(
        self, head: PlainHead, admission: Admission, body: bytes, is_last: Callable[[], bool]
    ) -> bytes:
        """Handle a request that was admitted; the whole response.

        `is_last`: whether the connection ends after it.
        """
        answer: web.StreamResponse
        try:
            answer = await self._webhooks.accept(admission, body)
        except Exception as error:  # noqa: BLE001 - all errors have an answer
            answer = problem_of(error, head.route)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            answer = await self._guard.refuse(head, head.route, answer)
        return written(answer, is_last=is_last())


def written(answer: web.StreamResponse, *, is_last: bool) -> bytes:
    """A response as bytes."""
    assert isinstance(answer, web.Response)
    body = answer.body or b""
    assert isinstance(body, bytes)
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    lines += [f"Content-Length: {len(body)}", f"Date: {rfc822_formatted_time()}"]
    if is_last:
        lines.append("Connection: close")
    assert not any("\r" in line or "\n" in line for line in lines), "a header with a line break"
    return "\r\n".join([*lines, "", ""]).encode() + body

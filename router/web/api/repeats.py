"""Answers to writes by their `Idempotency-Key`, so that a repeated request has one effect.

The header is that of https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/.
A key is stored before the operation runs, and the answer after it. If the router dies in between,
nobody knows whether the request had its effect, so a repeated request is refused.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from http import HTTPStatus

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from router.model.access import REPEAT
from router.ports.clock import Clock
from router.ports.errors import InvalidInput, Overloaded
from router.ports.store import Store
from router.records.records import Records

HEADER = "Idempotency-Key"
LONGEST = 200

REPLAYED = {"Idempotency-Replayed": "true"}


class Repeat(Struct, frozen=True):
    """The request of a key, by its digest, and its answer; status 0 until there is one."""

    request: str
    at: float
    status: int = 0
    body: str = ""
    content_type: str = ""


class Repeats:
    """The keys of the retention time. All methods raise StoreUnavailable."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._kept = Records(store, REPEAT, Repeat)
        self._clock = clock

    async def once(
        self,
        request: web.Request,
        by: str,
        raw: bytes,
        run: Callable[[], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Run the operation, or return its earlier answer to the same key of the same sender.

        Raises: InvalidInput, aiohttp's HTTPConflict and HTTPUnprocessableEntity, and what the
        operation raises; after a refusal the key may be used again.
        """
        key = request.headers.get(HEADER, "")
        if not key:
            return await run()
        if len(key) > LONGEST:
            raise InvalidInput(f"{HEADER} is longer than {LONGEST} characters")
        name = sha256(f"{by}\0{key}".encode("utf-8", "surrogatepass")).hexdigest()
        now = self._clock.now()
        made = Repeat(_digest(request, raw), now)
        if not await self._kept.add(name, made, now):
            return await self._earlier(name, made)
        try:
            answer = await run()
        except (web.HTTPException, InvalidInput, Overloaded):
            await self._kept.remove(name)
            raise
        assert isinstance(answer, web.Response)
        assert isinstance(answer.body, bytes)
        found = replace(
            made,
            status=answer.status,
            body=answer.body.decode(),
            content_type=answer.content_type,
        )
        await self._kept.change(name, lambda _: found, now)
        return answer

    async def _earlier(self, name: str, made: Repeat) -> web.Response:
        kept = await self._kept.get(name)
        if kept is not None and kept.request != made.request:
            raise web.HTTPUnprocessableEntity(
                text=f"this {HEADER} belongs to another request: use a new one"
            )
        if kept is None or not kept.status:
            raise web.HTTPConflict(
                text=f"the request with this {HEADER} is running, or was interrupted: "
                "check whether it had its effect before you send it with another key"
            )
        return web.Response(
            status=kept.status,
            text=kept.body,
            content_type=kept.content_type,
            headers=REPLAYED,
        )


REPEATS = web.AppKey("repeats", Repeats)
"""The keys of an application."""


def _digest(request: web.Request, raw: bytes) -> str:
    head = f"{request.method} {request.path_qs}\n".encode("utf-8", "surrogatepass")
    return sha256(head + raw).hexdigest()


def unchanged(request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    """Add the answer's ETag, and answer 304 to a reader that has it (RFC 9110, 13.1.2)."""
    if not isinstance(answer, web.Response) or answer.status != HTTPStatus.OK:
        return answer
    if not isinstance(answer.body, bytes):
        return answer
    tag = f'"{sha256(answer.body).hexdigest()[:32]}"'
    known = request.headers.get("If-None-Match", "").replace("W/", "").split(",")
    tag = answer.headers.setdefault("ETag", tag)
    if tag in (each.strip() for each in known):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag})
    return answer

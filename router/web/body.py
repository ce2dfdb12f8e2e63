"""Reads request bodies: within a size, a deadline, and a total over all requests in progress."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from router.ports.errors import InvalidInput, Overloaded

IN_FLIGHT = 64 * 1024 * 1024
"""Maximum bytes of all bodies that are being read or processed."""

ANONYMOUS_SHARE = 4
"""The share of `IN_FLIGHT` (1/4) for senders who are only identified by a signature of the body."""

DEADLINE = 30.0
"""Maximum seconds until the whole body has arrived."""


class Bodies:
    """Counts the bytes of every body from its arrival to the end of its request.

    Anonymous senders have a separate limit, so that they can't block other senders.
    """

    def __init__(self, in_flight: int = IN_FLIGHT, deadline: float = DEADLINE) -> None:
        anonymous = in_flight // ANONYMOUS_SHARE
        self.free = {True: in_flight - anonymous, False: anonymous}
        self._most = dict(self.free)
        self._deadline = deadline

    @asynccontextmanager
    async def read(
        self, request: web.Request, limit: int, *, known: bool = True
    ) -> AsyncIterator[bytes]:
        """The whole body, of at most `limit` bytes. It counts as in flight until the context ends.

        `known`: the sender is identified already.

        Raises: InvalidInput, Overloaded; aiohttp's 408 and 413.
        """
        limit = self.limited(limit, known=known)
        if (request.content_length or 0) > limit:
            raise too_large(limit)
        parts: list[bytes] = []
        try:
            await self._collect(request, limit, parts, known)
            yield b"".join(parts)
        finally:
            self.give(sum(map(len, parts)), known=known)

    def take(self, size: int, *, known: bool) -> bool:
        """Count `size` bytes as in flight. Returns False if there are too many."""
        if size > self.free[known]:
            return False
        self.free[known] -= size
        return True

    def give(self, size: int, *, known: bool) -> None:
        """Uncount bytes that `take` counted."""
        self.free[known] += size

    def limited(self, limit: int, *, known: bool) -> int:
        """The limit of one body, which is never more than that of all bodies together."""
        return min(limit, self._most[known])

    async def _collect(
        self, request: web.Request, limit: int, parts: list[bytes], known: bool
    ) -> None:
        size = 0
        try:
            async with asyncio.timeout(self._deadline):
                while part := await request.content.readany():
                    size += len(part)
                    if size > limit:
                        raise too_large(limit)
                    if not self.take(len(part), known=known):
                        raise Overloaded("too many request bodies at one time")
                    parts.append(part)
        except TimeoutError:
            raise web.HTTPRequestTimeout(text="the body didn't arrive in time") from None
        except (web.RequestPayloadError, ConnectionError, asyncio.IncompleteReadError) as error:
            # The stream refers to this exception, whose traceback refers to the request, which
            # refers to the stream. Without the traceback there is no cycle, so an aborted request
            # is freed immediately.
            error.__traceback__ = None
            raise InvalidInput("the body can't be read") from None


def too_large(limit: int) -> web.HTTPRequestEntityTooLarge:
    return web.HTTPRequestEntityTooLarge(limit, text=f"the body is larger than {limit} bytes")


BODIES = web.AppKey("bodies", Bodies)
"""The key of an application's `Bodies`."""


async def read_body(request: web.Request, limit: int) -> bytes:
    """The whole body, of at most `limit` bytes. Raises: as `Bodies.read`."""
    async with request.app[BODIES].read(request, limit) as body:
        return body

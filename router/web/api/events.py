"""`/api/v1/events`: timeline entries as they are written, as server-sent events.

Everything is read from the store: a reader resumes by `Last-Event-ID` after a restart, or at
another replica.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from router.core.messages.timeline import describe
from router.model.decision import Entry
from router.model.reason import Reason
from router.ports.clock import Clock
from router.ports.errors import InvalidInput, Overloaded, StoreUnavailable
from router.ports.store import Store
from router.web.api.content import Count, Time
from router.web.api.operation import Call, operation, routes
from router.web.api.views import exactly

POLL = 1.0
"""Seconds between reads of the store while a client is connected."""

PING = 15.0
"""Seconds after which a reader gets a ping, to tell silence from a lost connection."""

PATIENCE = 5.0
"""Seconds for which a missing number holds up later entries: its transaction may still end."""

READ = 500
"""Entries per read."""

MOST = 200
"""Maximum concurrent readers."""

STREAM = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventQuery(Struct, frozen=True):
    """The filter, and the number of the last event that is known."""

    incident: Annotated[Count, Meta(description="Only this incident, by number.")] = 0
    after: Annotated[
        Count, Meta(description="The last known event, instead of `Last-Event-ID`.")
    ] = 0


class EventView(Struct, frozen=True):
    """An entry of a timeline, as `data` of an event of the type `timeline`."""

    id: int
    incident: int
    at: Time
    what: Reason
    by: str | None
    text: str


class Cursor:
    """The position of a reader, which passes over a number only when no entry can have it."""

    def __init__(self, last: int) -> None:
        self.last = last

    def ready(self, entries: Sequence[Entry], now: float) -> list[Entry]:
        """Return the entries to send, and move behind them."""
        found: list[Entry] = []
        for entry in entries:
            if entry.id != self.last + 1 and now - entry.at < PATIENCE:
                return found
            self.last = entry.id
            found.append(entry)
        return found


class Events:
    """Streams of timeline entries."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._ended = asyncio.Event()
        self._readers = 0

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    async def close(self, _app: web.Application) -> None:
        """End all streams, so that the server can stop."""
        self._ended.set()

    @operation(
        "GET",
        "/events",
        "Stream timeline entries as server-sent events.",
        media=STREAM,
        headers=("Last-Event-ID",),
        in_browser=True,
    )
    async def stream_events(self, call: Call, query: EventQuery) -> web.StreamResponse:
        """Each event has the id of its entry. A `ping` comes every 15 seconds."""
        last = _known(call.request) or query.after or await self._store.last_entry()
        async with self._reader():
            response = web.StreamResponse(headers={"Content-Type": STREAM, **HEADERS})
            await response.prepare(call.request)
            await response.write(b"retry: 2000\n\n")
            async for text in self._events(Cursor(last), query.incident):
                await response.write(text)
            return response

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator[None]:
        """Count a reader. Raises: Overloaded."""
        if self._readers >= MOST:
            raise Overloaded(f"{MOST} readers have the stream of events open")
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1

    async def _events(self, cursor: Cursor, incident: int) -> AsyncIterator[bytes]:
        """Yield events and pings until the router stops."""
        sent_at = self._clock.now()
        while not self._ended.is_set():
            entries = await self._read(cursor)
            shown = [entry for entry in entries if incident in {0, entry.incident_id}]
            for entry in shown:
                yield _event(entry)
            now = self._clock.now()
            if shown:
                sent_at = now
            elif now - sent_at >= PING:
                sent_at = now
                yield f"id: {cursor.last}\nevent: ping\ndata: {now}\n\n".encode()
            if len(entries) < READ:
                await self._clock.wait(self._ended, POLL)

    async def _read(self, cursor: Cursor) -> list[Entry]:
        """Return the next entries; none while the store is down."""
        try:
            entries = await self._store.entries(after=cursor.last, limit=READ)
        except StoreUnavailable:
            return []
        return cursor.ready(entries, self._clock.now())


def _event(entry: Entry) -> bytes:
    view = EventView(
        id=entry.id,
        incident=entry.incident_id,
        at=exactly(entry.at),
        what=entry.what,
        by=entry.by or None,
        text=describe(entry),
    )
    return b"id: %d\nevent: timeline\ndata: %s\n\n" % (entry.id, msgspec.json.encode(view))


def _known(request: web.Request) -> int:
    """Return the `Last-Event-ID`; 0 without one. Raises: InvalidInput."""
    text = request.headers.get("Last-Event-ID", "").strip() or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise InvalidInput("Last-Event-ID takes the id of an event", "/after")
    return int(text)

"""The audit log: who changed something, when and from where.

A change of an incident is recorded on its timeline, in the same transaction. For every other write
the gate stores an audit document before the write, and completes it after the answer. A crash in
between leaves an entry whose outcome is unknown. Pages of the log show timelines and documents.
"""

import secrets
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from router.core.messages.timeline import describe
from router.core.text.plain import plain
from router.model.access import AUDIT, AuditEntry
from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.ports.store import Store
from router.records.records import Records
from router.telemetry.logs import logger
from router.web.access.audit_note import NOTE, SUMMARY
from router.web.access.client import address_of
from router.web.auth import Identity
from router.web.origin import SAFE

log = logger(__name__)

ON_TIMELINE = ("/incidents/", "/api/v1/incidents")
"""Prefixes of paths whose writes are recorded on the timeline of an incident."""

LONGEST = 500
SCANNED = 2000
"""Maximum documents to search for one person's changes."""


class AuditRow(Struct, frozen=True):
    """One line of the log. `incident` is 0 for a change of something else."""

    at: float
    by: str
    what: str
    address: str = ""
    incident: int = 0


class AuditLog:
    """Writes and reads the log."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._entries = Records(store, AUDIT, AuditEntry)
        self._numbers = count(10**12 - 1, -1)

    async def begin(self, request: web.Request, who: Identity) -> str:
        """Store an entry for a request that may write.

        Returns the entry's id; "" if a timeline records the write. Raises: StoreUnavailable.
        """
        if request.method in SAFE or request.path.startswith(ON_TIMELINE):
            return ""
        what = f"{request.method} {request.path} (outcome unknown)"
        return await self.add(who.name, what, address_of(request))

    async def complete(self, key: str, request: web.Request, who: Identity) -> None:
        """Complete an entry: describe what was written."""
        text = str(request.get(NOTE) or request.get(SUMMARY, f"{request.method} {request.path}"))
        if not text:
            return await self.drop(key)
        used = f" (with API token {who.token})" if who.token else ""
        what = plain(text + used)[:LONGEST]
        log.info("audit", by=who.name, what=what, address=address_of(request))
        with self._reported(what):
            await self._entries.change(
                key, lambda entry: entry and replace(entry, what=what), self._clock.now()
            )
        return None

    async def drop(self, key: str) -> None:
        """Remove the entry of a request that wrote nothing."""
        with self._reported("nothing"):
            await self._entries.remove(key)

    async def add(self, by: str, what: str, address: str) -> str:
        """Store an entry, and return its id. Raises: StoreUnavailable."""
        entry, key = AuditEntry(self._clock.now(), by, plain(what)[:LONGEST], address), self._id()
        await self._entries.add(key, entry, entry.at)
        return key

    @contextmanager
    def _reported(self, what: str) -> Iterator[None]:
        """Log the outcome if the store is unavailable, since the request was already answered."""
        try:
            yield
        except StoreUnavailable as error:
            log.error("audit_outcome_lost", what=what, error=str(error))  # noqa: TRY400

    def _id(self) -> str:
        """Return an id smaller than the last one: entries of the same time are sorted by id."""
        return f"{next(self._numbers):012d}-{secrets.token_hex(4)}"

    async def page(
        self, *, by: str = "", before: str = "", limit: int = 100
    ) -> tuple[Sequence[AuditRow], str]:
        """Return lines, newest first, and the cursor of the next page; "" at the end.

        Raises: StoreUnavailable, ValueError for an unknown cursor.
        """
        entry, at, key = _cursor(before)
        entries = deque(await self._store.people_entries(before=entry, by=by, limit=limit + 1))
        others = deque(await self._documents(by, (at, key) if key else None, limit + 1))
        found: list[AuditRow] = []
        # Keep the order of each list, so that the cursor doesn't skip entries.
        while len(found) < limit and (entries or others):
            if entries and (not others or entries[0].at >= others[0][1].at):
                first = entries.popleft()
                entry = first.id
                found.append(AuditRow(first.at, first.by, describe(first), "", first.incident_id))
            else:
                key, other = others.popleft()
                at = other.at
                found.append(AuditRow(other.at, other.by, other.what, other.address))
        return found, f"{entry}~{at!r}~{key}" if entries or others else ""

    async def _documents(
        self, by: str, after: tuple[float, str] | None, limit: int
    ) -> list[tuple[str, AuditEntry]]:
        found: list[tuple[str, AuditEntry]] = []
        for _ in range(0, SCANNED, 500):
            some = await self._entries.find(after=after, limit=500)
            found += [pair for pair in some if not by or pair[1].by == by]
            if len(some) < 500 or len(found) >= limit:
                break
            after = (some[-1][1].at, some[-1][0])
        return found[:limit]


def _cursor(text: str) -> tuple[int, float, str]:
    """Raises: ValueError."""
    if not text:
        return 0, 0.0, ""
    entry, at, key = text.split("~")
    return int(entry), float(at), key

"""The audit log: who changed something, when and from where.

A change of an incident is on its timeline, in the same transaction. Every other write is a document
of its own, which the gate stores after the request. A page of the log has both.
"""

import secrets
from collections import deque
from collections.abc import Sequence
from itertools import count

from aiohttp import web
from msgspec import Struct

from router.core.messages.timeline import describe
from router.core.text.plain import plain
from router.model.access import AUDIT, AuditEntry
from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.ports.store import Store
from router.records.records import Records
from router.telemetry.logs import logger
from router.web.access.client import address_of
from router.web.access.note import NOTE, SUMMARY
from router.web.auth import Identity
from router.web.origin import SAFE

log = logger(__name__)

ON_TIMELINE = ("/incidents/", "/api/v1/incidents")
"""Beginnings of paths whose writes are on the timeline of an incident."""

LONGEST = 500
SCANNED = 2000
"""Documents that are looked through for those of one person."""


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

    async def after(self, request: web.Request, who: Identity, status: int) -> None:
        """Store the write of a request that was answered with this status."""
        if status >= 400 or request.method in SAFE:
            return
        if text := _written(request):
            used = f" (with API token {who.token})" if who.token else ""
            await self.add(who.name, text + used, address_of(request))

    async def add(self, by: str, what: str, address: str) -> None:
        """Store an entry. The write is done already: without the store, only the log has it."""
        entry = AuditEntry(self._clock.now(), by, plain(what)[:LONGEST], address)
        log.info("audit", by=entry.by, what=entry.what, address=address)
        try:
            await self._entries.add(self._next_id(), entry, entry.at)
        except StoreUnavailable as error:
            log.error("audit_entry_lost", by=by, what=entry.what, error=str(error))  # noqa: TRY400

    def _next_id(self) -> str:
        """Return an id smaller than the last: the store lists those of one time by their ids."""
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
        # Each list stays in its own order, so that the cursor skips nothing.
        while len(found) < limit and (entries or others):
            if entries and (not others or entries[0].at >= others[0][1].at):
                one = entries.popleft()
                entry = one.id
                found.append(AuditRow(one.at, one.by, describe(one), "", one.incident_id))
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
            found += [one for one in some if not by or one[1].by == by]
            if len(some) < 500 or len(found) >= limit:
                break
            after = (some[-1][1].at, some[-1][0])
        return found[:limit]


def _written(request: web.Request) -> str:
    """Describe the write of a request; "" if a timeline has it, or nothing was written."""
    if text := request.get(NOTE):
        return str(text)
    if request.path.startswith(ON_TIMELINE):
        return ""
    return str(request.get(SUMMARY, f"{request.method} {request.path}"))


def _cursor(text: str) -> tuple[int, float, str]:
    """Raises: ValueError."""
    if not text:
        return 0, 0.0, ""
    entry, at, key = text.split("~")
    return int(entry), float(at), key

"""Documents of one kind in the store, as structs, outside the hot path.

A document of an incident is written with the event `Recorded`, in one transaction with its timeline
entry: `prepare` returns the record for it.
"""

import math
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from router.core.incident.snapshot import Writes
from router.model.decision import Queued
from router.model.record import Record
from router.ports.errors import StaleRecord, StoreUnavailable
from router.ports.store import Store

T = TypeVar("T", bound=msgspec.Struct)

TRIES = 20
"""Attempts at changing a document that others change at the same time."""


class Records(Generic[T]):
    """The documents of `kind`, each a `type_`. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, kind: str, type_: type[T]) -> None:
        self._store = store
        self._kind = kind
        self._decoder = msgspec.json.Decoder(type_)

    async def get(self, record_id: str) -> T | None:
        record = await self._store.record(self._kind, record_id)
        return None if record is None else self._decoder.decode(record.doc)

    async def find(
        self,
        *,
        since: float = -math.inf,
        until: float = math.inf,
        after: tuple[float, str] | None = None,
        limit: int = 1000,
    ) -> Sequence[tuple[str, T]]:
        """Return documents with their ids, newest first.

        They are from `since` (UTC seconds) until before `until`. `after` is the (time, id) of
        a document to page from.
        """
        found = await self._store.records(
            self._kind, since=since, until=until, after=after, limit=limit
        )
        return [(record.id, self._decoder.decode(record.doc)) for record in found]

    async def count(self, *, until: float = math.inf) -> int:
        return await self._store.count_records(self._kind, until=until)

    async def add(self, record_id: str, value: T, at: float) -> bool:
        """Store a new document. False: the id exists, and its document stays."""
        try:
            await self._store.save(Writes(records=[self._record(record_id, value, at, 1)]))
        except StaleRecord:
            return False
        return True

    async def change(
        self,
        record_id: str,
        change: Callable[[T | None], T | None],
        at: float,
        queued: Sequence[Queued] = (),
    ) -> T | None:
        """Replace a document by the result of `change`; None keeps it. Returns the new document.

        `change` may be called several times if others write the same document. `queued` is stored
        in the same transaction.
        """
        for _ in range(TRIES):
            value, record = await self.prepare(record_id, change, at)
            if record is None:
                return None
            try:
                await self._store.save(Writes(records=[record], queued=list(queued)))
            except StaleRecord:
                continue
            return value
        raise StoreUnavailable(f"too many concurrent writes to the same {self._kind}")

    async def prepare(
        self, record_id: str, change: Callable[[T | None], T | None], at: float
    ) -> tuple[T | None, Record | None]:
        """Apply `change`. Return the new document, and the record to write with an event."""
        before = await self._store.record(self._kind, record_id)
        value = change(None if before is None else self._decoder.decode(before.doc))
        if value is None:
            return None, None
        return value, self._record(record_id, value, at, before.version + 1 if before else 1)

    async def remove(self, record_id: str) -> bool:
        """Remove a document. Returns whether there was one."""
        return await self._store.remove_record(self._kind, record_id)

    def _record(self, record_id: str, value: T, at: float, version: int) -> Record:
        return Record(self._kind, record_id, at, version, msgspec.json.encode(value).decode())

"""Documents of one kind in the store, as structs: for whatever isn't on the way of an alert.

What belongs to an incident is written with `Recorded` instead, in one transaction with its line of
the timeline: `prepare` gives the record for that.
"""

import math
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from router.core.incident.snapshot import Writes
from router.model.record import Record
from router.ports.errors import StaleRecord, StoreUnavailable
from router.ports.store import Store

T = TypeVar("T", bound=msgspec.Struct)

TRIES = 20
"""How often a change is made anew on what somebody else has just written."""


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
        self, *, since: float = -math.inf, until: float = math.inf, limit: int = 1000
    ) -> Sequence[tuple[str, T]]:
        """With their ids, newest first; those of `since` (UTC seconds) and later, and before
        `until`.
        """
        found = await self._store.records(self._kind, since=since, until=until, limit=limit)
        return [(record.id, self._decoder.decode(record.doc)) for record in found]

    async def add(self, record_id: str, value: T, at: float) -> bool:
        """Put a new one there, on disk when this returns.

        False: there's one already, and it stays as it is.
        """
        try:
            await self._store.save(Writes(records=[self._record(record_id, value, at, 1)]))
        except StaleRecord:
            return False
        return True

    async def change(
        self, record_id: str, change: Callable[[T | None], T | None], at: float
    ) -> T | None:
        """Put there what `change` makes of what is there (None: nothing), unless it makes nothing
        of it.

        Returns what it made. `change` may be called several times, if others write the same
        document.
        """
        for _ in range(TRIES):
            value, record = await self.prepare(record_id, change, at)
            if record is None:
                return None
            try:
                await self._store.save(Writes(records=[record]))
            except StaleRecord:
                continue
            return value
        raise StoreUnavailable(f"lost the race for the same {self._kind} too often")

    async def prepare(
        self, record_id: str, change: Callable[[T | None], T | None], at: float
    ) -> tuple[T | None, Record | None]:
        """What `change` makes of what is there, and the record to be written with an event that
        goes with it.
        """
        before = await self._store.record(self._kind, record_id)
        value = change(None if before is None else self._decoder.decode(before.doc))
        if value is None:
            return None, None
        return value, self._record(record_id, value, at, before.version + 1 if before else 1)

    async def remove(self, record_id: str) -> bool:
        """Was there one?"""
        return await self._store.remove_record(self._kind, record_id)

    def _record(self, record_id: str, value: T, at: float, version: int) -> Record:
        return Record(self._kind, record_id, at, version, msgspec.json.encode(value).decode())

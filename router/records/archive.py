"""A router's recorded history, read from its store or a JSON lines file. Never writes to a store.

Each line of a file is an event, an entry, an incident, a pending message or a document. It has the
store's data, such as labels and annotations of alerts; neither has secrets.
"""

import math
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from router.core.replay.history import History
from router.model.decision import Entry
from router.model.event import Event
from router.model.incident import Incident
from router.model.notification import Notification, NotificationState
from router.model.record import Record
from router.ports.store import Store

KINDS = ("arrangement", "silence")
"""The kinds of documents that decisions depend on. Others, such as keys, are never exported."""

PAGE = 5000
T = TypeVar("T")


class Line(Struct, frozen=True, omit_defaults=True):
    """One line of a file; one field is set."""

    event: Event | None = None
    entry: Entry | None = None
    incident: Incident | None = None
    unsent: Notification | None = None
    record: Record | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Line).decode


async def read_past(store: Store, since: float = -math.inf) -> History:
    """Read a store, also while others write to it: events of `since` (UTC seconds) and later.

    Raises: StoreUnavailable.
    """

    async def history(after: int) -> Sequence[tuple[int, Sequence[Event]]]:
        return await store.history(since=since, after=after, limit=PAGE)

    async def entries(after: int) -> Sequence[tuple[int, Entry]]:
        return [(entry.id, entry) for entry in await store.entries(after=after, limit=PAGE)]

    async def incidents(before: int) -> Sequence[tuple[int, Incident]]:
        return [
            (incident.id, incident) for incident in await store.incidents(before=before, limit=PAGE)
        ]

    unsent = await store.notifications(states=[NotificationState.PENDING], limit=100_000)
    records = [record for kind in KINDS for record in await store.records(kind, limit=10_000)]
    return History(
        [event for events in await _all(history) for event in events],
        await _all(entries),
        [*reversed(await _all(incidents))],
        [*unsent],
        records,
    )


async def _all(page: Callable[[int], Awaitable[Sequence[tuple[int, T]]]]) -> list[T]:
    """Read page after page, each after the last row of the previous one."""
    found: list[T] = []
    last = 0
    while rows := await page(last):
        found += [row for _, row in rows]
        last = rows[-1][0]
        if len(rows) < PAGE:
            break
    return found


def write_past(past: History, path: Path) -> None:
    """Write a file that only its owner may read: it contains all alerts' content.

    Raises: OSError.
    """

    def private(name: str, flags: int) -> int:
        return os.open(name, flags, 0o600)

    with open(path, "wb", opener=private) as file:
        file.writelines(_encode(line) + b"\n" for line in _lines(past))


def load_past(path: Path) -> History:
    """Raises: OSError; ValueError, with the line."""
    found = History([], [], [], [], [])
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            try:
                _file(_decode(text), found)
            except msgspec.MsgspecError as error:
                raise ValueError(f"{path}:{number}: {error}") from None
    return found


def _lines(past: History) -> Iterator[Line]:
    yield from (Line(event=event) for event in past.events)
    yield from (Line(entry=entry) for entry in past.entries)
    yield from (Line(incident=incident) for incident in past.incidents)
    yield from (Line(unsent=unsent) for unsent in past.unsent)
    yield from (Line(record=record) for record in past.records)


def _file(line: Line, past: History) -> None:
    past.events.extend(filter(None, [line.event]))
    past.entries.extend(filter(None, [line.entry]))
    past.incidents.extend(filter(None, [line.incident]))
    past.unsent.extend(filter(None, [line.unsent]))
    past.records.extend(filter(None, [line.record]))

"""Queries of timelines, for people and dashboards."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    Select,
    and_,
    func,
    select,
)

from router.model.decision import Entry
from router.model.reason import Reason
from router.store.schema import (
    timeline,
)

_data = msgspec.json.Decoder(dict[str, Any])


def whole_timeline(connection: Connection, incident_id: int) -> Sequence[Entry]:
    """Return the entries of an incident, the oldest first."""
    return entries_of(connection, _timeline().where(timeline.c.incident_id == incident_id))


def entry_page(connection: Connection, after: int, limit: int) -> Sequence[Entry]:
    """Return entries of all incidents, in the order of writing."""
    return entries_of(connection, _timeline().where(timeline.c.id > after).limit(limit))


def last_entry(connection: Connection) -> int:
    """Return the id of the newest entry; 0 without one."""
    return connection.execute(select(func.max(timeline.c.id))).scalar() or 0


def people_entry_page(connection: Connection, before: int, by: str, limit: int) -> Sequence[Entry]:
    """Return entries of all incidents by people, the last written first."""
    t = timeline.c
    query = _timeline().order_by(None).order_by(t.id.desc()).limit(limit)
    query = query.where(t.by == by if by else and_(t.by != "", t.by.not_like("source:%")))
    return entries_of(connection, query.where(t.id < before) if before else query)


def _timeline() -> Select[int, float, str, str, str, int]:
    t = timeline.c
    return select(t.incident_id, t.at, t.what, t.by, t.data, t.id).order_by(t.id)


def entries_of(
    connection: Connection, query: Select[int, float, str, str, str, int]
) -> Sequence[Entry]:
    """Run a query of the timeline's columns, in the order of `Entry`, and return the entries."""
    return [
        Entry(incident, at, Reason(what), by, _data.decode(data), entry_id)
        for incident, at, what, by, data, entry_id in connection.execute(query)
    ]

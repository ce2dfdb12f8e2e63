"""Move deadlines after the system's clock was set."""

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, insert, select, true, update

from router.model.incident import Incident
from router.model.notification import NotificationState
from router.store.schema import OPEN, incidents, outbox, records, timers

_json = msgspec.json.Encoder()
_incident = msgspec.json.Decoder(Incident)


_KIND = "clock"
_SAME = 60.0
"""Seconds in which replicas notice the same jump."""


def shift(connection: Connection, by: float, at: float | None) -> bool:
    """Move deadlines, the times from which they count, pending messages and leases by seconds.

    Returns False if another replica has already moved them for this jump. All replicas notice the
    jump at about `at`.
    """
    if at is not None and not _is_first(connection, at):
        return False
    i = incidents.c
    found = select(i.doc).where(OPEN).order_by(i.id).with_for_update()
    for doc in connection.execute(found).scalars().all():
        incident = _moved(_incident.decode(doc), by)
        values = {"version": incident.version, "doc": _json.encode(incident).decode()}
        connection.execute(update(incidents).where(i.id == incident.id).values(values))
    for table, which in ((timers, true()), (outbox, outbox.c.state == NotificationState.PENDING)):
        times = ("due_at", "queued_at", "lease_until", "uncertain_until")
        moved = {name: table.c[name] + by for name in times if name in table.c}
        connection.execute(update(table).where(which).values(moved))
    return True


def _is_first(connection: Connection, at: float) -> bool:
    r = records.c
    mine = (r.kind == _KIND, r.id == _KIND)
    last: float | None = connection.execute(select(r.at).where(*mine).with_for_update()).scalar()
    if last is None:
        row = {"kind": _KIND, "id": _KIND, "at": at, "version": 1, "doc": "{}"}
        connection.execute(insert(records).values(row))
        return True
    connection.execute(update(records).where(*mine).values(at=at))
    return abs(at - last) > _SAME


def _moved(incident: Incident, by: float) -> Incident:
    since = {
        name: at + by
        for name in ("policy_since", "severity_since", "quiet_since", "snoozed_until")
        if (at := getattr(incident, name)) is not None
    }
    reaching = tuple((at + by, contact) for at, contact in incident.reaching)
    changes = tuple(at + by for at in incident.changes)
    version = incident.version + 1
    return replace(incident, version=version, reaching=reaching, changes=changes, **since)

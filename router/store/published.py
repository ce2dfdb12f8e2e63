"""Read the published entries of incidents, for the status page."""

from collections.abc import Sequence
from itertools import groupby

import msgspec
from sqlalchemy import Connection, func, or_, select

from router.model.incident import Incident
from router.model.statuspage import Published
from router.store.schema import PUBLISHED, incidents, timeline
from router.store.timelines import entries_of

_incident = msgspec.json.Decoder(Incident)


def published(connection: Connection, since: float) -> Sequence[Published]:
    """Return published entries of incidents that were open at `since` or later, oldest first."""
    i, t = incidents.c, timeline.c
    recent = or_(i.closed_at.is_(None), i.closed_at >= since)
    first = select(func.min(i.id)).where(recent).scalar_subquery()
    query = select(t.incident_id, t.at, t.what, t.by, t.data, t.id).where(
        t.incident_id >= first, PUBLISHED
    )
    entries = {
        incident_id: tuple(found)
        for incident_id, found in groupby(
            entries_of(connection, query.order_by(t.incident_id, t.id)),
            key=lambda entry: entry.incident_id,
        )
    }
    docs = connection.execute(
        select(i.doc).where(i.id.in_(entries), recent).order_by(i.id)
    ).scalars()
    return [Published(incident, entries[incident.id]) for incident in map(_incident.decode, docs)]

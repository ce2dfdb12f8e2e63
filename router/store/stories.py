"""Read the incidents that statistics are made from."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, select

from router.core.postmortem.statistics import WANTED, IncidentFacts
from router.model.decision import Entry
from router.model.incident import Incident
from router.store.schema import incidents, timeline
from router.store.timelines import entries_of

_incident = msgspec.json.Decoder(Incident)


def stories(connection: Connection, since: float, limit: int) -> Sequence[IncidentFacts]:
    """Return the newest `limit` incidents that opened since then, the oldest first."""
    i, t = incidents.c, timeline.c
    newest = select(i.id, i.doc).where(i.opened_at >= since).order_by(i.id.desc()).limit(limit)
    docs = [_incident.decode(doc) for _, doc in connection.execute(newest)]
    # The timeline has an index by incident, none by reason: start at the first incident's entries.
    first = min((incident.id for incident in docs), default=0)
    query = select(t.incident_id, t.at, t.what, t.by, t.data, t.id).where(
        t.incident_id >= first, t.what.in_(WANTED)
    )
    entries: defaultdict[int, list[Entry]] = defaultdict(list)
    for entry in entries_of(connection, query.order_by(t.incident_id, t.id)) if docs else ():
        entries[entry.incident_id].append(entry)
    return [IncidentFacts(incident, entries[incident.id]) for incident in reversed(docs)]

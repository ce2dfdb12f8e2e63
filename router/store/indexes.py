"""The indexes of the tables, as the migrations make them.

They are no part of `schema`, since a condition of an index loads both databases' dialects: a
fifteenth of a start.
"""

from sqlalchemy import Index

from router.store.schema import (
    OPEN,
    PUBLISHED,
    REFERRED,
    RESOLVED,
    alerts,
    history,
    incidents,
    metadata,
    outbox,
    receipts,
    records,
    timeline,
    timers,
)

__all__ = ["metadata"]

Index("alerts_of_incident", alerts.c.incident_id)
Index("alerts_resolved", alerts.c.last_seen, sqlite_where=RESOLVED, postgresql_where=RESOLVED)

Index("incidents_one_open", incidents.c.key, unique=True, sqlite_where=OPEN, postgresql_where=OPEN)
Index("incidents_of_key", incidents.c.key, incidents.c.id)
Index("incidents_open_by_rule", incidents.c.rule, sqlite_where=OPEN, postgresql_where=OPEN)
Index("incidents_by_state", incidents.c.severity, incidents.c.status)

Index("timeline_of_incident", timeline.c.incident_id, timeline.c.id)
Index(
    "timeline_published",
    timeline.c.incident_id,
    timeline.c.id,
    sqlite_where=PUBLISHED,
    postgresql_where=PUBLISHED,
)

Index("timers_due", timers.c.due_at)

Index("outbox_due", outbox.c.state, outbox.c.channel, outbox.c.due_at)
Index("outbox_by_ref", outbox.c.ref, sqlite_where=REFERRED, postgresql_where=REFERRED)

Index("receipts_by_age", receipts.c.at)
Index("records_by_time", records.c.kind, records.c.at)
Index("history_by_time", history.c.at)

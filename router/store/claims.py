"""Leases: who does what is due. A holder that dies loses the lease when it runs out, and somebody else gets the row."""

# ruff: noqa: S608 - the names in the SQL are the schema's own, and all data goes in as parameters

from collections.abc import Sequence

from sqlalchemy import Connection, text

from router.model.event import TimerDue
from router.model.notification import Notification
from router.store.bulk import Dialect
from router.store.rows import struct
from router.store.schema import notifications

_TIMERS = "due_at <= :now AND lease_until <= :now"
_NOTIFICATIONS = "state = 'pending' AND channel = :channel AND due_at <= :now AND lease_until <= :now"


class Claims:
    """Looking first is a cheap read: nothing is due most of the time, and then there's no write transaction."""

    def __init__(self, dialect: Dialect) -> None:
        self._timers_due = text(f"SELECT 1 FROM timers WHERE {_TIMERS} LIMIT 1")
        self._notifications_due = text(f"SELECT 1 FROM notifications WHERE {_NOTIFICATIONS} LIMIT 1")
        self._timers = text(f"""
            WITH due AS MATERIALIZED (
                SELECT incident_id, name FROM timers WHERE {_TIMERS}
                ORDER BY due_at LIMIT :limit {dialect.skip_locked})
            UPDATE timers SET lease = :owner, lease_until = :until
            WHERE (incident_id, name) IN (SELECT incident_id, name FROM due)
            RETURNING incident_id, name, due_at""")
        self._notifications = text(f"""
            WITH due AS MATERIALIZED (
                SELECT incident_id, channel FROM notifications WHERE {_NOTIFICATIONS}
                ORDER BY due_at LIMIT :limit {dialect.skip_locked})
            UPDATE notifications
            SET lease = :owner, lease_until = :until, may_be_doubled = may_be_doubled OR lease <> ''
            WHERE (incident_id, channel) IN (SELECT incident_id, channel FROM due)
            RETURNING {", ".join(notifications.c.keys())}""")

    def timers_due(self, connection: Connection, now: float) -> bool:
        return connection.execute(self._timers_due, {"now": now}).first() is not None

    def notifications_due(self, connection: Connection, channel: str, now: float) -> bool:
        return connection.execute(self._notifications_due, {"channel": channel, "now": now}).first() is not None

    def timers(self, connection: Connection, now: float, owner: str, until: float, limit: int) -> Sequence[TimerDue]:
        """The due timers, leased; earliest first."""
        values = {"now": now, "owner": owner, "until": until, "limit": limit}
        claimed = [TimerDue(now, *row) for row in connection.execute(self._timers, values)]
        return sorted(claimed, key=lambda timer: timer.due_at)

    def notifications(  # noqa: PLR0913, PLR0917 - the protocol's, and a connection
        self, connection: Connection, channel: str, now: float, owner: str, until: float, limit: int
    ) -> Sequence[Notification]:
        """The due messages, leased; earliest first. A lease that was still there tells of a crash while sending."""
        values = {"channel": channel, "now": now, "owner": owner, "until": until, "limit": limit}
        claimed = [struct(Notification, row) for row in connection.execute(self._notifications, values)]
        return sorted(claimed, key=lambda notification: notification.due_at)

"""Leases: who does what is due. A holder that dies loses the lease when it runs out, and somebody else gets the row."""

# ruff: noqa: S608 - the names in the SQL are the schema's own, and all data goes in as parameters

from collections.abc import Sequence

from sqlalchemy import Connection, TextClause, text

from router.model.event import TimerDue
from router.model.notification import Notification
from router.store.bulk import POSTGRES, SQLITE, Dialect
from router.store.rows import struct
from router.store.schema import notifications

_TIMERS = "due_at <= :now AND lease_until <= :now"
_NOTIFICATIONS = "state = 'pending' AND due_at <= :now AND lease_until <= :now"
_OWN = "channel = :channel"
_PEOPLE = "channel{0} > :first AND channel{0} < :beyond"  # sms/ana, of the channel sms: 0 comes after /
_IN_ORDER = {SQLITE: "", POSTGRES: ' COLLATE "C"'}
"""By code point, whatever the database was set up for: SQLite compares texts in no other way."""


class Claims:
    """Looking first is a cheap read: nothing is due most of the time, and then there's no write transaction."""

    def __init__(self, dialect: Dialect) -> None:
        self._timers_due = text(f"SELECT 1 FROM timers WHERE {_TIMERS} LIMIT 1")
        self._timers = text(f"""
            WITH due AS MATERIALIZED (
                SELECT incident_id, name FROM timers WHERE {_TIMERS}
                ORDER BY due_at LIMIT :limit {dialect.skip_locked})
            UPDATE timers SET lease = :owner, lease_until = :until
            WHERE (incident_id, name) IN (SELECT incident_id, name FROM due)
            RETURNING incident_id, name, due_at""")
        people = f"({_OWN} OR {_PEOPLE.format(_IN_ORDER[dialect])})"
        # PostgreSQL finds people's rows by reading all that is pending: only channels that reach people ask for them.
        self._notifications = {False: _notifications(dialect, _OWN), True: _notifications(dialect, people)}

    def timers_due(self, connection: Connection, now: float) -> bool:
        return connection.execute(self._timers_due, {"now": now}).first() is not None

    def notifications_due(self, connection: Connection, channel: str, now: float, *, people: bool) -> bool:
        look, _ = self._notifications[people]
        return connection.execute(look, {"now": now, **_of(channel, people=people)}).first() is not None

    def timers(self, connection: Connection, now: float, owner: str, until: float, limit: int) -> Sequence[TimerDue]:
        """The due timers, leased; earliest first."""
        values = {"now": now, "owner": owner, "until": until, "limit": limit}
        claimed = [TimerDue(now, *row) for row in connection.execute(self._timers, values)]
        return sorted(claimed, key=lambda timer: timer.due_at)

    def notifications(  # noqa: PLR0913, PLR0917 - the protocol's, and a connection
        self, connection: Connection, channel: str, now: float, owner: str, until: float, limit: int, *, people: bool
    ) -> Sequence[Notification]:
        """The due messages, leased; earliest first. A lease that was still there tells of a crash while sending."""
        _, claim = self._notifications[people]
        values = {"now": now, "owner": owner, "until": until, "limit": limit, **_of(channel, people=people)}
        claimed = [struct(Notification, row) for row in connection.execute(claim, values)]
        return sorted(claimed, key=lambda notification: notification.due_at)


def _notifications(dialect: Dialect, whose: str) -> tuple[TextClause, TextClause]:
    """To look, and to claim."""
    due = f"FROM notifications WHERE {_NOTIFICATIONS} AND {whose}"
    return text(f"SELECT 1 {due} LIMIT 1"), text(f"""
        WITH due AS MATERIALIZED (
            SELECT incident_id, channel {due} ORDER BY due_at LIMIT :limit {dialect.skip_locked})
        UPDATE notifications
        SET lease = :owner, lease_until = :until, may_be_doubled = may_be_doubled OR lease <> ''
        WHERE (incident_id, channel) IN (SELECT incident_id, channel FROM due)
        RETURNING {", ".join(notifications.c.keys())}""")


def _of(channel: str, *, people: bool) -> dict[str, str]:
    return {"channel": channel} | ({"first": f"{channel}/", "beyond": f"{channel}0"} if people else {})

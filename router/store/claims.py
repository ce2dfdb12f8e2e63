"""Leases: who does what is due.

A holder that dies loses the lease when it runs out, and somebody else gets the row.
"""

# ruff: noqa: S608 - the names in the SQL are the schema's own, and all data goes in as parameters

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Boolean, Connection, TextClause, column, text

from router.core.outbox.digest import PREEMPTS
from router.model.event import TimerDue
from router.model.incident import OPEN, Incident
from router.model.notification import Notification
from router.store.bulk import POSTGRES, SQLITE, Dialect, encode, given
from router.store.rows import struct
from router.store.schema import OF_DRILL, notifications

_TIMERS = "due_at <= :now AND lease_until <= :now"
_NOTIFICATIONS = "state = 'pending' AND due_at <= :now AND lease_until <= :now"
_URGENT = (
    f"incidents.severity = '{PREEMPTS}' AND incidents.status IN {tuple(map(str, OPEN))}"
    f" AND NOT {OF_DRILL.format('incidents.key')}"
)
_OWN = "channel = :channel"
_PEOPLE = (
    "channel{0} > :first AND channel{0} < :beyond"  # sms/ana, of the channel sms: 0 comes after /
)
_IN_ORDER = {SQLITE: "", POSTGRES: ' COLLATE "C"'}
"""By code point, whatever the database was set up for: SQLite compares texts in no other way."""

_LEASE = f"""
    UPDATE notifications
    SET lease = :owner, lease_until = :until, may_be_doubled = may_be_doubled OR lease <> ''
    WHERE (incident_id, channel) IN (SELECT incident_id, channel FROM due)
    RETURNING {", ".join(notifications.c.keys())}"""

_incident = msgspec.json.Decoder(Incident)


class Claims:
    """Looking first is a cheap read: nothing is due most of the time, and then there's no write
    transaction.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._timers_due = text(f"SELECT 1 FROM timers WHERE {_TIMERS} LIMIT 1")
        self._timers = text(f"""
            WITH due AS MATERIALIZED (
                SELECT incident_id, name FROM timers WHERE {_TIMERS}
                ORDER BY due_at LIMIT :limit {dialect.skip_locked})
            UPDATE timers SET lease = :owner, lease_until = :until
            WHERE (incident_id, name) IN (SELECT incident_id, name FROM due)
            RETURNING incident_id, name, due_at""")
        others = (
            f"channel NOT IN (SELECT given.channel FROM {given(dialect, notifications.c.channel)})"
        )
        people = f"({_OWN} OR {_PEOPLE.format(_IN_ORDER[dialect])}) AND {others}"
        # PostgreSQL finds people's rows by reading all that is pending: only channels that reach
        # people ask for them.
        self._notifications = {
            False: _notifications(dialect, _OWN),
            True: _notifications(dialect, people),
        }
        n = notifications.c
        columns = ", ".join(f"n.{name}" for name in n.keys())  # noqa: SIM118 - a collection of columns is no dict
        self._waiting = text(f"""
            SELECT {columns}, i.doc FROM notifications AS n
            JOIN {given(dialect, n.channel, column("roomy", Boolean()))} ON given.channel = n.channel
            JOIN incidents AS i ON i.id = n.incident_id
            WHERE {_NOTIFICATIONS} AND (given.roomy OR i.severity = :preempts OR {OF_DRILL.format("i.key")})
            ORDER BY i.severity, n.due_at, i.id LIMIT :limit""")
        self._these = text(f"""
            WITH due AS MATERIALIZED (
                SELECT incident_id, channel FROM notifications
                WHERE {_NOTIFICATIONS} AND (incident_id, channel) IN (
                    SELECT given.incident_id, given.channel FROM {given(dialect, n.incident_id, n.channel)})
                ORDER BY incident_id {dialect.skip_locked})
            {_LEASE}""")

    def timers_due(self, connection: Connection, now: float) -> bool:
        return connection.execute(self._timers_due, {"now": now}).first() is not None

    def notifications_due(
        self, connection: Connection, channel: str, now: float, *, people: bool, less: Sequence[str]
    ) -> bool:
        look, *_ = self._notifications[people]
        return (
            connection.execute(look, {"now": now, **_of(channel, less, people=people)}).first()
            is not None
        )

    def timers(
        self, connection: Connection, now: float, owner: str, until: float, limit: int
    ) -> Sequence[TimerDue]:
        """The due timers, leased; earliest first."""
        values = {"now": now, "owner": owner, "until": until, "limit": limit}
        claimed = [TimerDue(now, *row) for row in connection.execute(self._timers, values)]
        return sorted(claimed, key=lambda timer: timer.due_at)

    def notifications(  # noqa: PLR0913, PLR0917 - the protocol's, and a connection
        self,
        connection: Connection,
        channel: str,
        now: float,
        owner: str,
        until: float,
        limit: int,
        *,
        people: bool,
        less: Sequence[str],
    ) -> Sequence[Notification]:
        """The due messages, leased: those of an open incident of the worst severity, then earliest
        first.

        A lease that was still there tells of a crash while sending.
        """
        _, *claims = self._notifications[people]
        values = {"now": now, "owner": owner, "until": until, **_of(channel, less, people=people)}
        claimed: list[Notification] = []
        for claim in claims:
            if room := limit - len(claimed):
                rows = connection.execute(claim, values | {"limit": room})
                claimed += sorted(
                    (struct(Notification, row) for row in rows), key=lambda one: one.due_at
                )
        return claimed

    def waiting(
        self, connection: Connection, addresses: Mapping[str, bool], now: float, limit: int
    ) -> Sequence[tuple[Notification, Incident]]:
        """What is due, worst first, and isn't leased by this."""
        values = {
            "rows": encode([*addresses.items()]),
            "now": now,
            "limit": limit,
            "preempts": PREEMPTS,
        }
        rows = connection.execute(self._waiting, values)
        return [(struct(Notification, row[:-1]), _incident.decode(row[-1])) for row in rows]

    def these(
        self,
        connection: Connection,
        keys: Sequence[tuple[int, str]],
        now: float,
        owner: str,
        until: float,
    ) -> Sequence[Notification]:
        """Those of these messages that are still due, leased."""
        values = {"rows": encode(keys), "now": now, "owner": owner, "until": until}
        return [struct(Notification, row) for row in connection.execute(self._these, values)]


def _notifications(dialect: Dialect, whose: str) -> tuple[TextClause, TextClause, TextClause]:
    """To look, to claim what a storm of lesser things must not hold up, and to claim whatever is
    due.
    """
    due = f"{_NOTIFICATIONS} AND {whose}"
    locked = dialect.skip_locked.replace("UPDATE", "UPDATE OF notifications")

    def claim(rows: str) -> TextClause:
        return text(f"""
            WITH due AS MATERIALIZED (SELECT incident_id, channel FROM {rows} ORDER BY due_at LIMIT :limit {locked})
            {_LEASE}""")

    return (
        text(f"SELECT 1 FROM notifications WHERE {due} LIMIT 1"),
        # In SQLite this is the order in which they're looked up: the few incidents first.
        claim(
            f"incidents CROSS JOIN notifications WHERE {_URGENT} AND incident_id = incidents.id AND {due}"
        ),
        claim(f"notifications WHERE {due}"),
    )


def _of(channel: str, less: Sequence[str], *, people: bool) -> dict[str, str]:
    if not people:
        return {"channel": channel}
    rows = encode([(address,) for address in less])
    return {"channel": channel, "first": f"{channel}/", "beyond": f"{channel}0", "rows": rows}

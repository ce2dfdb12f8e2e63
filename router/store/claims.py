"""Leases on due timers and messages.

If a process dies, its leases end and another process claims the rows.
"""

# ruff: noqa: S608 - the names in the SQL are the schema's own, and all data goes in as parameters

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Boolean, ColumnClause, Double, Integer, Text, column

from router.core.incident.delivery import ARRIVES_WITHIN
from router.core.outbox.digest import PREEMPTS, Standing
from router.model.event import TimerDue
from router.model.incident import OPEN, Severity
from router.model.notification import Key, Notification, NotificationState
from router.model.outbox import OutboxKind
from router.model.reason import Reason
from router.store.bulk import POSTGRES, SQLITE, TICKS, Dialect, encode, given, packed, struct
from router.store.driver import Driver
from router.store.schema import KEY, OF_DRILL, outbox

_WaitingRow = tuple[int, str, int, Reason, int, int, OutboxKind, str, str, Severity, int, int]
_waiting_rows = msgspec.json.Decoder(list[_WaitingRow])

_TIMERS = "due_at <= :now AND lease_until <= :now"
_DUE = "state = 'pending' AND due_at <= :now AND lease_until <= :now"
_KEY = "incident_id, channel, kind, subject"
_WORST = f"incidents.severity = '{PREEMPTS}' AND incidents.status IN {tuple(map(str, OPEN))}"
_URGENT = f"{_WORST} AND NOT {OF_DRILL.format('incidents.key')}"
_FEW = 200
"""With at most this many open incidents of the worst severity, a claim looks up their rows in the
outbox. With more, it reads the due rows in order.
"""

_DUE_AT = attrgetter("due_at")

_OWN = "channel = :channel"
_PEOPLE = (
    "channel{0} > :first AND channel{0} < :beyond"  # sms/ana, of the channel sms: 0 comes after /
)
# The channel, and every person's address with pending rows: one look-up in the index for each.
_ADDRESSES = f"""
    WITH RECURSIVE people(channel) AS (
        SELECT :first UNION ALL
        SELECT (SELECT min(channel) FROM outbox WHERE state = 'pending'
            AND channel > people.channel AND channel < :beyond)
        FROM people WHERE people.channel IS NOT NULL)
    SELECT channel FROM (SELECT channel FROM people UNION SELECT :channel)
    WHERE channel NOT IN (SELECT given.channel FROM {given(SQLITE, outbox.c.channel)})"""
_IN_ORDER = {SQLITE: "", POSTGRES: ' COLLATE "C"'}
"""Compare by code point, as SQLite does, with any collation of the database."""

# A row that still has a lease was in flight when the lease ended: count that attempt, and mark it
# as possibly arrived.
_LEASE = f"""
    UPDATE outbox SET
        uncertain = CASE
            WHEN lease = '' OR (uncertain <> 0 AND uncertain_until > :now) THEN uncertain
            ELSE tried END,
        uncertain_until = CASE
            WHEN lease = '' OR uncertain_until > :arrives THEN uncertain_until
            ELSE :arrives END,
        may_be_doubled = may_be_doubled OR lease <> '',
        may_have_arrived = may_have_arrived OR lease <> '',
        attempts = attempts + CASE WHEN lease <> '' THEN 1 ELSE 0 END,
        tried = seq,
        lease = :owner,
        lease_until = :until
    WHERE ({_KEY}) IN (SELECT {_KEY} FROM due)
    RETURNING {", ".join(outbox.c.keys())}"""


class Claims:
    """Claims that check by a read first: usually nothing is due, so no write transaction begins."""

    def __init__(self, dialect: Dialect) -> None:
        self._timers_due = f"SELECT 1 FROM timers WHERE {_TIMERS} LIMIT 1"
        self._timers = f"""
            WITH due AS MATERIALIZED (
                SELECT incident_id, name FROM timers WHERE {_TIMERS}
                ORDER BY due_at LIMIT :limit {dialect.skip_locked})
            UPDATE timers SET lease = :owner, lease_until = :until
            WHERE (incident_id, name) IN (SELECT incident_id, name FROM due)
            RETURNING incident_id, name, due_at"""
        others = f"channel NOT IN (SELECT given.channel FROM {given(dialect, outbox.c.channel)})"
        people = f"({_OWN} OR {_PEOPLE.format(_IN_ORDER[dialect])}) AND {others}"
        # PostgreSQL reads all pending rows to find people's, so only channels with people do this.
        self._messages = {False: _messages(dialect, _OWN), True: _messages(dialect, people)}
        self._many_urgent = f"SELECT 1 FROM incidents WHERE {_WORST} LIMIT 1 OFFSET {_FEW}"
        if dialect is SQLITE:
            look, urgent_of_many, earliest = _by_address()
            self._messages[True] = (look, self._messages[True][1], urgent_of_many, earliest)
        self._waiting = _waiting(dialect)
        names = ", ".join(f"given.{part.name}" for part in KEY)
        self._these = f"""
            WITH due AS MATERIALIZED (
                SELECT {_KEY} FROM outbox
                WHERE {dialect.no_index}{_DUE}
                AND ({_KEY}) IN (SELECT {names} FROM {given(dialect, *KEY)})
                ORDER BY {_KEY} {dialect.skip_locked})
            {_LEASE}"""

    def timers_due(self, driver: Driver, now: float) -> bool:
        return bool(driver.rows(self._timers_due, {"now": now}))

    def messages_due(
        self, driver: Driver, channel: str, now: float, *, people: bool, less: Sequence[str]
    ) -> bool:
        look, *_ = self._messages[people]
        return bool(driver.rows(look, {"now": now, **_of(channel, less, people=people)}))

    def timers(
        self, driver: Driver, now: float, owner: str, until: float, limit: int
    ) -> Sequence[TimerDue]:
        """Lease the due timers, and return them with the earliest first."""
        values = {"now": now, "owner": owner, "until": until, "limit": limit}
        claimed = [TimerDue(now, *row) for row in driver.rows(self._timers, values)]
        return sorted(claimed, key=_DUE_AT)

    def messages(  # noqa: PLR0913, PLR0917 - the protocol's, and a connection
        self,
        driver: Driver,
        channel: str,
        now: float,
        owner: str,
        until: float,
        limit: int,
        *,
        people: bool,
        less: Sequence[str],
        arrives_within: float,
    ) -> Sequence[Notification]:
        """Lease due messages: first those of open P0 incidents, then the earliest."""
        _, urgent, urgent_of_many, earliest = self._messages[people]
        if driver.rows(self._many_urgent, {}):
            urgent = urgent_of_many
        values = _lease(now, owner, until, arrives_within) | _of(channel, less, people=people)
        claimed: list[Notification] = []
        for claim in (urgent, earliest):
            if room := limit - len(claimed):
                rows = driver.rows(claim, values | {"limit": room})
                claimed += sorted((struct(Notification, row) for row in rows), key=_DUE_AT)
        return claimed

    def waiting(  # noqa: PLR0913 - the protocol's, and a connection
        self,
        driver: Driver,
        addresses: Mapping[str, bool],
        now: float,
        limit: int,
        since: float = 0.0,
        *,
        edits: bool = False,
    ) -> Sequence[tuple[Notification, Standing]]:
        """Return the due messages to these addresses, worst first, without leasing them.

        Of addresses whose limit is used up, only the latest rows are read, which the index has in
        order of time.
        """
        rows = [
            (address, roomy, edits, 0 if roomy else since) for address, roomy in addresses.items()
        ]
        values = {
            "rows": encode(rows),
            "now": now,
            "limit": limit,
            "preempts": PREEMPTS,
        }
        ((text,),) = driver.rows(self._waiting, values)
        found = _waiting_rows.decode(text)
        return sorted(
            map(_read_waiting, found),
            key=lambda pair: (pair[1].severity, pair[0].due_at, pair[1].id),
        )

    def these(
        self, driver: Driver, keys: Sequence[Key], now: float, owner: str, until: float
    ) -> Sequence[Notification]:
        """Lease those of these messages that are still due."""
        rows = encode(
            [(incident_id, address, kind, subject) for kind, incident_id, subject, address in keys]
        )
        values = {"rows": rows} | _lease(now, owner, until)
        return [struct(Notification, row) for row in driver.rows(self._these, values)]


_Statements = tuple[str, str, str, str]


def _messages(dialect: Dialect, whose: str) -> _Statements:
    """Statements to check if messages are due, to claim urgent messages, and to claim all.

    A storm of less urgent incidents must not delay urgent messages. There is one statement for few
    urgent incidents and one for many.
    """
    due = f"{_DUE} AND {whose}"
    # If few incidents are urgent, look up the rows of each: `+` keeps SQLite from reading all
    # pending rows for each of them. SQLite reads the first table of a CROSS JOIN first.
    of_few = f"{_URGENT} AND incident_id = incidents.id AND {dialect.no_index}{due}"
    return (
        f"SELECT 1 FROM outbox WHERE {due} LIMIT 1",
        _claim(dialect, f"incidents CROSS JOIN outbox WHERE {of_few}"),
        _claim(
            dialect,
            f"outbox CROSS JOIN incidents WHERE {due} AND incidents.id = incident_id AND {_URGENT}",
        ),
        _claim(dialect, f"outbox WHERE {due}"),
    )


def _by_address() -> tuple[str, str, str]:
    """Statements as those of `_messages`, for messages to people: the earliest of each address.

    The index has the rows of an address in order. Otherwise SQLite would read and sort all pending
    rows.
    """
    due = f"{_DUE} AND channel = address.channel"

    def claim(rows: str) -> str:
        earliest = f"SELECT o.rowid FROM outbox AS o {rows} ORDER BY o.due_at LIMIT :limit"
        return _claim(
            SQLITE,
            f"({_ADDRESSES}) AS address CROSS JOIN outbox WHERE outbox.rowid IN ({earliest})",
        )

    return (
        f"""SELECT 1 FROM ({_ADDRESSES}) AS address CROSS JOIN outbox
            WHERE {_DUE} AND outbox.channel = address.channel LIMIT 1""",
        claim(f"CROSS JOIN incidents WHERE {due} AND incidents.id = incident_id AND {_URGENT}"),
        claim(f"WHERE {due}"),
    )


def _claim(dialect: Dialect, rows: str) -> str:
    locked = dialect.skip_locked.replace("UPDATE", "UPDATE OF outbox")
    return f"""
        WITH due AS MATERIALIZED (
            SELECT incident_id, outbox.channel, outbox.kind, subject FROM {rows}
            ORDER BY due_at LIMIT :limit {locked})
        {_LEASE}"""


def _waiting(dialect: Dialect) -> str:
    """Read only the columns that decide the order: decoding 500 incidents takes 20 ms."""
    o = outbox.c
    drill = OF_DRILL.format("i.key")
    columns = (
        o.incident_id,
        o.channel,
        o.seq,
        o.reason,
        o.queued_at,
        o.due_at,
        o.kind,
        o.subject,
        o.ref,
    )
    acknowledged = f"{dialect.document.format('i.doc')} ->> 'acknowledged_at'"
    more: list[ColumnClause[Any]] = [column(name, Boolean()) for name in ("roomy", "edits")]
    addresses = given(dialect, o.channel, *more, column("since", Double()))
    flags: list[ColumnClause[Any]] = [column("severity", Text())]
    flags += [column(name, Integer()) for name in ("drill", "unanswered")]
    return f"""
        WITH worst AS MATERIALIZED (
            SELECT {", ".join(f"o.{kept.name}" for kept in columns)} FROM outbox AS o
            JOIN {addresses} ON given.channel = o.channel
            JOIN incidents AS i ON i.id = o.incident_id
            WHERE {_DUE} AND o.due_at >= given.since AND (given.roomy
                OR i.severity = :preempts OR {drill} OR given.edits AND o.ref <> '')
            ORDER BY i.severity, o.due_at, i.id LIMIT :limit)
        SELECT {packed(dialect, *columns, *flags)} FROM (
            SELECT worst.*, i.severity,
                CASE WHEN {drill} THEN 1 ELSE 0 END AS drill,
                CASE WHEN i.closed_at IS NULL AND {acknowledged} IS NULL
                    THEN 1 ELSE 0 END AS unanswered
            FROM worst JOIN incidents AS i ON i.id = worst.incident_id) AS outbox"""


def _read_waiting(row: _WaitingRow) -> tuple[Notification, Standing]:
    (
        incident_id,
        channel,
        seq,
        reason,
        queued_at,
        due_at,
        kind,
        subject,
        ref,
        severity,
        drill,
        unanswered,
    ) = row
    pending = NotificationState.PENDING
    message = Notification(
        incident_id,
        channel,
        seq,
        pending,
        reason,
        queued_at / TICKS,
        due_at / TICKS,
        kind=kind,
        subject=subject,
        ref=ref,
    )
    return message, Standing(incident_id, severity, bool(drill), bool(unanswered))


def _lease(
    now: float, owner: str, until: float, arrives_within: float = ARRIVES_WITHIN
) -> dict[str, float | str]:
    return {"now": now, "owner": owner, "until": until, "arrives": now + arrives_within}


def _of(channel: str, less: Sequence[str], *, people: bool) -> dict[str, str]:
    if not people:
        return {"channel": channel}
    rows = encode([(address,) for address in less])
    return {"channel": channel, "first": f"{channel}/", "beyond": f"{channel}0", "rows": rows}

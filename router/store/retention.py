"""Deletion of old rows."""

from collections.abc import Sequence

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    and_,
    delete,
    func,
    literal_column,
    select,
    tuple_,
)

from router.model.outbox import OutboxKind
from router.store.bulk import Dialect
from router.store.schema import (
    KEY,
    RESOLVED,
    alerts,
    history,
    outbox,
    receipts,
    records,
    windows,
)


def prune_some(connection: Connection, before: float, kinds: Sequence[str], limit: int) -> int:
    """Delete old receipts, resolved alerts, events, outbox rows, and documents of these kinds.

    Returns how many rows were deleted: at most `limit` of each.
    """
    a, d, n = alerts.c, records.c, outbox.c
    old = [
        (receipts, [receipts.c.id], receipts.c.at < before),
        (alerts, [a.fingerprint, a.rule], and_(RESOLVED, a.last_seen < before)),
        (history, [history.c.id], history.c.at < before),
        (records, [d.kind, d.id], and_(d.kind.in_(kinds), d.at < before)),
        (outbox, [*KEY], and_(n.kind != OutboxKind.INCIDENT, n.queued_at < before)),
    ]
    return sum(
        connection.execute(
            delete(table).where(tuple_(*keys).in_(select(*keys).where(is_old).limit(limit)))
        ).rowcount
        for table, keys, is_old in old
    )


def old_windows(
    connection: Connection, dialect: Dialect, before: float, limit: int
) -> Sequence[str]:
    """Return the keys of sliding windows without an event since `before`.

    No index helps, so this only reads, without a write lock.
    """
    return (
        connection.execute(select(windows.c.key).where(_is_old(dialect, before)).limit(limit))
        .scalars()
        .all()
    )


def forget_windows(
    connection: Connection, dialect: Dialect, before: float, keys: Sequence[str]
) -> int:
    """Delete windows, except those that had an event in the meantime."""
    return connection.execute(
        delete(windows).where(windows.c.key.in_(keys), _is_old(dialect, before))
    ).rowcount


def _is_old(dialect: Dialect, before: float) -> ColumnElement[bool]:
    latest: ColumnElement[float] = literal_column(dialect.last.format("windows.times"), Double())
    return func.coalesce(latest, 0.0) < before

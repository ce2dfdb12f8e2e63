"""Heartbeats of replicas, and the end of dead replicas' leases."""

from collections.abc import Sequence

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    and_,
    delete,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from router.ports.store import Beat, Beats
from router.store.bulk import Dialect
from router.store.schema import (
    outbox,
    owners,
    timers,
)


def end_leases(connection: Connection, holders: Sequence[str] = ()) -> None:
    """End all leases, or only those of `holders`.

    The name of the lease stays in the row: it shows that an attempt was in flight.
    """
    for table in (timers, outbox):
        held = table.c.lease_until > 0
        if holders:
            of = (table.c.lease.startswith(f"{name}:", autoescape=True) for name in holders)
            held = and_(held, or_(table.c.lease.in_(holders), *of))
        connection.execute(update(table).where(held).values(lease_until=0))


def beat(connection: Connection, dialect: Dialect, owner: str) -> Beats:
    """Store a heartbeat of the owner. Returns the last heartbeat of each owner before it."""
    o = owners.c
    now: ColumnElement[float] = literal_column(dialect.clock, Double())
    found = connection.execute(select(o.name, o.beat, now - o.beaten_at)).all()
    values = {"beat": o.beat + 1, "beaten_at": now}
    if not connection.execute(update(owners).where(o.name == owner).values(values)).rowcount:
        connection.execute(insert(owners).values(name=owner, beat=1, beaten_at=now))
    beats = {name: Beat(count, float(age)) for name, count, age in found}
    return Beats(beats, float(connection.execute(select(now)).scalar_one()))


def remove_owners(connection: Connection, dead: Sequence[str]) -> None:
    """Delete owners whose processes have ended, and end their leases."""
    connection.execute(delete(owners).where(owners.c.name.in_(dead)))
    end_leases(connection, dead)

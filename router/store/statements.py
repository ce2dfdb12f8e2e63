"""The SQL that writes. Each statement takes all of its rows at once, see `bulk`."""

# ruff: noqa: S608 - the names in the SQL are the schema's own, and all data goes in as parameters

from sqlalchemy import Table, Text, column

from router.core.incident.suppression import NO_INCIDENT, RECHECK
from router.model.outbox import ONCE
from router.store.bulk import Dialect, written
from router.store.schema import (
    alerts,
    history,
    incidents,
    outbox,
    receipts,
    records,
    timeline,
    timers,
    windows,
)


def upsert(
    dialect: Dialect,
    table: Table,
    insert_if: str = "true",
    replace_if: str = "true",
) -> str:
    """Insert the given rows that meet `insert_if`; replace stored rows that meet `replace_if`."""
    keys = [column.name for column in table.primary_key]
    names = [column.name for column in table.c]
    replaced = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
    return f"""
        INSERT INTO {table.name} ({", ".join(names)})
        SELECT * FROM {written(dialect, *table.c)} WHERE {insert_if}
        ON CONFLICT ({", ".join(keys)}) DO UPDATE SET {replaced} WHERE {replace_if}"""


def writes(dialect: Dialect) -> dict[str, tuple[str, str]]:
    """The table and the statement for each kind of row in `Writes`."""
    a, i, t = alerts.c, incidents.c, timers.c
    timer = written(dialect, t.incident_id, t.name, t.due_at)
    statements = {
        "incidents": _successors(dialect, incidents, "stored.id = given.id"),
        "documents": f"""
            UPDATE incidents SET version = given.version, doc = given.doc
            FROM {written(dialect, i.id, i.version, i.doc)}
            WHERE incidents.id = given.id AND incidents.version = given.version - 1""",
        "records": _successors(
            dialect, records, "stored.kind = given.kind AND stored.id = given.id"
        ),
        "forgotten": f"""
            DELETE FROM alerts WHERE (fingerprint, rule) IN (
                SELECT given.fingerprint, given.rule
                FROM {written(dialect, a.fingerprint, a.rule)})""",
        "rule_matches": upsert(dialect, alerts),
        "seen": f"""
            UPDATE alerts SET
                last_seen = given.last_seen,
                ended_at = given.ended_at,
                longest_gap = CASE
                    WHEN alerts.status = 'firing'
                        AND given.last_seen - alerts.last_seen > alerts.longest_gap
                    THEN given.last_seen - alerts.last_seen ELSE alerts.longest_gap END
            FROM {written(dialect, a.fingerprint, a.rule, a.last_seen, a.ended_at)}
            WHERE alerts.fingerprint = given.fingerprint AND alerts.rule = given.rule""",
        "detached": f"""
            UPDATE alerts SET digest = '' WHERE status = 'firing' AND incident_id IN (
                SELECT given.incident_id FROM {written(dialect, a.incident_id)})""",
        "moved": f"""
            UPDATE alerts SET digest = '', incident_id = given.target
            FROM {written(dialect, a.incident_id, column("target", a.incident_id.type))}
            WHERE alerts.status = 'firing' AND alerts.incident_id = given.incident_id""",
        "entries": _append(dialect, timeline),
        "history": _append(dialect, history),
        "timers_done": f"""
            DELETE FROM timers WHERE (incident_id, name, due_at) IN (
                SELECT given.incident_id, given.name, given.due_at FROM {timer})""",
        "timers_cleared": f"""
            DELETE FROM timers WHERE (incident_id, name) IN (
                SELECT given.incident_id, given.name
                FROM {written(dialect, t.incident_id, t.name)})""",
        "rechecked": f"""
            UPDATE timers SET due_at = given.due_at FROM {written(dialect, t.due_at)}
            WHERE timers.incident_id = {NO_INCIDENT} AND timers.name LIKE '{RECHECK}%'
                AND timers.due_at > given.due_at""",
        "timers": f"""
            INSERT INTO timers (incident_id, name, due_at, lease, lease_until)
            SELECT given.incident_id, given.name, given.due_at, '', 0
            FROM {timer} WHERE true
            ON CONFLICT (incident_id, name) DO UPDATE SET
                due_at = excluded.due_at, lease = '', lease_until = 0""",
        "settled": _settle(dialect),
        "queued": _queue(dialect),
        "windows": upsert(dialect, windows),
        "receipts": f"""
            INSERT INTO receipts (id, at) SELECT * FROM {written(dialect, *receipts.c)} WHERE true
            ON CONFLICT (id) DO NOTHING""",
    }
    return {kind: (_TABLES.get(kind, kind), sql) for kind, sql in statements.items()}


_TABLES = {
    **dict.fromkeys(("moved", "detached", "forgotten", "rule_matches", "seen"), "alerts"),
    **dict.fromkeys(("timers_done", "timers_cleared", "rechecked"), "timers"),
    **dict.fromkeys(("settled", "queued"), "outbox"),
    "documents": "incidents",
    "entries": "timeline",
}
"""The tables of the kinds whose name isn't their table's."""


def _successors(dialect: Dialect, table: Table, same: str) -> str:
    """Insert rows of version 1; let each other row replace only its previous version.

    Rows for which that isn't possible aren't written, so the count of changed rows is too low.
    """
    return upsert(
        dialect,
        table,
        f"version = 1 OR EXISTS (SELECT 1 FROM {table.name} AS stored WHERE {same})",
        f"{table.name}.version = excluded.version - 1",
    )


def _append(dialect: Dialect, table: Table) -> str:
    """Insert rows whose ids the database assigns."""
    columns = [column for column in table.c if column.name != "id"]
    names = ", ".join(column.name for column in columns)
    return f"INSERT INTO {table.name} ({names}) SELECT * FROM {written(dialect, *columns)}"


def _queue(dialect: Dialect) -> str:
    """Add a message to the row of its key.

    A pending row gets the new content, and keeps its backoff and the age of its first message. If
    an attempt is in progress, the new message is sent after it, and has its own age. A row that is
    only scheduled for a second sending (due later, without attempts) becomes due at once.
    """
    o = outbox.c
    pending = "outbox.state = 'pending'"
    keeps_place = f"{pending} AND (outbox.attempts > 0 OR outbox.due_at <= excluded.due_at)"
    earlier = "outbox.lease_until <= excluded.queued_at AND outbox.queued_at <= excluded.queued_at"
    waiting = f"{pending} AND {earlier}"
    rows = written(dialect, o.incident_id, o.channel, o.reason, o.queued_at, o.kind, o.subject)
    once = ", ".join(f"'{kind}'" for kind in ONCE)
    return f"""
        INSERT INTO outbox ({", ".join(o.keys())})
        SELECT given.incident_id, given.channel, 1, 'pending', given.reason,
            given.queued_at, given.queued_at,
            0, 0, '', 0, '', 0, false, '', false, given.kind, given.subject, 0, 0, 0,
            '', false
        FROM {rows} WHERE true
        ON CONFLICT (incident_id, channel, kind, subject) DO UPDATE SET
            seq = outbox.seq + 1,
            state = 'pending',
            reason = excluded.reason,
            queued_at = CASE WHEN {waiting} THEN outbox.queued_at ELSE excluded.queued_at END,
            due_at = CASE WHEN {keeps_place} THEN outbox.due_at ELSE excluded.due_at END,
            attempts = CASE WHEN {pending} THEN outbox.attempts ELSE 0 END,
            fallen_back = CASE WHEN {pending} THEN outbox.fallen_back ELSE false END,
            error = CASE WHEN {pending} THEN outbox.error ELSE '' END,
            may_be_doubled = CASE WHEN {pending} THEN outbox.may_be_doubled ELSE false END,
            may_have_arrived = CASE WHEN {pending} AND outbox.queued_at <= excluded.queued_at
                THEN outbox.may_have_arrived ELSE false END,
            progress = ''
        WHERE outbox.kind NOT IN ({once})"""


def _settle(dialect: Dialect) -> str:
    """Store the result of an attempt, if its lease is still held.

    A message queued during the attempt becomes pending: after the same backoff if the attempt
    failed temporarily, otherwise at once.
    """
    o = outbox.c
    rows = written(dialect, *o, column("held", Text()), column("sent_seq", o.seq.type))
    more = "outbox.seq > given.sent_seq"
    done = "(given.state <> 'pending' OR given.seq > given.sent_seq)"
    new = f"{more} AND {done}"
    return f"""
        UPDATE outbox SET
            seq = CASE WHEN {more} THEN outbox.seq ELSE given.seq END,
            state = CASE WHEN {more} THEN 'pending' ELSE given.state END,
            reason = CASE WHEN {more} THEN outbox.reason ELSE given.reason END,
            queued_at = CASE WHEN {new} THEN outbox.queued_at ELSE given.queued_at END,
            due_at = CASE WHEN {new} THEN outbox.due_at ELSE given.due_at END,
            attempts = CASE WHEN {new} THEN 0 ELSE given.attempts END,
            fallen_back = CASE WHEN {new} THEN false ELSE given.fallen_back END,
            error = CASE WHEN {new} THEN '' ELSE given.error END,
            may_be_doubled = CASE WHEN {new} THEN false ELSE given.may_be_doubled END,
            may_have_arrived = CASE WHEN {new} THEN false ELSE given.may_have_arrived END,
            sent = given.sent,
            ref = given.ref,
            seen_entry = given.seen_entry,
            uncertain = given.uncertain,
            uncertain_until = given.uncertain_until,
            progress = CASE WHEN {more} THEN '' ELSE given.progress END,
            lease = '',
            lease_until = 0
        FROM {rows}
        WHERE outbox.incident_id = given.incident_id AND outbox.channel = given.channel
            AND outbox.kind = given.kind AND outbox.subject = given.subject
            AND outbox.lease = given.held AND outbox.lease <> ''"""

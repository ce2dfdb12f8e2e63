"""Reads what the core needs to decide.

What isn't wanted costs nothing; each kind that is costs one statement.
"""

# ruff: noqa: S608 - the names in the SQL are the schema's own, and all data goes in as parameters

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, TextClause, text

from router.core.incident.snapshot import ReadPlan, Snapshot
from router.model.alert import Alert, AlertStatus, RuleMatch
from router.model.incident import Incident, Severity
from router.model.reason import Reason
from router.store.bulk import Dialect, encode, given, packed, seconds
from router.store.schema import OPEN, alerts, incidents, receipts, windows

T = TypeVar("T")


class MatchRow(Struct, array_like=True, gc=False):
    """The columns of a rule match; `doc` is its alert, in the statements that read it."""

    fingerprint: str
    rule: str
    digest: str
    status: AlertStatus
    reason: Reason
    starts_at: int
    last_seen: int
    incident_id: int | None
    severity: Severity | None
    value: str | None
    ended_at: int | None
    longest_gap: int
    doc: str = ""


MATCH_COLUMNS = [alerts.c[name] for name in MatchRow.__struct_fields__ if name != "doc"]

ROWS = msgspec.json.Decoder(list[MatchRow])
_docs = msgspec.json.Decoder(list[tuple[str]])
_incident = msgspec.json.Decoder(Incident)
_alert = msgspec.json.Decoder(Alert)
_pairs = msgspec.json.Decoder(list[tuple[str, str]])
_stored = msgspec.json.Decoder(list[tuple[str, str, str]])
_times = msgspec.json.Decoder(tuple[float, ...])


def rule_match(row: MatchRow) -> RuleMatch:
    """A rule match from its `packed` columns."""
    return RuleMatch(
        row.fingerprint,
        row.rule,
        row.digest,
        row.status,
        row.reason,
        seconds(row.starts_at),
        seconds(row.last_seen),
        row.incident_id,
        row.severity,
        None if row.value is None else float(row.value),
        None if row.ended_at is None else seconds(row.ended_at),
        seconds(row.longest_gap),
    )


class Load:
    """Its statements are built once for a dialect, so that each is compiled and planned once."""

    def __init__(self, dialect: Dialect) -> None:
        i, r, w = incidents.c, receipts.c, windows.c
        fingerprint, key = alerts.c.fingerprint, i.key
        self._match_rows = text(f"""
            SELECT {packed(dialect, *MATCH_COLUMNS)} FROM alerts
            WHERE fingerprint IN (SELECT given.fingerprint FROM {given(dialect, fingerprint)})""")
        self._by_id = text(f"""
            SELECT {packed(dialect, i.doc)} FROM incidents
            WHERE id IN (SELECT given.id FROM {given(dialect, i.id)})""")
        self._by_key = text(f"""
            SELECT {packed(dialect, i.doc)} FROM incidents
            WHERE id IN (
                SELECT (SELECT max(id) FROM incidents AS newest WHERE newest.key = given.key)
                FROM {given(dialect, key)})""")
        is_open = f"SELECT {packed(dialect, i.doc)} FROM incidents WHERE {OPEN} AND rule"
        self._open_of = text(f"{is_open} IN (SELECT given.rule FROM {given(dialect, i.rule)})")
        self._open_besides = text(
            f"{is_open} NOT IN (SELECT given.rule FROM {given(dialect, i.rule)})"
        )
        self._alerts = text(f"""
            SELECT {packed(dialect, alerts.c.fingerprint, alerts.c.rule, alerts.c.doc)} FROM alerts
            WHERE fingerprint IN (SELECT given.fingerprint FROM {given(dialect, fingerprint)})""")
        self._firing = text(f"""
            SELECT {packed(dialect, *MATCH_COLUMNS, alerts.c.doc)} FROM alerts
            WHERE status = 'firing'
                AND incident_id IN (
                    SELECT given.incident_id FROM {given(dialect, alerts.c.incident_id)})""")
        self._next_id = text("SELECT COALESCE(max(id), 0) + 1 FROM incidents")
        self._windows = text(f"""
            SELECT {packed(dialect, w.key, w.times)} FROM windows
            WHERE key IN (SELECT given.key FROM {given(dialect, w.key)})""")
        self._receipts = text(f"""
            SELECT {packed(dialect, r.id)} FROM receipts
            WHERE id IN (SELECT given.id FROM {given(dialect, r.id)})""")

    def all(self, connection: Connection, reads: Iterable[ReadPlan], view: Snapshot) -> Snapshot:
        """Read into the view. A turn of a thread costs more than most reads, so all share one."""
        for wanted in reads:
            view.add(self(connection, wanted))
        return view

    def __call__(self, connection: Connection, wanted: ReadPlan) -> Snapshot:  # noqa: C901 - a read of each kind
        view = Snapshot()
        if wanted.fingerprints:
            for row in _read(connection, self._match_rows, wanted.fingerprints, ROWS):
                view.rule_matches.setdefault(row.fingerprint, []).append(rule_match(row))
        if wanted.incident_ids:
            _incidents(view, _read(connection, self._by_id, wanted.incident_ids, _docs))
        if wanted.keys:
            newest = _incidents(view, _read(connection, self._by_key, wanted.keys, _docs))
            view.latest = {incident.key: incident.id for incident in newest}
            view.next_incident_id = connection.execute(self._next_id).scalar_one()
        if wanted.open:
            _incidents(view, _read(connection, self._open_of, wanted.open, _docs))
        if wanted.open_besides is not None:
            _incidents(view, _read(connection, self._open_besides, wanted.open_besides, _docs))
        if wanted.alerts:
            stored = _read(connection, self._alerts, wanted.alerts, _stored)
            view.alerts = {(alert, rule): _alert.decode(doc) for alert, rule, doc in stored}
        if wanted.firing:
            for row in _read(connection, self._firing, wanted.firing, ROWS):
                match, alert = rule_match(row), _alert.decode(row.doc)
                firing = view.firing.setdefault(match.incident_id or 0, {})
                firing[match.fingerprint, match.rule] = (match, alert)
        if wanted.windows:
            rows = _read(connection, self._windows, wanted.windows, _pairs)
            view.windows = {key: _times.decode(times) for key, times in rows}
        if wanted.receipts:
            view.receipts = {
                row[0] for row in _read(connection, self._receipts, wanted.receipts, _docs)
            }
        return view


def _read(
    connection: Connection,
    statement: TextClause,
    keys: Iterable[Any],
    rows: msgspec.json.Decoder[list[T]],
) -> list[T]:
    return rows.decode(
        connection.execute(statement, {"rows": encode([(key,) for key in keys])}).scalar_one()
    )


def _incidents(view: Snapshot, docs: list[tuple[str]]) -> list[Incident]:
    read = [_incident.decode(doc) for (doc,) in docs]
    view.incidents.update((incident.id, incident) for incident in read)
    return read

"""Reads for each alert: what the core needs to decide, and what messages may contain.

A decision's read plan results in one statement for each kind of data in it.
"""

# ruff: noqa: S608 - the names in the SQL are the schema's own, and all data goes in as parameters

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Struct

from router.core.incident.snapshot import ReadPlan, Snapshot
from router.model.alert import Alert, AlertStatus, RuleMatch
from router.model.decision import Entry
from router.model.incident import Incident, Severity
from router.model.reason import Reason
from router.ports.store import AlertRow
from router.store.bulk import TICKS, Dialect, encode, given, packed
from router.store.driver import Driver, Read
from router.store.schema import (
    OPEN,
    PUBLISHED,
    alerts,
    incidents,
    receipts,
    timeline,
    windows,
)

ENTRIES = 30
"""Latest timeline entries of an incident that a message may contain."""

ALERTS = 10
"""Firing alerts of an incident that a message may contain."""


class MatchRow(Struct, array_like=True, gc=False):
    """The columns of a rule match. `doc` is its alert, if the statement reads it."""

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

_rows = msgspec.json.Decoder(list[MatchRow])
_docs = msgspec.json.Decoder(list[tuple[str]])
_incident = msgspec.json.Decoder(Incident)
_alert = msgspec.json.Decoder(Alert)
_entries = msgspec.json.Decoder(list[tuple[int, int, int, Reason, str, str]])
_data = msgspec.json.Decoder(dict[str, Any])
_fingerprints = msgspec.json.Decoder(list[str])
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
        row.starts_at / TICKS,
        row.last_seen / TICKS,
        row.incident_id,
        row.severity,
        None if row.value is None else float(row.value),
        None if row.ended_at is None else row.ended_at / TICKS,
        row.longest_gap / TICKS,
    )


class Load:
    """Statements to load data, by the field of `ReadPlan` that each one reads.

    They are built once, so that the database plans each only once.
    """

    def __init__(self, dialect: Dialect) -> None:
        i, r, w = incidents.c, receipts.c, windows.c
        fingerprint, key = alerts.c.fingerprint, i.key
        is_open = f"SELECT {packed(dialect, i.doc)} FROM incidents WHERE {OPEN} AND rule"
        given_rules = f"(SELECT given.rule FROM {given(dialect, i.rule)})"
        self._reads = {
            "fingerprints": f"""
                SELECT {packed(dialect, *MATCH_COLUMNS)} FROM alerts
                WHERE fingerprint IN (SELECT given.fingerprint FROM {given(dialect, fingerprint)})
                """,
            "incident_ids": f"""
                SELECT {packed(dialect, i.doc)} FROM incidents
                WHERE id IN (SELECT given.id FROM {given(dialect, i.id)})""",
            "keys": f"""
                SELECT {packed(dialect, i.doc)} FROM incidents
                WHERE id IN (
                    SELECT (SELECT max(id) FROM incidents AS newest WHERE newest.key = given.key)
                    FROM {given(dialect, key)}
                    UNION ALL
                    SELECT (SELECT id FROM incidents AS other
                        WHERE other.key = given.key AND {OPEN})
                    FROM {given(dialect, key)})""",
            "open": f"{is_open} IN {given_rules}",
            "open_besides": f"{is_open} NOT IN {given_rules}",
            "alerts": f"""
                SELECT {packed(dialect, alerts.c.fingerprint, alerts.c.rule, alerts.c.doc)}
                FROM alerts
                WHERE fingerprint IN (SELECT given.fingerprint FROM {given(dialect, fingerprint)})
                """,
            "firing": f"""
                SELECT {packed(dialect, *MATCH_COLUMNS, alerts.c.doc)} FROM alerts
                WHERE status = 'firing'
                    AND incident_id IN (
                        SELECT given.incident_id FROM {given(dialect, alerts.c.incident_id)})""",
            "windows": f"""
                SELECT {packed(dialect, w.key, w.times)} FROM windows
                WHERE key IN (SELECT given.key FROM {given(dialect, w.key)})""",
            "receipts": f"""
                SELECT {packed(dialect, r.id)} FROM receipts
                WHERE id IN (SELECT given.id FROM {given(dialect, r.id)})""",
        }
        self._next_id = Read("SELECT CAST(COALESCE(max(id), 0) + 1 AS TEXT) FROM incidents")

    def __call__(self, driver: Driver, plans: Iterable[ReadPlan], view: Snapshot) -> Snapshot:
        """Read all plans into the view in one call: a thread switch costs more than most reads."""
        for wanted in plans:
            asked = [
                (add, sql, keys)
                for (name, sql), add in zip(self._reads.items(), _ADDERS, strict=True)
                if (keys := getattr(wanted, name)) or (name == "open_besides" and keys is not None)
            ]
            reads = [Read(sql, encode([(key,) for key in keys])) for _, sql, keys in asked]
            if wanted.keys:
                reads.append(self._next_id)
            found = driver.texts(reads)
            if wanted.keys:
                view.next_incident_id = max(view.next_incident_id, int(found[-1]))
            for (add, *_), text in zip(asked, found, strict=False):
                add(view, text)
        return view


def _add_matches(view: Snapshot, text: str) -> None:
    for row in _rows.decode(text):
        view.rule_matches.setdefault(row.fingerprint, []).append(rule_match(row))


def _add_incidents(view: Snapshot, text: str) -> Sequence[Incident]:
    found = [_incident.decode(doc) for (doc,) in _docs.decode(text)]
    view.incidents.update((incident.id, incident) for incident in found)
    return found


def _add_newest(view: Snapshot, text: str) -> None:
    found = sorted(_add_incidents(view, text), key=attrgetter("id"))
    view.latest |= {incident.key: incident.id for incident in found}
    view.reopened |= {
        incident.key: incident.id
        for incident in found
        if incident.is_open and incident.id != view.latest[incident.key]
    }


def _add_alerts(view: Snapshot, text: str) -> None:
    stored = _stored.decode(text)
    view.alerts |= {(fingerprint, rule): _alert.decode(doc) for fingerprint, rule, doc in stored}


def _add_firing(view: Snapshot, text: str) -> None:
    for row in _rows.decode(text):
        match, alert = rule_match(row), _alert.decode(row.doc)
        firing = view.firing.setdefault(match.incident_id or 0, {})
        firing[match.fingerprint, match.rule] = (match, alert)


def _add_windows(view: Snapshot, text: str) -> None:
    view.windows |= {key: _times.decode(times) for key, times in _pairs.decode(text)}


def _add_receipts(view: Snapshot, text: str) -> None:
    view.receipts.update(receipt for (receipt,) in _docs.decode(text))


_ADDERS: Sequence[Callable[[Snapshot, str], object]] = (
    _add_matches,
    _add_incidents,
    _add_newest,
    _add_incidents,
    _add_incidents,
    _add_alerts,
    _add_firing,
    _add_windows,
    _add_receipts,
)


def fingerprints(driver: Driver, limit: int) -> Sequence[str]:
    """Return the fingerprints of the stored alerts."""
    sql = "SELECT json_group_array(fingerprint) FROM (SELECT fingerprint FROM alerts LIMIT :limit)"
    ((text,),) = driver.rows(sql, {"limit": limit})
    return _fingerprints.decode(text)


# --- messages


class ReadMessages:
    """Reads what messages about incidents may contain: one statement, a row for each incident."""

    def __init__(self, dialect: Dialect) -> None:
        # Published entries have an index of their own: an incident may have 50,000 others.
        first = f"""coalesce((
            SELECT id FROM timeline WHERE incident_id = given.id
            ORDER BY id DESC LIMIT 1 OFFSET {ENTRIES}), 0)"""
        self._statement = f"""
            SELECT incidents.id, doc,
                (SELECT {packed(dialect, *timeline.c)} FROM (
                    SELECT * FROM timeline WHERE incident_id = given.id AND id > {first}
                    UNION ALL
                    SELECT * FROM timeline
                    WHERE incident_id = given.id AND {PUBLISHED.text} AND id <= {first}
                    ) AS timeline),
                (SELECT {packed(dialect, *MATCH_COLUMNS, alerts.c.doc)} FROM (
                    SELECT * FROM alerts WHERE incident_id = given.id AND status = 'firing'
                    LIMIT {ALERTS}) AS alerts)
            FROM {given(dialect, incidents.c.id)} JOIN incidents ON incidents.id = given.id"""

    def __call__(
        self, driver: Driver, incident_ids: Iterable[int]
    ) -> dict[int, tuple[Incident, Sequence[Entry], Sequence[AlertRow]]]:
        """Return incidents, their latest and published entries (oldest first), and some alerts."""
        rows = encode([(number,) for number in incident_ids])
        return {
            incident_id: (
                _incident.decode(doc),
                [
                    Entry(incident_id, at / TICKS, what, by, _data.decode(data), entry_id)
                    for entry_id, _, at, what, by, data in sorted(_entries.decode(entries))
                ],
                [
                    AlertRow(rule_match(match), _alert.decode(match.doc))
                    for match in _rows.decode(firing)
                ],
            )
            for incident_id, doc, entries, firing in driver.rows(self._statement, {"rows": rows})
        }

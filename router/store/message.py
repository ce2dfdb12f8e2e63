"""Read all that messages about incidents may contain: one statement, a row for each incident."""

# ruff: noqa: S608 - the names in the SQL are the schema's own, and all data goes in as parameters

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from router.model.alert import Alert
from router.model.decision import Entry
from router.model.incident import Incident
from router.model.reason import Reason
from router.ports.store import AlertRow
from router.store.bulk import TICKS, Dialect, encode, given, packed
from router.store.driver import Driver
from router.store.load import MATCH_COLUMNS, ROWS, rule_match
from router.store.schema import PUBLISHED, alerts, incidents, timeline

ENTRIES = 30
ALERTS = 10

_incident = msgspec.json.Decoder(Incident)
_entries = msgspec.json.Decoder(list[tuple[int, int, int, Reason, str, str]])
_data = msgspec.json.Decoder(dict[str, Any])
_alert = msgspec.json.Decoder(Alert)


class ReadMessages:
    """Its statement is made once for a dialect."""

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
                    for match in ROWS.decode(firing)
                ],
            )
            for incident_id, doc, entries, firing in driver.rows(self._statement, {"rows": rows})
        }

"""The rows of the core's decision: one statement for each kind."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter

import msgspec
from msgspec import Struct

from router.core.incident.snapshot import Conflict, Writes
from router.model.alert import Alert, RuleMatch
from router.model.decision import Queued
from router.model.event import AlertSeen, Event
from router.model.incident import Incident
from router.model.notification import Notification
from router.ports.errors import StaleRecord
from router.store.bulk import Dialect
from router.store.driver import Row, Write
from router.store.schema import outbox
from router.store.statements import writes

TOGETHER = 100
"""The most events in one row of the history: a page of rows must fit into memory."""

_json = msgspec.json.Encoder()


class Save:
    """Its statements are built once for a dialect, so that each is planned once."""

    def __init__(self, dialect: Dialect) -> None:
        self._statements = writes(dialect)

    def __call__(self, changes: Writes) -> Sequence[Write]:
        """Return what to write: it fails with Conflict or StaleRecord if others were first."""
        return [
            Write(*self._statements[kind], rows, _MISSED.get(kind))
            for kind, rows in _rows(changes).items()
            if rows
        ]


_MISSED: Mapping[str, Callable[[], Exception]] = {
    "incidents": partial(Conflict, "an incident was written since it was read"),
    "records": partial(StaleRecord, "a document was written since it was read"),
}


def _rows(changes: Writes) -> dict[str, Sequence[Row]]:
    """The rows of each kind, in the order of writing: what is removed goes before what is set.

    Rows that others may write at the same time are sorted, so that two transactions lock them in
    the same order and never wait for each other in a circle. Enums are made plain texts: `sqlite3`
    takes three times as long for a subclass of `str`.
    """
    matches = changes.rule_matches
    docs = {id(alert): msgspec.Raw(_json.encode(alert)) for _, alert in matches.values()}
    return {
        "incidents": _incident_rows(changes.incidents.values()),
        "records": [(r.kind, r.id, r.at, r.version, r.doc) for r in changes.records],
        "moved": sorted(changes.moved.items()),
        "detached": [(incident_id,) for incident_id in sorted(changes.detached)],
        "forgotten": changes.forgotten,
        "rule_matches": [_match_row(*matches[key], docs) for key in sorted(matches)],
        "seen": _seen_rows(changes.seen) if changes.seen else (),
        "entries": [
            (e.incident_id, e.at, str(e.what), e.by, _dump(e.data)) for e in changes.entries
        ],
        "history": [*_history_rows(changes.history, docs)],
        "timers_done": [(t.incident_id, t.name, t.due_at) for t in changes.timers_done],
        "timers_cleared": sorted(changes.timers_cleared),
        "rechecked": [] if changes.recheck_at is None else [(changes.recheck_at,)],
        "timers": [(*key, changes.timers[key].due_at) for key in sorted(changes.timers)],
        "settled": [_settled_row(*settled) for settled in changes.settled],
        "queued": _queued_rows(changes.queued),
        "windows": [(key, _dump(times)) for key, times in changes.windows.items()],
        "receipts": [(event_id, at) for event_id, at in changes.receipts.items()],
    }


def _dump(value: object) -> str:
    return _json.encode(value).decode()


def _match_row(rule_match: RuleMatch, alert: Alert, docs: Mapping[int, msgspec.Raw]) -> Row:
    return (
        rule_match.fingerprint,
        rule_match.rule,
        rule_match.digest,
        str(rule_match.status),
        str(rule_match.reason),
        rule_match.starts_at,
        rule_match.last_seen,
        rule_match.incident_id,
        rule_match.severity and str(rule_match.severity),
        None if rule_match.value is None else repr(rule_match.value),
        rule_match.ended_at,
        rule_match.longest_gap,
        bytes(docs[id(alert)]).decode(),
    )


def _seen_rows(seen: Iterable[tuple[str, str, float, float | None]]) -> list[Row]:
    """The last report of each match."""
    rows = {
        (fingerprint, rule): (fingerprint, rule, at, end) for fingerprint, rule, at, end in seen
    }
    return [rows[key] for key in sorted(rows)]


def _incident_rows(incidents: Iterable[Incident]) -> Sequence[Row]:
    """Return closed incidents first, so that another incident of the same key may be open."""
    return [
        (
            i.id,
            i.version,
            i.key,
            i.rule,
            str(i.severity),
            str(i.status),
            i.opened_at,
            i.closed_at,
            _dump(i),
        )
        for i in sorted(incidents, key=attrgetter("is_open", "id"))
    ]


def _queued_rows(queued: Iterable[Queued]) -> Sequence[Row]:
    """One row for each key: due since the first of its messages, with the reason of the last."""
    rows: dict[tuple[int, str, str, str], Row] = {}
    for o in queued:
        key = (o.incident_id, o.channel, o.kind, o.subject)
        earlier = rows.get(key)
        rows[key] = (
            o.incident_id,
            o.channel,
            str(o.reason),
            earlier[3] if earlier else o.at,
            str(o.kind),
            o.subject,
        )
    return [row for _, row in sorted(rows.items())]


def _settled_row(notification: Notification, lease: str, seq: int) -> Row:
    return (*(getattr(notification, column.name) for column in outbox.c), lease, seq)


class _AlertSeen(Struct, frozen=True, gc=False, tag="alert"):
    """An `AlertSeen` whose alert is encoded already."""

    at: float
    alert: msgspec.Raw


def _history_rows(events: Sequence[Event], docs: Mapping[int, msgspec.Raw]) -> Iterator[Row]:
    """A row for many events, with the time of the latest. `docs` has alerts by identity."""
    for start in range(0, len(events), TOGETHER):
        some = events[start : start + TOGETHER]
        records = [
            _AlertSeen(event.at, doc)
            if isinstance(event, AlertSeen) and (doc := docs.get(id(event.alert)))
            else event
            for event in some
        ]
        yield max(event.at for event in some), _dump(records)

"""Turns the core's writes into rows, with one statement for each kind.

Rows that other replicas may write at the same time are sorted: transactions lock them in the same
order, so they can't deadlock. Enums become plain strings, because `sqlite3` takes three times as
long for a subclass of `str`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter, itemgetter
from types import MappingProxyType
from typing import Any

import msgspec

from router.core.incident.snapshot import Conflict, Writes
from router.model.alert import Alert, RuleMatch
from router.model.decision import Entry, Queued
from router.model.event import AlertSeen, Event
from router.model.incident import Incident
from router.model.notification import Notification
from router.ports.errors import StaleRecord
from router.store.bulk import Dialect
from router.store.driver import Row, Write
from router.store.schema import outbox
from router.store.statements import writes

TOGETHER = 100
"""Maximum events in one row of the history: a page of rows must fit into memory."""

Docs = Mapping[int, str]
"""Encoded alerts by `id()`, because the same object is written with its event, too."""

_by_key = itemgetter(0)
_json = msgspec.json.Encoder()


class Save:
    """Statements to save data, built once, so that the database plans each only once."""

    def __init__(self, dialect: Dialect) -> None:
        self._statements = writes(dialect)

    def __call__(
        self, changes: Writes, before: Mapping[int, Incident] = MappingProxyType({})
    ) -> Sequence[Write]:
        """Return the writes. They fail with Conflict or StaleRecord if others wrote first.

        The indexed columns of an incident in `before` are written only if they changed.
        """
        docs = {id(alert): _dump(alert) for _, alert in changes.rule_matches.values()}
        found = [*_incident_rows(changes.incidents.values(), before)] if changes.incidents else []
        for kind, field, make in _KINDS:
            value = getattr(changes, field)
            if value or value == 0:
                found.append((kind, make(value, docs)))
        return [Write(*self._statements[kind], rows, _MISSED.get(kind)) for kind, rows in found]


_CONFLICT = partial(Conflict, "an incident was written since it was read")
_MISSED: Mapping[str, Callable[[], Exception]] = {
    "incidents": _CONFLICT,
    "documents": _CONFLICT,
    "records": partial(StaleRecord, "a document was written since it was read"),
}


def _dump(value: object) -> str:
    return _json.encode(value).decode()


def _match_rows(
    matches: Mapping[tuple[str, str], tuple[RuleMatch, Alert]], docs: Docs
) -> list[Row]:
    return [
        (
            match.fingerprint,
            match.rule,
            match.digest,
            match.status._value_,
            match.reason._value_,
            match.starts_at,
            match.last_seen,
            match.incident_id,
            match.severity and match.severity._value_,
            None if match.value is None else repr(match.value),
            match.ended_at,
            match.longest_gap,
            docs[id(alert)],
        )
        for _, (match, alert) in sorted(matches.items(), key=_by_key)
    ]


def _incident_rows(
    incidents: Iterable[Incident], before: Mapping[int, Incident]
) -> Iterator[tuple[str, Sequence[Row]]]:
    """Return full rows, and only the documents of incidents whose indexed columns are unchanged.

    Closed incidents come first, so that another incident of the same key may be open.
    """
    rows, documents = list[Row](), list[Row]()
    for i in sorted(incidents, key=_closed_first):
        known = before.get(i.id)
        is_next = known is not None and known.version == i.version - 1
        if known is not None and is_next and _indexed(known) == _indexed(i):
            documents.append((i.id, i.version, _dump(i)))
        else:
            severity, status = i.severity._value_, i.status._value_
            rows.append(
                (
                    i.id,
                    i.version,
                    i.key,
                    i.rule,
                    severity,
                    status,
                    i.opened_at,
                    i.closed_at,
                    _dump(i),
                )
            )
    if rows:
        yield "incidents", rows
    if documents:
        yield "documents", documents


_closed_first = attrgetter("is_open", "id")
_indexed = attrgetter("severity", "status", "closed_at", "opened_at", "key", "rule")


def _seen_rows(seen: Iterable[tuple[str, str, float, float | None]], _: Docs) -> list[Row]:
    """The last report of each match."""
    last = {(fingerprint, rule): (at, end) for fingerprint, rule, at, end in seen}
    return [(*key, *last[key]) for key in sorted(last)]


def _entry_rows(entries: Iterable[Entry], _: Docs) -> list[Row]:
    return [(e.incident_id, e.at, e.what._value_, e.by, _dump(e.data)) for e in entries]


def _queued_rows(queued: Iterable[Queued], _: Docs) -> list[Row]:
    """One row for each key: queued with the first of its messages, with the reason of the last."""
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


def _history_rows(events: Sequence[Event], docs: Docs) -> list[Row]:
    """Rows of many events each, with the time of the latest event."""
    rows: list[Row] = []
    for start in range(0, len(events), TOGETHER):
        some = events[start : start + TOGETHER]
        records = [
            f'{{"type":"alert","at":{event.at!r},"alert":{docs[id(event.alert)]}}}'
            if isinstance(event, AlertSeen) and id(event.alert) in docs
            else _dump(event)
            for event in some
        ]
        rows.append((max([event.at for event in some]), f"[{','.join(records)}]"))
    return rows


_KINDS: Sequence[tuple[str, str, Callable[[Any, Docs], Sequence[Row]]]] = (
    ("records", "records", lambda made, _: [(r.kind, r.id, r.at, r.version, r.doc) for r in made]),
    ("moved", "moved", lambda moved, _: sorted(moved.items())),
    ("detached", "detached", lambda ids, _: [(incident_id,) for incident_id in sorted(ids)]),
    ("forgotten", "forgotten", lambda keys, _: keys),
    ("rule_matches", "rule_matches", _match_rows),
    ("seen", "seen", _seen_rows),
    ("entries", "entries", _entry_rows),
    ("history", "history", _history_rows),
    (
        "timers_done",
        "timers_done",
        lambda done, _: [(t.incident_id, t.name, t.due_at) for t in done],
    ),
    ("timers_cleared", "timers_cleared", lambda keys, _: sorted(keys)),
    ("rechecked", "recheck_at", lambda at, _: [(at,)]),
    ("timers", "timers", lambda made, _: [(*key, made[key].due_at) for key in sorted(made)]),
    ("settled", "settled", lambda done, _: [_settled_row(*settled) for settled in done]),
    ("queued", "queued", _queued_rows),
    ("windows", "windows", lambda made, _: [(key, _dump(times)) for key, times in made.items()]),
    ("receipts", "receipts", lambda seen, _: [*seen.items()]),
)
"""The kinds of rows other than incidents, with their fields of `Writes`, in the order of writing:
rows are deleted before others are set.
"""

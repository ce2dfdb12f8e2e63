"""Queries for people and dashboards, outside the hot path."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import (
    Connection,
    Select,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    text,
)

from router.core.incident.follow_up import ITEM_OVERDUE, POSTMORTEM_OVERDUE
from router.model.alert import Alert, RuleMatch
from router.model.decision import Entry
from router.model.event import Event
from router.model.incident import Incident, Severity, Status
from router.model.notification import Notification, NotificationState
from router.model.outbox import OutboxKind
from router.model.reason_row import Trait
from router.model.reasons import having
from router.model.record import Record
from router.ports.store import AlertRow, Gauges, RuleUse
from router.store.bulk import clean, struct
from router.store.counts import alert_filter, message_filter
from router.store.load import MATCH_COLUMNS
from router.store.schema import (
    OF_DRILL,
    alerts,
    history,
    incidents,
    outbox,
    records,
    timeline,
    timers,
)
from router.store.timelines import entries_of

SCANNED = 20_000
"""Incidents that one call of a search reads."""

_UNNAMED = (
    OutboxKind.CUSTOMER,
    OutboxKind.SUBSCRIBER,
    OutboxKind.SUBSCRIPTION,
    OutboxKind.MAINTENANCE,
    OutboxKind.SIGN_IN,
)

LATEST = 5
"""Maximum latest incidents of each address in which to search for a delivered message."""

_incident = msgspec.json.Decoder(Incident)
_alert = msgspec.json.Decoder(Alert)
_events: msgspec.json.Decoder[list[Event] | Event] = msgspec.json.Decoder(list[Event] | Event)


def incident_by_id(connection: Connection, incident_id: int) -> Incident | None:
    doc = connection.execute(select(incidents.c.doc).where(incidents.c.id == incident_id)).scalar()
    return None if doc is None else _incident.decode(doc)


def incident_page(
    connection: Connection,
    statuses: Iterable[Status],
    severities: Iterable[Severity],
    before: int,
    limit: int,
) -> Sequence[Incident]:
    """Newest first."""
    query = _incidents(statuses, severities, limit)
    if before:
        query = query.where(incidents.c.id < before)
    return [_incident.decode(doc) for doc in connection.execute(query).scalars()]


def incident_scan(  # noqa: PLR0913, PLR0917 - the parts of a query
    connection: Connection,
    words: Iterable[str],
    statuses: Iterable[Status],
    severities: Iterable[Severity],
    before: int,
    limit: int,
) -> tuple[Sequence[Incident], int]:
    """Search `SCANNED` incidents, so that other reads can run between two calls."""
    i = incidents.c
    top = before or (connection.scalar(select(func.max(i.id))) or 0) + 1
    low = max(1, top - SCANNED)
    query = _incidents(statuses, severities, limit).where(i.id < top, i.id >= low)
    for word in words:
        query = query.where(i.doc.icontains(word))
    found = [_incident.decode(doc) for doc in connection.execute(query).scalars()]
    if len(found) == limit:
        low = found[-1].id
    return found, low if low > 1 else 0


def _incidents(
    statuses: Iterable[Status], severities: Iterable[Severity], limit: int
) -> Select[str]:
    query = select(incidents.c.doc).order_by(incidents.c.id.desc()).limit(limit)
    if statuses := [*statuses]:
        query = query.where(incidents.c.status.in_(statuses))
    if severities := [*severities]:
        query = query.where(incidents.c.severity.in_(severities))
    return query


def incident_counts(
    connection: Connection, statuses: Iterable[Status], severities: Iterable[Severity]
) -> Mapping[tuple[Severity, Status], int]:
    """Count the incidents that match, by severity and status."""
    i = incidents.c
    query = select(i.severity, i.status, func.count()).group_by(i.severity, i.status)
    if statuses := [*statuses]:
        query = query.where(i.status.in_(statuses))
    if severities := [*severities]:
        query = query.where(i.severity.in_(severities))
    rows = connection.execute(query)
    return {(Severity(severity), Status(status)): count for severity, status, count in rows}


def rule_use(connection: Connection, since: float) -> Mapping[str, RuleUse]:
    """Count the incidents opened since `since` by the name of their rule."""
    i = incidents.c
    query = (
        select(i.rule, func.count(), func.max(i.opened_at))
        .where(i.opened_at >= since)
        .group_by(i.rule)
    )
    return {rule: RuleUse(count, last) for rule, count, last in connection.execute(query)}


def alert_page(  # noqa: PLR0913, PLR0917 - each is one of the protocol's filters
    connection: Connection,
    fingerprint: str,
    incident_id: int,
    firing: bool | None,
    after: str,
    limit: int,
) -> Sequence[AlertRow]:
    """Return a page of alerts in order of fingerprint.

    `limit` counts fingerprints, so that all matches of an alert are on the same page.
    """
    wanted = alert_filter(fingerprint, incident_id, firing)
    if after:
        wanted.append(alerts.c.fingerprint > clean(after))
    page = (
        select(alerts.c.fingerprint)
        .distinct()
        .where(*wanted)
        .order_by(alerts.c.fingerprint)
        .limit(limit)
    )
    query = select(*MATCH_COLUMNS, alerts.c.doc).where(alerts.c.fingerprint.in_(page), *wanted)
    rows = connection.execute(query.order_by(alerts.c.fingerprint, alerts.c.rule))
    return [AlertRow(struct(RuleMatch, row[:-1]), _alert.decode(row[-1])) for row in rows]


def notification_page(  # noqa: PLR0913, PLR0917 - each is one of the protocol's filters
    connection: Connection,
    states: Iterable[NotificationState],
    incident_id: int,
    channel: str,
    ref: str,
    after: tuple[int, str] | None,
    limit: int,
) -> Sequence[Notification]:
    """Return messages about incidents, newest incident first."""
    n = outbox.c
    query = (
        select(outbox)
        .where(*message_filter(states, incident_id, channel, ref))
        .order_by(n.incident_id.desc(), n.channel)
        .limit(limit)
    )
    if after:
        incident, address = after
        following = and_(n.incident_id == incident, n.channel > clean(address))
        query = query.where(or_(n.incident_id < incident, following))
    return [struct(Notification, row) for row in connection.execute(query)]


def tasks(
    connection: Connection,
    kinds: Iterable[OutboxKind],
    states: Iterable[NotificationState],
    incident_id: int,
    limit: int,
) -> Sequence[Notification]:
    """Return outbox rows of other kinds, the latest due first."""
    o = outbox.c
    query = (
        select(outbox)
        .where(o.kind.in_([*kinds]))
        .order_by(o.queued_at.desc(), o.channel, o.subject)
        .limit(limit)
    )
    if states := [*states]:
        query = query.where(o.state.in_(states))
    if incident_id:
        query = query.where(o.incident_id == incident_id)
    return [struct(Notification, row) for row in connection.execute(query)]


def latest_deliveries(connection: Connection) -> Sequence[Entry]:
    """Return the delivery entries of the latest incidents of each address, in order."""
    n, t = outbox.c, timeline.c
    place = (
        func.row_number().over(partition_by=n.channel, order_by=n.queued_at.desc()).label("place")
    )
    tried = (n.sent > 0) | (n.attempts > 0)
    sent = select(n.incident_id, place).where(tried, n.kind == OutboxKind.INCIDENT).subquery()
    latest = select(sent.c.incident_id).where(sent.c.place <= LATEST)
    query = select(t.incident_id, t.at, t.what, t.by, t.data, t.id).where(
        t.incident_id.in_(latest), t.what.in_(having(Trait.PROOF))
    )
    return entries_of(connection, query.order_by(t.id))


def record_by_id(connection: Connection, kind: str, record_id: str) -> Record | None:
    row = connection.execute(
        select(records).where(records.c.kind == kind, records.c.id == clean(record_id))
    ).first()
    return None if row is None else struct(Record, row)


def record_page(  # noqa: PLR0913, PLR0917 - each is one of the protocol's filters
    connection: Connection,
    kind: str,
    since: float,
    until: float,
    after: tuple[float, str] | None,
    limit: int,
) -> Sequence[Record]:
    """Newest first."""
    r = records.c
    query = (
        select(records)
        .where(r.kind == kind, r.at >= since, r.at < until)
        .order_by(r.at.desc(), r.id)
        .limit(limit)
    )
    if after:
        at, record_id = after
        query = query.where(or_(r.at < at, and_(r.at == at, r.id > clean(record_id))))
    return [struct(Record, row) for row in connection.execute(query)]


def remove_record(connection: Connection, kind: str, record_id: str) -> bool:
    r = records.c
    return (
        connection.execute(delete(records).where(r.kind == kind, r.id == clean(record_id))).rowcount
        > 0
    )


def history_page(
    connection: Connection, since: float, after: int, limit: int
) -> Sequence[tuple[int, Sequence[Event]]]:
    """Return a page of the history, in order of decision. Earlier versions stored single events."""
    h = history.c
    query = select(h.id, h.doc).where(h.id > after, h.at >= since).order_by(h.id).limit(limit)
    found = ((number, _events.decode(doc)) for number, doc in connection.execute(query))
    return [
        (number, [event for event in events if event.at >= since])
        for number, events in ((n, e if isinstance(e, list) else [e]) for n, e in found)
    ]


def gauges(connection: Connection, now: float) -> Gauges:
    i, n = incidents.c, outbox.c
    real = select(i.severity, i.status, func.count()).where(text(f"NOT {OF_DRILL.format('key')}"))
    by_state = connection.execute(real.group_by(i.severity, i.status))
    unsent = [NotificationState.PENDING, NotificationState.DEAD]
    # One series for all subscribers and one for all customers: metrics must not contain addresses.
    channel = case((n.kind.in_(_UNNAMED), n.kind), else_=n.channel).label("channel")
    counts = (
        select(n.state, channel, func.count()).where(n.state.in_(unsent)).group_by(n.state, channel)
    )
    messages = connection.execute(counts).all()
    earliest = connection.execute(select(func.min(timers.c.due_at))).scalar()
    # A timer with one of these names means that the work is overdue since the first reminder.
    late = (timers.c.name == POSTMORTEM_OVERDUE, timers.c.name.startswith(f"{ITEM_OVERDUE}:"))
    overdue = [connection.execute(select(func.count()).where(name)).scalar() or 0 for name in late]
    return Gauges(
        incidents={
            (Severity(severity), Status(status)): count for severity, status, count in by_state
        },
        pending={
            channel: count
            for state, channel, count in messages
            if state == NotificationState.PENDING
        },
        dead={
            channel: count for state, channel, count in messages if state == NotificationState.DEAD
        },
        postmortems_overdue=overdue[0],
        items_overdue=overdue[1],
        timers_overdue=0.0 if earliest is None else max(0.0, now - earliest),
    )

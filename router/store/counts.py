"""Filters of the lists that the API pages through, and how many rows each of them has."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, TextClause, distinct, func, select

from router.model.alert import AlertStatus
from router.model.notification import NotificationState
from router.model.outbox import OutboxKind
from router.store.bulk import clean
from router.store.schema import REFERRED, alerts, outbox, records

Filter = list[ColumnElement[bool] | TextClause]


def alert_filter(fingerprint: str, incident_id: int, firing: bool | None) -> Filter:
    wanted: Filter = []
    if fingerprint:
        wanted.append(alerts.c.fingerprint == clean(fingerprint))
    if incident_id:
        wanted.append(alerts.c.incident_id == incident_id)
    if firing is not None:
        wanted.append(alerts.c.status == (AlertStatus.FIRING if firing else AlertStatus.RESOLVED))
    return wanted


def message_filter(
    states: Iterable[NotificationState], incident_id: int, channel: str, ref: str
) -> Filter:
    """Select messages about incidents. Empty filters are ignored."""
    n = outbox.c
    wanted: Filter = [n.kind == OutboxKind.INCIDENT]
    if states := [*states]:
        wanted.append(n.state.in_(states))
    if incident_id:
        wanted.append(n.incident_id == incident_id)
    if channel:
        wanted.append(n.channel == clean(channel))
    if ref:
        wanted += [n.ref == clean(ref), REFERRED]
    return wanted


def count_alerts(
    connection: Connection, fingerprint: str, incident_id: int, firing: bool | None
) -> int:
    """Count fingerprints, not rows: several rules may match one alert."""
    wanted = alert_filter(fingerprint, incident_id, firing)
    query = select(func.count(distinct(alerts.c.fingerprint))).where(*wanted)
    return connection.execute(query).scalar_one()


def count_messages(
    connection: Connection, states: Iterable[NotificationState], incident_id: int, channel: str
) -> int:
    wanted = message_filter(states, incident_id, channel, "")
    query = select(func.count()).select_from(outbox).where(*wanted)
    return connection.execute(query).scalar_one()


def count_records(connection: Connection, kind: str, since: float, until: float) -> int:
    r = records.c
    wanted = (r.kind == kind, r.at >= since, r.at < until)
    return connection.execute(select(func.count()).select_from(records).where(*wanted)).scalar_one()

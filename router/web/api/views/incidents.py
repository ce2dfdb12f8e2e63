"""Incidents in answers, with their timelines and messages."""

from typing import Any

from msgspec import Struct

from router.core.messages.timeline import describe
from router.model.decision import Entry
from router.model.incident import Incident, Severity, Status
from router.model.notification import Notification, NotificationState
from router.model.reason import Reason
from router.web.api.content import Time
from router.web.api.views.deployments import SuspectView, suspect
from router.web.api.views.times import exactly, when


class MutedView(Struct, frozen=True):
    """The silence or the incident that suppresses the pages."""

    reason: Reason
    by: str


class IncidentView(Struct, frozen=True):
    """An incident as it is now. `name` is its short id; `channels` were notified of it.

    `roles` has the people with a role beside the `lead`, by role.
    `firing` counts its firing alerts, also after a person closed it. `related` are the numbers of
    linked incidents. `flapping_since`: its changes notify nobody until it settles.
    """

    id: int
    name: str
    key: str
    rule: str
    source: str
    title: str
    severity: Severity
    status: Status
    open: bool
    opened_at: Time
    updated_at: Time
    acknowledged_at: Time | None
    acknowledged_by: str | None
    lead: str | None
    roles: dict[str, str]
    closed_at: Time | None
    closed_by: str | None
    firing: int
    alerts: int
    reopened: int
    labels: dict[str, str]
    annotations: dict[str, str]
    url: str | None
    runbook: str | None
    component: str | None
    public_title: str | None
    published_at: Time | None
    announced_at: Time | None
    drill: bool
    suspect: SuspectView | None
    channels: tuple[str, ...]
    muted: MutedView | None
    snoozed_until: Time | None
    flapping_since: Time | None
    merged_into: int | None
    related: tuple[int, ...]


class EntryView(Struct, frozen=True):
    """An entry of a timeline: `text` for readers, `data` with the particulars of `what`."""

    id: int
    at: Time
    what: Reason
    by: str | None
    text: str
    data: dict[str, Any]


class NotificationView(Struct, frozen=True):
    """The messages about one incident for one address.

    sent: how many messages were delivered.
    attempts: how often we tried to send the latest message.
    error: the last failure.
    may_be_doubled: we do not know whether the latest message arrived, so it may be sent twice.
    """

    incident: int
    channel: str
    state: NotificationState
    reason: Reason
    queued_at: Time
    due_at: Time
    attempts: int
    sent: int
    ref: str | None
    error: str | None
    may_be_doubled: bool


class IncidentDetail(IncidentView, frozen=True):
    """An incident with its timeline, oldest entry first, and its messages."""

    timeline: list[EntryView]
    notifications: list[NotificationView]


def incident(stored: Incident) -> IncidentView:
    return IncidentView(
        id=stored.id,
        name=stored.name,
        key=stored.key,
        rule=stored.rule,
        source=stored.source,
        title=stored.title,
        severity=stored.severity,
        status=stored.status,
        open=stored.is_open,
        opened_at=exactly(stored.opened_at),
        updated_at=exactly(stored.updated_at),
        acknowledged_at=when(stored.acknowledged_at),
        acknowledged_by=stored.acknowledged_by or None,
        lead=stored.lead or None,
        roles=stored.roles,
        closed_at=when(stored.closed_at),
        closed_by=stored.closed_by or None,
        firing=stored.firing,
        alerts=stored.alerts,
        reopened=stored.reopened,
        labels=stored.labels,
        annotations=stored.annotations,
        url=stored.url or None,
        runbook=stored.runbook or None,
        component=stored.component or None,
        public_title=stored.public_title or None,
        published_at=when(stored.published_at),
        announced_at=when(stored.announced_at),
        drill=stored.drill,
        suspect=suspect(stored),
        channels=stored.notified,
        muted=MutedView(*stored.muted) if stored.muted else None,
        snoozed_until=when(stored.snoozed_until),
        flapping_since=when(stored.flapping_since),
        merged_into=stored.merged_into or None,
        related=stored.related,
    )


def entry(stored: Entry) -> EntryView:
    return EntryView(
        stored.id, exactly(stored.at), stored.what, stored.by or None, describe(stored), stored.data
    )


def notification(row: Notification) -> NotificationView:
    return NotificationView(
        incident=row.incident_id,
        channel=row.channel,
        state=row.state,
        reason=row.reason,
        queued_at=exactly(row.queued_at),
        due_at=exactly(row.due_at),
        attempts=row.attempts,
        sent=row.sent,
        ref=row.ref or None,
        error=row.error or None,
        may_be_doubled=row.may_be_doubled,
    )

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

    `sent` counts those that the address got, `attempts` those at the latest one, and `error` is
    the last failure. `may_be_doubled`: whether the latest one arrived is not known.
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


def incident(one: Incident) -> IncidentView:
    return IncidentView(
        id=one.id,
        name=one.name,
        key=one.key,
        rule=one.rule,
        source=one.source,
        title=one.title,
        severity=one.severity,
        status=one.status,
        open=one.is_open,
        opened_at=exactly(one.opened_at),
        updated_at=exactly(one.updated_at),
        acknowledged_at=when(one.acknowledged_at),
        acknowledged_by=one.acknowledged_by or None,
        lead=one.lead or None,
        roles=one.roles,
        closed_at=when(one.closed_at),
        closed_by=one.closed_by or None,
        firing=one.firing,
        alerts=one.alerts,
        reopened=one.reopened,
        labels=one.labels,
        annotations=one.annotations,
        url=one.url or None,
        runbook=one.runbook or None,
        component=one.component or None,
        public_title=one.public_title or None,
        published_at=when(one.published_at),
        announced_at=when(one.announced_at),
        drill=one.drill,
        suspect=suspect(one),
        channels=one.notified,
        muted=MutedView(*one.muted) if one.muted else None,
        snoozed_until=when(one.snoozed_until),
        flapping_since=when(one.flapping_since),
        merged_into=one.merged_into or None,
        related=one.related,
    )


def entry(one: Entry) -> EntryView:
    return EntryView(one.id, exactly(one.at), one.what, one.by or None, describe(one), one.data)


def notification(one: Notification) -> NotificationView:
    return NotificationView(
        incident=one.incident_id,
        channel=one.channel,
        state=one.state,
        reason=one.reason,
        queued_at=exactly(one.queued_at),
        due_at=exactly(one.due_at),
        attempts=one.attempts,
        sent=one.sent,
        ref=one.ref or None,
        error=one.error or None,
        may_be_doubled=one.may_be_doubled,
    )

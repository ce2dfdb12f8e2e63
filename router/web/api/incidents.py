"""Incidents, alerts and messages over the API.

Reads the store and submits events; decides nothing.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Literal

from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import asdict

from router.core.rules.manual_alert import reported
from router.model.alert import AlertStatus
from router.model.event import Resent
from router.model.incident import OPEN, Severity, Status
from router.model.notification import Notification, NotificationState
from router.model.reason import Reason
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.services import Inbox
from router.ports.store import AlertRow, Store
from router.web.api import views
from router.web.api.content import Count, Limit, Text, incident_named, limited
from router.web.api.incident_search import IncidentFilter, search
from router.web.api.manual_alert import report
from router.web.api.operation import Answer, Call, operation, routes
from router.web.api.views import AlertView, IncidentDetail, IncidentView, NotificationView
from router.web.auth import Role

DRILLS = {"all": None, "only": True, "none": False}
Many = Meta(description="Repeat the parameter for several values.")


class IncidentQuery(Struct, frozen=True):
    """The filters and the page."""

    status: Annotated[list[Status], Many] = []
    severity: Annotated[list[Severity], Many] = []
    open: Annotated[bool, Meta(description="`true`: only open incidents.")] = False
    unacknowledged: Annotated[
        bool, Meta(description="`true`: only incidents that nobody has acknowledged.")
    ] = False
    service: Annotated[str, Meta(description="The label `service`, or the component.")] = ""
    person: Annotated[str, Meta(description="Leads or has acknowledged the incident.")] = ""
    drills: Annotated[
        Literal["all", "only", "none"], Meta(description="With or without drills.")
    ] = "all"
    q: Annotated[
        str, Meta(description="Words of the name, title, key, labels, annotations or lead.")
    ] = ""
    before: Annotated[
        Count, Meta(description="Only lower numbers: `next` of the previous page.")
    ] = 0
    limit: Limit = 100


class IncidentPage(Struct, frozen=True):
    """A page of incidents, newest first.

    `total` counts all that match, on all pages: with a filter other than status and severity, of
    the newest 20,000. `next` is `before` of the next page; null on the
    last page.
    """

    incidents: list[IncidentView]
    total: int
    next: int | None


class ReportBody(Struct, frozen=True, forbid_unknown_fields=True):
    """An incident that a person opens. `title` is the label `alertname` for the rules."""

    title: Annotated[str, Meta(description="What is wrong.")]
    severity: Severity | None = None
    description: Text = ""
    labels: dict[str, str] = {}


class OpenedIncident(Struct, frozen=True):
    """The incident that was opened or joined; null if no rule matched."""

    outcome: Reason
    incident: IncidentView | None


class AlertQuery(Struct, frozen=True):
    """The filters and the page."""

    fingerprint: Annotated[str, Meta(description="Only this alert.")] = ""
    incident: Annotated[Count, Meta(description="Only this incident, by number.")] = 0
    status: Annotated[list[AlertStatus], Many] = []
    after: Annotated[
        str, Meta(description="Only later fingerprints: `next` of the previous page.")
    ] = ""
    limit: Limit = 100


class AlertPage(Struct, frozen=True):
    """Alerts in the order of fingerprints, one for each matching rule.

    `total` counts the fingerprints that match, on all pages. `next` is `after` of the next
    page; null on the last page.
    """

    alerts: list[AlertView]
    total: int
    next: str | None


class NotificationQuery(Struct, frozen=True):
    """The filters and the page."""

    state: Annotated[list[NotificationState], Many] = []
    incident: Annotated[Count, Meta(description="Only this incident, by number.")] = 0
    channel: Annotated[str, Meta(description="Only this channel or address.")] = ""
    after: Annotated[
        str,
        Meta(
            description="Only later rows: `next` of the previous page.", pattern=r"^([0-9]+/.+)?$"
        ),
    ] = ""
    limit: Limit = 100


class NotificationPage(Struct, frozen=True):
    """Messages, those of the newest incident first.

    `total` counts all that match, on all pages. `next` is `after` of the next
    page; null on the last page.
    """

    notifications: list[NotificationView]
    total: int
    next: str | None


class Outcome(Struct, frozen=True):
    """The outcome of a request, as a reason."""

    outcome: Reason


class IncidentApi:
    """The operations on incidents, alerts and messages, but not the commands."""

    def __init__(self, store: Store, inbox: Inbox, clock: Clock) -> None:
        self._store = store
        self._inbox = inbox
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation("GET", "/incidents", "List incidents, newest first.")
    async def list_incidents(self, query: IncidentQuery) -> IncidentPage:
        statuses = list(OPEN) if query.open else query.status
        wanted = IncidentFilter(
            statuses=tuple(statuses),
            severities=tuple(query.severity),
            service=query.service,
            text=query.q,
            person=query.person,
            unacknowledged=query.unacknowledged,
            drill=DRILLS[query.drills],
        )
        limit = limited(query.limit)
        found = await search(self._store, wanted, before=query.before, limit=limit)
        shown = [views.incident(incident) for incident in found.incidents]
        return IncidentPage(shown, found.total, found.next)

    @operation(
        "POST",
        "/incidents",
        "Open an incident by hand, or join the open one with that title.",
        Role.RESPONDER,
        statuses=(HTTPStatus.CREATED, HTTPStatus.OK),
    )
    async def open_incident(self, call: Call, body: ReportBody) -> Answer[OpenedIncident]:
        try:
            alert = reported(
                body.title,
                call.by,
                self._clock.now(),
                severity=body.severity,
                description=body.description,
                labels=body.labels,
            )
        except ValueError as error:
            raise InvalidInput(str(error), "/title") from None
        reason, incident = await report(self._inbox, self._store, alert)
        status = HTTPStatus.CREATED if reason is Reason.OPENED else HTTPStatus.OK
        shown = views.incident(incident) if incident else None
        return Answer(OpenedIncident(reason, shown), status)

    @operation("GET", "/incidents/{id}", "Show an incident with its timeline and messages.")
    async def show_incident(self, call: Call) -> IncidentDetail:
        found = await incident_named(call.request, self._store)
        timeline = await self._store.timeline(found.id)
        notifications = await self._store.notifications(incident_id=found.id)
        return IncidentDetail(
            **asdict(views.incident(found)),
            timeline=[views.entry(entry) for entry in timeline],
            notifications=[views.notification(row) for row in notifications],
        )

    @operation("GET", "/alerts", "List alerts, with the result of each matching rule.")
    async def list_alerts(self, query: AlertQuery) -> AlertPage:
        statuses, limit = set(query.status), limited(query.limit)
        firing = AlertStatus.FIRING in statuses if len(statuses) == 1 else None
        rows = await self._store.alerts(
            fingerprint=query.fingerprint,
            incident_id=query.incident,
            firing=firing,
            after=query.after,
            limit=limit + 1,
        )
        total = await self._store.count_alerts(
            fingerprint=query.fingerprint, incident_id=query.incident, firing=firing
        )
        shown, following = _first(rows, limit)
        return AlertPage([views.alert(row) for row in shown], total, following)

    @operation("GET", "/notifications", "List messages: pending, sent and given up.")
    async def list_notifications(self, query: NotificationQuery) -> NotificationPage:
        limit = limited(query.limit)
        found = await self._store.notifications(
            states=query.state,
            incident_id=query.incident,
            channel=query.channel,
            after=_row(query.after),
            limit=limit + 1,
        )
        total = await self._store.count_notifications(
            states=query.state, incident_id=query.incident, channel=query.channel
        )
        shown = found[:limit]
        following = _cursor(shown[-1]) if len(found) > limit else None
        return NotificationPage([views.notification(row) for row in shown], total, following)

    @operation(
        "POST",
        "/notifications/{id}/{channel}/resend",
        "Send a message again.",
        Role.RESPONDER,
        statuses=(HTTPStatus.ACCEPTED,),
    )
    async def resend_notification(self, call: Call) -> Outcome:
        found = await incident_named(call.request, self._store)
        channel = call.request.match_info["channel"]
        if not await self._store.notifications(incident_id=found.id, channel=channel):
            raise web.HTTPNotFound(text=f"{found.name} has no message for the channel '{channel}'")
        event = Resent(self._clock.now(), found.id, channel, call.by)
        (reason,) = await self._inbox.submit([event])
        return Outcome(reason)


def _first(rows: Sequence[AlertRow], limit: int) -> tuple[list[AlertRow], str | None]:
    """Return the rows of the first `limit` fingerprints, and the last of these if more follow."""
    prints = list(dict.fromkeys(row.alert.fingerprint for row in rows))
    shown = set(prints[:limit])
    following = prints[limit - 1] if len(prints) > limit else None
    return [row for row in rows if row.alert.fingerprint in shown], following


def _cursor(row: Notification) -> str:
    return f"{row.incident_id}/{row.channel}"


def _row(cursor: str) -> tuple[int, str] | None:
    """Return the incident and the address that a cursor names. Raises: InvalidInput."""
    incident, _, channel = cursor.partition("/")
    if len(incident) > 15:
        raise InvalidInput("?after= takes `next` of the previous page", "/after")
    return (int(incident), channel) if cursor else None

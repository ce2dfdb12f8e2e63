"""Work over all incidents: post-mortems to write, and actions that wait for an approval."""

from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from router.core.text.plain import visible
from router.model.action import ActionState
from router.model.incident import Incident, Severity
from router.ports.clock import Clock
from router.ports.services import ActionService
from router.ports.store import Store
from router.web.api.content import Count, Time, open_incidents
from router.web.api.operation import operation, routes
from router.web.api.views import exactly, when

FOR_PEOPLE = frozenset({ActionState.READY, ActionState.CONFIRMING})
"""States that a person ends: by an approval, or by confirming the next step."""

LOOKED_AT = 500
"""Incidents that one page of post-mortems is selected from."""


class PostMortemListQuery(Struct, frozen=True):
    """The page."""

    before: Annotated[
        Count, Meta(description="Only incidents with lower numbers: `next` of the last page.")
    ] = 0


class PostMortemRow(Struct, frozen=True):
    """The post-mortem of an incident: `due` until it is shared. `open_items` of `items` remain."""

    incident: int
    title: str
    severity: Severity
    due: Time | None
    overdue: bool
    shared_at: Time | None
    items: int
    open_items: int


class PostMortemList(Struct, frozen=True):
    """Post-mortems that are due or shared, newest incident first.

    A page is selected from the next 500 incidents, so it may be empty before the last one.
    `next` is `before` of the next page; null on the last page.
    """

    postmortems: list[PostMortemRow]
    next: int | None


class WaitingAction(Struct, frozen=True):
    """A request for an action of an open incident. `shown` is what would be run."""

    incident: int
    title: str
    number: int
    action: str
    state: ActionState
    requested_by: str
    requested_at: Time
    until: Time | None
    shown: list[str]


class WaitingActions(Struct, frozen=True):
    """The requests of open incidents that wait for a person, oldest first."""

    actions: list[WaitingAction]


class OverviewApi:
    """Reads only."""

    def __init__(self, store: Store, clock: Clock, actions: ActionService) -> None:
        self._store = store
        self._clock = clock
        self._actions = actions

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation("GET", "/postmortems", "List post-mortems that are due or shared.")
    async def list_postmortems(self, query: PostMortemListQuery) -> PostMortemList:
        found = await self._store.incidents(before=query.before, limit=LOOKED_AT)
        now = self._clock.now()
        return PostMortemList(
            [
                _postmortem(incident, now)
                for incident in found
                if incident.postmortem_due is not None or incident.postmortem_shared_at is not None
            ],
            found[-1].id if len(found) == LOOKED_AT else None,
        )

    @operation("GET", "/actions", "List the actions that wait for a person.")
    async def list_waiting(self) -> WaitingActions:
        found = [
            WaitingAction(
                incident=incident.id,
                title=incident.title,
                number=request.number,
                action=request.action,
                state=request.state,
                requested_by=request.requested_by,
                requested_at=exactly(request.requested_at),
                until=when(request.until),
                shown=[visible(line) for line in self._actions.shown(request)],
            )
            async for incident in open_incidents(self._store)
            for request in incident.actions
            if request.state in FOR_PEOPLE
        ]
        return WaitingActions(sorted(found, key=lambda each: each.requested_at))


def _postmortem(incident: Incident, now: float) -> PostMortemRow:
    due = incident.postmortem_due
    return PostMortemRow(
        incident=incident.id,
        title=incident.title,
        severity=incident.severity,
        due=when(due),
        overdue=due is not None and due < now,
        shared_at=when(incident.postmortem_shared_at),
        items=len(incident.items),
        open_items=sum(item.done_at is None for item in incident.items),
    )

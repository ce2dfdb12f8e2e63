"""`/incidents/{id}`: the page of an incident. It shows what the API shows, and decides nothing."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from router.core.incident.outlook import outlook
from router.core.incident.settings import Settings
from router.model.action import WAITING
from router.model.decision import Entry
from router.model.incident import OPEN, ROLES, Incident, Severity
from router.model.reason import Reason
from router.ports.clock import Clock
from router.ports.store import Store
from router.web.api.actions import Actions
from router.web.api.content import MAX_PAGE, incident_named
from router.web.api.context import Investigation
from router.web.api.previews import Drafts
from router.web.auth import LONGEST_NAME, Role, identify
from router.web.pages import notices
from router.web.pages.frame import inside
from router.web.pages.history import grouped, responders
from router.web.pages.incident_forms import asks_name, reader_name


class IncidentPage:
    """Shows an incident from the store, and its context."""

    def __init__(  # noqa: PLR0913 - its parts
        self,
        store: Store,
        clock: Clock,
        investigation: Investigation,
        drafts: Drafts,
        actions: Actions,
        *,
        settings: Callable[[], Settings],
    ) -> None:
        self._store = store
        self._clock = clock
        self._investigation = investigation
        self._drafts = drafts
        self._actions = actions
        self._settings = settings

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/incidents/{id}", self.show)]

    async def show(self, request: web.Request) -> web.Response:
        reader = identify(request, Role.VIEWER, in_browser=True)
        incident = await incident_named(request, self._store)
        timeline = await self._store.timeline(incident.id)
        response = inside(
            request,
            "incident.html",
            incident=incident,
            notice=notices.of_incident(request, incident, self._settings().people),
            may=reader.role >= Role.RESPONDER,
            asks_name=asks_name(request),
            name=reader_name(request),
            longest=LONGEST_NAME,
            severities=[*Severity],
            statuses=OPEN,
            roles=ROLES,
            key=secrets.token_hex(8),
            **self._notified(incident, timeline),
            **await self._found(incident),
        )
        return notices.forget(request, response)

    def _notified(self, incident: Incident, timeline: Sequence[Entry]) -> Mapping[str, Any]:
        """Return the parts that come from the incident and its timeline."""
        actions = self._actions.of(incident, timeline)
        waits = {request.number: request.until for request in incident.actions}
        return {
            "outlook": outlook(incident, timeline, self._settings(), self._clock.now()),
            "history": grouped(timeline),
            "people": responders(incident, timeline, self._settings().people),
            "actions": actions,
            "waiting": [
                (waits[request.number], request)
                for request in actions.requests
                if request.state in WAITING
            ],
            "merged_names": [
                str(entry.data.get("merged", ""))
                for entry in timeline
                if entry.what is Reason.ABSORBED
            ],
        }

    async def _found(self, incident: Incident) -> Mapping[str, Any]:
        """Return the parts that are stored separately from the incident.

        Raises: StoreUnavailable.
        """
        drafts = await self._drafts.of(incident)
        related = [await self._store.incident(id_) for id_ in incident.related]
        return {
            "context": await self._investigation.of(incident),
            "drafts": [draft for draft in drafts if draft.approves],
            "alerts": await self._store.alerts(incident_id=incident.id, limit=MAX_PAGE),
            "alerts_total": await self._store.count_alerts(incident_id=incident.id),
            "notifications": await self._store.notifications(
                incident_id=incident.id, limit=MAX_PAGE
            ),
            "related": [other for other in related if other is not None],
        }

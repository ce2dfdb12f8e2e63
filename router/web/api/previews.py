"""`/api/v1/incidents/{id}/drafts`: what would be said of an incident as it is. Nothing is sent."""

from collections.abc import Callable
from typing import Any

from aiohttp import web
from msgspec.structs import replace

from router.config.document import Document
from router.config.fields import parse_time_zone
from router.core.communication.previews import Draft, drafts
from router.core.incident.settings import Settings
from router.model.event import Command
from router.model.incident import Incident
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.store import Store
from router.web.api.content import CommandBody, answer, incident_named
from router.web.auth import Role, whoever


class Drafts:
    """Makes drafts anew each time, from the incident as it is."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        document: Callable[[], Document],
        settings: Callable[[], Settings],
    ) -> None:
        self._store = store
        self._clock = clock
        self._document = document
        self._settings = settings

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/v1/incidents/{id}/drafts", self.show)]

    async def of(self, incident: Incident, zone: str = "") -> tuple[Draft, ...]:
        """Raises: StoreUnavailable."""
        timeline = await self._store.timeline(incident.id)
        url = f"{str(self._document().external_url).rstrip('/')}/incidents/{incident.id}"
        return drafts(incident, timeline, self._settings(), self._clock.now(), zone=zone, url=url)

    async def show(self, request: web.Request) -> web.Response:
        """By the clock of `?zone=`. Raises: Bad."""
        whoever(request, self._document().auth, Role.VIEWER)
        zone = request.query.get("zone", "")
        if zone:
            try:
                parse_time_zone(zone)
            except ValueError as error:
                raise InvalidInput(str(error), "/zone") from None
        found = await self.of(await incident_named(request, self._store), zone)
        return answer({"drafts": [_view(one) for one in found]})

    async def worded(self, incident: Incident, command: Command, body: CommandBody) -> CommandBody:
        """What the command says, with the draft's words where it has none: they're what is kept,
        and sent.
        """
        draft = next((one for one in await self.of(incident) if one.approves is command), None)
        if draft is None:
            return body
        return replace(body, title=body.title or draft.subject, text=body.text or draft.text)


def _view(one: Draft) -> dict[str, Any]:
    return {
        "template": one.name,
        "subject": one.subject,
        "text": one.text,
        "approved_by": one.approves,
        "waits": one.waits,
    }

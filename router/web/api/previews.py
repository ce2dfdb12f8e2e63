"""`/api/v1/incidents/{id}/drafts`: previews of every message template. Nothing is sent."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from router.config.config_file import ConfigFile
from router.config.fields import parse_time_zone
from router.core.communication.previews import Draft, drafts
from router.core.incident.settings import Settings
from router.model.event import Command
from router.model.incident import Incident
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.store import Store
from router.web.api.content import incident_named
from router.web.api.operation import Call, operation, routes


class DraftQuery(Struct, frozen=True):
    """The reader's time zone."""

    zone: Annotated[
        str, Meta(description="A time zone, such as `Europe/London`; else the company's.")
    ] = ""


class DraftView(Struct, frozen=True):
    """A preview.

    `approved_by` is the command that makes it public; `waits`: it is a person's turn.
    """

    template: str
    subject: str
    text: str
    approved_by: Command | None
    waits: bool
    recipients: int


class DraftList(Struct, frozen=True):
    """A preview of each template."""

    drafts: list[DraftView]


class Drafts:
    """Renders previews from the incident as it is now."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        config_file: Callable[[], ConfigFile],
        settings: Callable[[], Settings],
        recipients: Callable[[Command], Awaitable[int]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._config_file = config_file
        self._settings = settings
        self._recipients = recipients

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    async def of(self, incident: Incident, zone: str = "") -> tuple[Draft, ...]:
        """Raises: StoreUnavailable."""
        timeline = await self._store.timeline(incident.id)
        url = f"{str(self._config_file().external_url).rstrip('/')}/incidents/{incident.id}"
        now = self._clock.now()
        return drafts(incident, timeline, self._settings(), now, zone=zone, url=url)

    @operation("GET", "/incidents/{id}/drafts", "Preview the messages of every template.")
    async def list_drafts(self, call: Call, query: DraftQuery) -> DraftList:
        if query.zone:
            try:
                parse_time_zone(query.zone)
            except ValueError as error:
                raise InvalidInput(str(error), "/zone") from None
        incident = await incident_named(call.request, self._store)
        found = await self.of(incident, query.zone)
        return DraftList([await self._view(incident, preview) for preview in found])

    async def recipients(self, incident: Incident, command: Command) -> int:
        """Count the people who get the command's mail. Raises: StoreUnavailable."""
        done = command is Command.ANNOUNCE and incident.announced_at is not None
        if incident.drill or done or (command is Command.ANNOUNCE and incident.is_open):
            return 0
        return await self._recipients(command)

    async def completed(
        self, incident: Incident, command: Command, title: str, text: str
    ) -> tuple[str, str]:
        """Return title and text of a command, with the draft's where they are missing."""
        found = (preview for preview in await self.of(incident) if preview.approves is command)
        draft = next(found, None)
        if draft is None:
            return title, text
        return title or draft.subject, text or draft.text

    async def _view(self, incident: Incident, draft: Draft) -> DraftView:
        mailed = await self.recipients(incident, draft.approves) if draft.approves else 0
        return DraftView(draft.name, draft.subject, draft.text, draft.approves, draft.waits, mailed)

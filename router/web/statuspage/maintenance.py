"""Maintenance over the API: announced on the status page."""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from router.config.document import Auth
from router.core.communication.status_page import ended
from router.model.statuspage import Maintenance, StatusPlan
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.store import Store
from router.web.api.content import YEAR, Time, check_ahead
from router.web.api.operation import Call, operation, routes
from router.web.api.views import exactly
from router.web.auth import Role
from router.web.statuspage.board import maintenances
from router.web.statuspage.handlers import NONE

When = Annotated[datetime, Meta(tz=True)]
MAX_TITLE = 200
MAX_TEXT = 5_000


class MaintenanceBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What is announced. Times are RFC 3339 with an offset."""

    title: Annotated[str, Meta(min_length=1, max_length=MAX_TITLE)]
    starts_at: When
    ends_at: When
    text: Annotated[str, Meta(max_length=MAX_TEXT)] = ""
    components: tuple[str, ...] = ()


class MaintenanceView(Struct, frozen=True):
    """Announced maintenance."""

    id: str
    title: str
    text: str
    components: tuple[str, ...]
    starts_at: Time
    ends_at: Time


class MaintenanceList(Struct, frozen=True):
    """Announced maintenance, newest first."""

    maintenance: list[MaintenanceView]


class MaintenanceResult(Struct, frozen=True):
    """The maintenance that was announced or ended."""

    maintenance: MaintenanceView


class Announcements:
    """Keeps maintenance in the store. `changed` is called when the page has changed."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        auth: Callable[[], Auth],
        plan: Callable[[], StatusPlan | None],
        changed: Callable[[], None],
    ) -> None:
        self._maintenances = maintenances(store)
        self._clock = clock
        self._auth = auth
        self._plan = plan
        self._changed = changed

    def routes(self) -> list[web.RouteDef]:
        return routes(self, self._auth)

    @operation("GET", "/status/maintenance", "List announced maintenance.")
    async def list_maintenance(self) -> MaintenanceList:
        return MaintenanceList([_view(one) for _, one in await self._maintenances.find()])

    @operation(
        "POST", "/status/maintenance", "Announce maintenance.", Role.RESPONDER, problems=(404,)
    )
    async def announce_maintenance(self, body: MaintenanceBody) -> MaintenanceResult:
        plan = self._plan()
        if plan is None:
            raise web.HTTPNotFound(text=NONE)
        now = self._clock.now()
        _check(body, plan, now)
        one = Maintenance(
            id=secrets.token_hex(6),
            title=body.title,
            text=body.text,
            starts_at=body.starts_at.timestamp(),
            ends_at=body.ends_at.timestamp(),
            created_at=now,
            updated_at=now,
            components=tuple(dict.fromkeys(body.components)),
        )
        await self._maintenances.add(one.id, one, one.starts_at)
        self._changed()
        return MaintenanceResult(_view(one))

    @operation(
        "POST",
        "/status/maintenance/{id}/end",
        "End maintenance now, or cancel it before it starts.",
        Role.RESPONDER,
    )
    async def end_maintenance(self, call: Call) -> MaintenanceResult:
        """Cancelled maintenance is removed."""
        now, key = self._clock.now(), call.request.match_info["id"]
        one = await self._maintenances.get(key)
        if one is None:
            raise web.HTTPNotFound(text=f"there is no maintenance {key}")
        if one.starts_at > now:
            await self._maintenances.remove(key)
        else:
            after = await self._maintenances.change(
                key, lambda before: before and ended(before, now), one.starts_at
            )
            one = after or one
        self._changed()
        return MaintenanceResult(_view(one))


def _check(asked: MaintenanceBody, plan: StatusPlan, now: float) -> None:
    """Raises: Bad."""
    if asked.ends_at <= asked.starts_at:
        raise InvalidInput("the maintenance ends before it starts", "/ends_at")
    if asked.ends_at.timestamp() <= now:
        raise InvalidInput("the maintenance is over already", "/ends_at")
    check_ahead(asked.ends_at.timestamp(), now, "/ends_at")
    if asked.starts_at.timestamp() < now - YEAR:
        raise InvalidInput("more than a year ago", "/starts_at")
    known = [one.name for one in plan.components]
    for number, name in enumerate(asked.components):
        if name not in known:
            detail = f"no component '{name}' is in status_page; there are: {', '.join(known)}"
            raise InvalidInput(detail, f"/components/{number}")


def _view(one: Maintenance) -> MaintenanceView:
    return MaintenanceView(
        id=one.id,
        title=one.title,
        text=one.text,
        components=one.components,
        starts_at=exactly(one.starts_at),
        ends_at=exactly(one.ends_at),
    )

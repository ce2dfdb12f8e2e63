"""Announces maintenance on the status page, under /api/v1/status/."""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from aiohttp import web
from msgspec import Meta, Struct

from router.config.document import Auth
from router.core.communication.status_page import ended
from router.model.statuspage import Maintenance, StatusPlan
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.store import Store
from router.web.api.content import YEAR, answer, body, check_ahead
from router.web.api.views import when
from router.web.auth import Role, whoever
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


class Announcements:
    """Keeps maintenance. `changed` is called when there's something new to show."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        auth: Callable[[], Auth],
        plan: Callable[[], StatusPlan | None],
        changed: Callable[[], None],
    ) -> None:
        self._shelf = maintenances(store)
        self._clock = clock
        self._auth = auth
        self._plan = plan
        self._changed = changed

    def routes(self) -> list[web.RouteDef]:
        base = "/api/v1/status/maintenance"
        return [
            web.get(base, self.list),
            web.post(base, self.add),
            web.post(f"{base}/{{id}}/end", self.end),
        ]

    async def list(self, request: web.Request) -> web.Response:
        whoever(request, self._auth(), Role.VIEWER)
        return answer({"maintenance": [_view(one) for _, one in await self._shelf.find()]})

    async def add(self, request: web.Request) -> web.Response:
        whoever(request, self._auth(), Role.RESPONDER)
        plan = self._plan()
        if plan is None:
            raise web.HTTPNotFound(text=NONE)
        asked = await body(request, MaintenanceBody)
        now = self._clock.now()
        _check(asked, plan, now)
        one = Maintenance(
            id=secrets.token_hex(6),
            title=asked.title,
            text=asked.text,
            starts_at=asked.starts_at.timestamp(),
            ends_at=asked.ends_at.timestamp(),
            created_at=now,
            updated_at=now,
            components=tuple(dict.fromkeys(asked.components)),
        )
        await self._shelf.add(one.id, one, one.starts_at)
        self._changed()
        return answer({"maintenance": _view(one)})

    async def end(self, request: web.Request) -> web.Response:
        """Of one that hasn't begun nothing remains."""
        whoever(request, self._auth(), Role.RESPONDER)
        now, number = self._clock.now(), request.match_info["id"]
        one = await self._shelf.get(number)
        if one is None:
            raise web.HTTPNotFound(text=f"there's no maintenance {number}")
        if one.starts_at > now:
            await self._shelf.remove(number)
        else:
            one = (
                await self._shelf.change(
                    number, lambda before: before and ended(before, now), one.starts_at
                )
                or one
            )
        self._changed()
        return answer({"maintenance": _view(one)})


def _check(asked: MaintenanceBody, plan: StatusPlan, now: float) -> None:
    """Raises: Bad."""
    if asked.ends_at <= asked.starts_at:
        raise InvalidInput("it must end after it starts", "/ends_at")
    if asked.ends_at.timestamp() <= now:
        raise InvalidInput("it's over already", "/ends_at")
    check_ahead(asked.ends_at.timestamp(), now, "/ends_at")
    if asked.starts_at.timestamp() < now - YEAR:
        raise InvalidInput("that's more than a year ago", "/starts_at")
    known = [one.name for one in plan.components]
    for number, name in enumerate(asked.components):
        if name not in known:
            raise InvalidInput(
                f"no component '{name}' is in status_page (there: {', '.join(known)})",
                f"/components/{number}",
            )


def _view(one: Maintenance) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "text": one.text,
        "components": one.components,
        "starts_at": when(one.starts_at),
        "ends_at": when(one.ends_at),
    }

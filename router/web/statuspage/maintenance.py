"""Maintenance over the API: announced on the status page."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct, field

from router.config.fields import parse_duration
from router.config.people import moment_at
from router.config.times import parse_moment
from router.core.communication.status_page import ended
from router.model.statuspage import Maintenance, StatusPlan
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.store import Store
from router.web.api.commands import people
from router.web.api.content import YEAR, Time, check_ahead
from router.web.api.operation import Call, operation, routes
from router.web.api.views import exactly
from router.web.auth import Role
from router.web.statuspage.handlers import NONE
from router.web.statuspage.page_cache import maintenances

Moment = Annotated[str, Meta(description="A time with its offset, or in the company's time zone.")]
MAX_TITLE = 200
MAX_TEXT = 5_000


class MaintenanceBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The announcement, with its start, and its end or its duration."""

    title: Annotated[str, Meta(min_length=1, max_length=MAX_TITLE)]
    starts_at: Moment
    ends_at: Moment = ""
    for_: Annotated[str, Meta(description="Or how long, such as `1h`.")] = field(
        name="for", default=""
    )
    text: Annotated[str, Meta(max_length=MAX_TEXT)] = ""
    components: tuple[str, ...] = ()
    confirm: Annotated[
        int, Meta(description="The number of recipients that you agree to: see the list.")
    ] = 0


class EndBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`confirm` is the number of recipients that you agree to: see the list."""

    confirm: int = 0


class MaintenanceView(Struct, frozen=True):
    """Announced maintenance."""

    id: str
    title: str
    text: str
    components: tuple[str, ...]
    starts_at: Time
    ends_at: Time


class MaintenanceList(Struct, frozen=True):
    """Announced maintenance, newest first. An announcement mails `recipients` people."""

    maintenance: list[MaintenanceView]
    recipients: int


class MaintenanceResult(Struct, frozen=True):
    """The maintenance that was announced or ended."""

    maintenance: MaintenanceView


class Announcements:
    """Keeps maintenance in the store. `changed` is called when the page has changed.

    `announce` stores maintenance and queues its mail, and so does `end`, which ends or cancels it;
    `recipients` counts the mails.
    """

    def __init__(  # noqa: PLR0913 - its parts
        self,
        store: Store,
        clock: Clock,
        *,
        plan: Callable[[], StatusPlan | None],
        changed: Callable[[], None],
        announce: Callable[[Maintenance], Awaitable[None]],
        end: Callable[[Maintenance, float], Awaitable[Maintenance]],
        recipients: Callable[[], Awaitable[int]],
    ) -> None:
        self._maintenances = maintenances(store)
        self._clock = clock
        self._plan = plan
        self._changed = changed
        self._announce = announce
        self._end = end
        self._recipients = recipients

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation("GET", "/status/maintenance", "List announced maintenance.")
    async def list_maintenance(self) -> MaintenanceList:
        found = await self._maintenances.find()
        return MaintenanceList(
            [_view(maintenance) for _, maintenance in found if not maintenance.cancelled],
            await self._recipients(),
        )

    @operation(
        "POST", "/status/maintenance", "Announce maintenance.", Role.RESPONDER, problems=(404, 428)
    )
    async def announce_maintenance(self, body: MaintenanceBody) -> MaintenanceResult:
        plan = self._plan()
        if plan is None:
            raise web.HTTPNotFound(text=NONE)
        now = self._clock.now()
        start, end = _times(body, plan, now)
        _check_components(body, plan)
        await self._confirmed(body.confirm)
        maintenance = Maintenance(
            id=secrets.token_hex(6),
            title=body.title,
            text=body.text,
            starts_at=start,
            ends_at=end,
            created_at=now,
            updated_at=now,
            components=tuple(dict.fromkeys(body.components)),
        )
        await self._announce(maintenance)
        self._changed()
        return MaintenanceResult(_view(maintenance))

    @operation(
        "POST",
        "/status/maintenance/{id}/end",
        "End maintenance now, or cancel it before it starts.",
        Role.RESPONDER,
        problems=(428,),
    )
    async def end_maintenance(self, call: Call, body: EndBody) -> MaintenanceResult:
        """Cancelled maintenance disappears. Maintenance that is over already stays as it is."""
        now, key = self._clock.now(), call.request.match_info["id"]
        maintenance = await self._maintenances.get(key)
        if maintenance is None or maintenance.cancelled:
            raise web.HTTPNotFound(text=f"there is no maintenance {key}")
        if ended(maintenance, now) != maintenance:
            await self._confirmed(body.confirm)
            maintenance = await self._end(maintenance, now)
            self._changed()
        return MaintenanceResult(_view(maintenance))

    async def _confirmed(self, agreed: int) -> None:
        """Raises: aiohttp's HTTPPreconditionRequired if more people are mailed than agreed to."""
        if (mailed := await self._recipients()) > agreed:
            detail = f'this mails {people(mailed)}; to do it, send "confirm": {mailed}'
            raise web.HTTPPreconditionRequired(text=detail)


def _times(asked: MaintenanceBody, plan: StatusPlan, now: float) -> tuple[float, float]:
    """Return start and end, in UTC epoch seconds. Raises: InvalidInput."""
    start = _moment(asked.starts_at, "/starts_at", plan)
    if bool(asked.ends_at) == bool(asked.for_):
        raise InvalidInput("give either the end (`ends_at`) or the duration (`for`)", "/ends_at")
    pointer = "/ends_at" if asked.ends_at else "/for"
    lasts = 0.0 if asked.ends_at else _duration(asked.for_)
    end = _moment(asked.ends_at, pointer, plan) if asked.ends_at else start + lasts
    if end <= start:
        raise InvalidInput("the maintenance ends before it starts", pointer)
    if end <= now:
        raise InvalidInput("the maintenance is over already", pointer)
    check_ahead(end, now, pointer)
    if start < now - YEAR:
        raise InvalidInput("more than a year ago", "/starts_at")
    return start, end


def _moment(text: str, pointer: str, plan: StatusPlan) -> float:
    """Raises: InvalidInput."""
    try:
        return moment_at(parse_moment(text), plan.zone)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(str(error), pointer) from None


def _duration(text: str) -> float:
    """Raises: InvalidInput."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise InvalidInput(str(error), "/for") from None


def _check_components(asked: MaintenanceBody, plan: StatusPlan) -> None:
    """Raises: InvalidInput."""
    known = [component.name for component in plan.components]
    for number, name in enumerate(asked.components):
        if name not in known:
            detail = f"no component '{name}' is in status_page; there are: {', '.join(known)}"
            raise InvalidInput(detail, f"/components/{number}")


def _view(maintenance: Maintenance) -> MaintenanceView:
    return MaintenanceView(
        id=maintenance.id,
        title=maintenance.title,
        text=maintenance.text,
        components=maintenance.components,
        starts_at=exactly(maintenance.starts_at),
        ends_at=exactly(maintenance.ends_at),
    )

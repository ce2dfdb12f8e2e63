"""Overrides and swaps of shifts over the API: on disk and active when the answer is sent."""

import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct, field

from router.config.people import moment_at
from router.config.times import parse_moment
from router.core.oncall.override import StoredOverride, ended, swap
from router.core.oncall.recipients import People
from router.core.oncall.schedule import Override, Schedule
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.records.records import Records
from router.telemetry.logs import logger
from router.web.api.content import Time, check_ahead
from router.web.api.operation import Answer, Call, operation, routes
from router.web.api.views import ScheduleView, exactly
from router.web.api.views import schedule as schedule_view
from router.web.auth import Role

log = logger(__name__)

MOST = 500
"""Maximum upcoming overrides. Every decision reads all; more than this are a program's mistake."""

SHOWN = 14 * 86_400.0
"""Seconds of the schedule in an answer, from the override's start."""

Moment = Annotated[
    str,
    Meta(description="`2026-12-24 09:00` in the schedule's time zone, or with an offset."),
]


class OverrideBody(Struct, frozen=True, forbid_unknown_fields=True):
    """As an override in the config. Without `from` it starts now."""

    contact: Annotated[str, Meta(description='Who is on call instead; "" for nobody.')]
    to: Moment
    from_: Moment = field(name="from", default="")
    replaces: Annotated[str, Meta(description="Only instead of this contact.")] = ""


class SwapBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Two contacts, whose first shifts that start after `after` (or now) are swapped."""

    between: Annotated[list[str], Meta(min_length=2, max_length=2)]
    after: Moment = ""


class ChangeView(Struct, frozen=True):
    """One change of a schedule."""

    contact: str | None
    replaces: str | None
    start: Time
    end: Time


class OverrideView(Struct, frozen=True):
    """An override, or a swap, which has two changes."""

    id: str
    schedule: str
    by: str
    set_at: Time
    changes: list[ChangeView]


class OverrideList(Struct, frozen=True):
    """The overrides that are not over, earliest first."""

    overrides: list[OverrideView]


class OverrideResult(Struct, frozen=True):
    """The override that was set or removed, and the schedule during it."""

    override: OverrideView
    schedule: ScheduleView


class Overrides:
    """Stores overrides. `refresh` activates them."""

    def __init__(
        self,
        overrides: Records[StoredOverride],
        clock: Clock,
        *,
        people: Callable[[], People],
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        self._overrides = overrides
        self._clock = clock
        self._people = people
        self._refresh = refresh

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation(
        "GET", "/schedules/{name}/overrides", "List the overrides of people that are not over."
    )
    async def list_overrides(self, call: Call) -> OverrideList:
        return await self.of_schedule(self._schedule(call.request).name)

    async def of_schedule(self, name: str) -> OverrideList:
        """Return a schedule's overrides that are not over."""
        now = self._clock.now()
        known = await self._overrides.find(since=now)
        found = [
            (key, override)
            for key, override in known
            if override.schedule == name and override.end > now
        ]
        found.sort(key=lambda pair: pair[1].start)
        return OverrideList([_view(*pair) for pair in found])

    @operation(
        "POST",
        "/schedules/{name}/overrides",
        "Put somebody else on call for a time.",
        Role.RESPONDER,
        statuses=(HTTPStatus.CREATED,),
        problems=(HTTPStatus.CONFLICT,),
    )
    async def set_override(self, call: Call, body: OverrideBody) -> Answer[OverrideResult]:
        schedule = self._schedule(call.request)
        now = self._clock.now()
        start = _moment(body.from_, "/from", schedule, now)
        end = _moment(body.to, "/to", schedule, now)
        _check_times(start, end, now)
        for pointer, name in (("/contact", body.contact), ("/replaces", body.replaces)):
            self._check_contact(name, pointer, or_nobody=True)
        # The past stays as it was: somebody was on call until now.
        made = Override(body.contact, max(start, now), end, body.replaces)
        return await self._add(schedule, (made,), call.by, now)

    @operation(
        "DELETE",
        "/schedules/{name}/overrides/{id}",
        "Remove an override, or both changes of a swap.",
        Role.RESPONDER,
    )
    async def remove_override(self, call: Call) -> Answer[OverrideResult]:
        """If the override has begun, its past part is kept."""
        schedule, now = self._schedule(call.request), self._clock.now()
        key = call.request.match_info["id"]
        found = await self._overrides.get(key)
        if found is None or found.schedule != schedule.name or found.end <= now:
            raise web.HTTPNotFound(text=f"{schedule.name} has no current or future override {key}")
        if found.start >= now:
            await self._overrides.remove(key)
        else:
            await self._overrides.change(
                key, lambda override: override and ended(override, now), now
            )
        log.info("override_removed", schedule=schedule.name, id=key, by=call.by)
        await self._refresh()
        return self._result(key, found)

    @operation(
        "POST",
        "/schedules/{name}/swaps",
        "Swap the next shifts of two people.",
        Role.RESPONDER,
        statuses=(HTTPStatus.CREATED,),
        problems=(HTTPStatus.CONFLICT,),
    )
    async def swap_shifts(self, call: Call, body: SwapBody) -> Answer[OverrideResult]:
        schedule = self._schedule(call.request)
        now = self._clock.now()
        for number, name in enumerate(body.between):
            self._check_contact(name, f"/between/{number}")
        if body.between[0] == body.between[1]:
            raise InvalidInput("give two different people", "/between")
        after = max(now, _moment(body.after, "/after", schedule, now))
        try:
            swapped = swap(schedule, body.between[0], body.between[1], after)
        except ValueError as error:
            raise InvalidInput(str(error), "/between") from None
        return await self._add(schedule, swapped, call.by, now)

    async def _add(
        self, schedule: Schedule, overrides: tuple[Override, ...], by: str, now: float
    ) -> Answer[OverrideResult]:
        if len(await self._overrides.find(since=now, limit=MOST)) == MOST:
            raise web.HTTPConflict(text=f"there are {MOST} upcoming overrides: remove some")
        made = StoredOverride(schedule.name, overrides, by, now)
        key = secrets.token_hex(4)
        while not await self._overrides.add(key, made, made.end):
            key = secrets.token_hex(4)
        log.info("override_set", schedule=schedule.name, id=key, by=by)
        await self._refresh()
        return self._result(key, made, HTTPStatus.CREATED)

    def _result(
        self, key: str, made: StoredOverride, status: HTTPStatus = HTTPStatus.OK
    ) -> Answer[OverrideResult]:
        schedule = self._people().schedules[made.schedule]
        end = min(made.end, made.start + SHOWN)
        shown = schedule_view(schedule, self._clock.now(), made.start, end)
        return Answer(OverrideResult(_view(key, made), shown), status)

    def _schedule(self, request: web.Request) -> Schedule:
        """Raises: aiohttp's HTTPNotFound."""
        name = request.match_info["name"]
        found = self._people().schedules.get(name)
        if found is None:
            raise web.HTTPNotFound(text=f"no schedule '{name}' is configured")
        return found

    def _check_contact(self, name: str, pointer: str, *, or_nobody: bool = False) -> None:
        """Raises: InvalidInput."""
        known = self._people().contacts
        if name not in known and not (or_nobody and not name):
            names = ", ".join(known)
            raise InvalidInput(f"no contact '{name}' is configured; there are: {names}", pointer)


def _moment(text: str, pointer: str, schedule: Schedule, default: float) -> float:
    """Return UTC epoch seconds. Without an offset: in the schedule's zone. Raises: InvalidInput."""
    try:
        return moment_at(parse_moment(text), schedule.time_zone) if text else default
    except (ValueError, OverflowError) as error:
        raise InvalidInput(str(error), pointer) from None


def _check_times(start: float, end: float, now: float) -> None:
    """Raises: InvalidInput."""
    if end <= start:
        raise InvalidInput("the override ends before it starts", "/to")
    if end <= now:
        raise InvalidInput("the override is over already", "/to")
    check_ahead(end, now, "/to")


def _view(key: str, override: StoredOverride) -> OverrideView:
    changes = [
        ChangeView(
            each.contact or None, each.replaces or None, exactly(each.start), exactly(each.end)
        )
        for each in override.overrides
    ]
    return OverrideView(key, override.schedule, override.by, exactly(override.at), changes)

"""Overrides and swaps that people set, under /api/v1/schedules/NAME/: on disk and in force when the
answer goes out.
"""

import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web
from msgspec import Struct, field

from router.config.document import Auth
from router.config.people import moment_at
from router.config.times import parse_moment
from router.core.oncall.override import StoredOverride, ended, swap
from router.core.oncall.recipients import People
from router.core.oncall.schedule import Override, Schedule
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.records.records import Records
from router.telemetry.logs import logger
from router.web.api.content import answer, body, check_ahead
from router.web.api.views import schedule as view
from router.web.api.views import when
from router.web.auth import Role, whoever

log = logger(__name__)

MOST = 500
"""Arrangements that may be to come: more is a program that has lost its way, and all are read at
each look.
"""

SHOWN = 14 * 86_400.0
"""Seconds from its start for which the answer shows who is on call."""


class OverrideBody(Struct, frozen=True, forbid_unknown_fields=True):
    """As an override in the config. Without `from` it begins now."""

    contact: str
    to: str
    from_: str = field(name="from", default="")
    replaces: str = ""


class SwapBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The first turns of these two that begin `after`; without it, from now on."""

    between: tuple[str, str]
    after: str = ""


class Overrides:
    """Keeps what people arrange on a shelf. `refresh` puts in force what is on it."""

    def __init__(
        self,
        shelf: Records[StoredOverride],
        clock: Clock,
        *,
        auth: Callable[[], Auth],
        people: Callable[[], People],
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        self._shelf = shelf
        self._clock = clock
        self._auth = auth
        self._people = people
        self._refresh = refresh

    def routes(self) -> list[web.RouteDef]:
        base = "/api/v1/schedules/{name}"
        return [
            web.get(f"{base}/overrides", self.show),
            web.post(f"{base}/overrides", self.override),
            web.post(f"{base}/swaps", self.swap),
            web.delete(f"{base}/overrides/{{id}}", self.remove),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """Those that aren't over, earliest first."""
        whoever(request, self._auth(), Role.VIEWER)
        name, now = self._schedule(request).name, self._clock.now()
        there = await self._shelf.find(since=now)
        found = [(key, one) for key, one in there if one.schedule == name and one.end > now]
        return answer(
            {"overrides": [_view(*one) for one in sorted(found, key=lambda one: one[1].start)]}
        )

    async def override(self, request: web.Request) -> web.Response:
        by = whoever(request, self._auth(), Role.RESPONDER)
        schedule = self._schedule(request)
        asked = await body(request, OverrideBody)
        now = self._clock.now()
        start = _moment(asked.from_, "/from", schedule, now)
        end = _moment(asked.to, "/to", schedule, now)
        _check_times(start, end, now)
        for pointer, name in (("/contact", asked.contact), ("/replaces", asked.replaces)):
            self._check_contact(name, pointer, or_nobody=True)
        # Who was on call until now is a fact, and stays as it was.
        made = Override(asked.contact, max(start, now), end, asked.replaces)
        return await self._add(schedule, (made,), by, now)

    async def swap(self, request: web.Request) -> web.Response:
        by = whoever(request, self._auth(), Role.RESPONDER)
        schedule = self._schedule(request)
        asked = await body(request, SwapBody)
        now = self._clock.now()
        for number, name in enumerate(asked.between):
            self._check_contact(name, f"/between/{number}")
        if asked.between[0] == asked.between[1]:
            raise InvalidInput("it takes two to swap", "/between")
        try:
            swapped = swap(
                schedule, *asked.between, max(now, _moment(asked.after, "/after", schedule, now))
            )
        except ValueError as error:
            raise InvalidInput(str(error), "/between") from None
        return await self._add(schedule, swapped, by, now)

    async def remove(self, request: web.Request) -> web.Response:
        """What of it has been stays as it was; nothing more comes of it."""
        by = whoever(request, self._auth(), Role.RESPONDER)
        schedule, key, now = self._schedule(request), request.match_info["id"], self._clock.now()
        found = await self._shelf.get(key)
        if found is None or found.schedule != schedule.name or found.end <= now:
            raise web.HTTPNotFound(text=f"{schedule.name} has no override {key} that isn't over")
        if found.start >= now:
            await self._shelf.remove(key)
        else:
            await self._shelf.change(key, lambda one: one and ended(one, now), now)
        log.info("override_removed", schedule=schedule.name, id=key, by=by)
        await self._refresh()
        return self._effect(key, found)

    async def _add(
        self, schedule: Schedule, overrides: tuple[Override, ...], by: str, now: float
    ) -> web.Response:
        if len(await self._shelf.find(since=now, limit=MOST)) == MOST:
            raise web.HTTPConflict(text=f"there are {MOST} overrides to come: remove some")
        made = StoredOverride(schedule.name, overrides, by, now)
        key = secrets.token_hex(4)
        while not await self._shelf.add(key, made, made.end):
            key = secrets.token_hex(4)
        log.info("override_set", schedule=schedule.name, id=key, by=by)
        await self._refresh()
        return self._effect(key, made, HTTPStatus.CREATED)

    def _effect(
        self, key: str, made: StoredOverride, status: HTTPStatus = HTTPStatus.OK
    ) -> web.Response:
        """The arrangement, and who is on call in the time that it's about."""
        schedule = self._people().schedules[made.schedule]
        shown = view(schedule, self._clock.now(), made.start, min(made.end, made.start + SHOWN))
        return answer({"override": _view(key, made), "schedule": shown}, status)

    def _schedule(self, request: web.Request) -> Schedule:
        """Raises: aiohttp's HTTPNotFound."""
        name = request.match_info["name"]
        found = self._people().schedules.get(name)
        if found is None:
            raise web.HTTPNotFound(text=f"no schedule '{name}' is configured")
        return found

    def _check_contact(self, name: str, pointer: str, *, or_nobody: bool = False) -> None:
        """Raises: Bad."""
        known = self._people().contacts
        if name not in known and not (or_nobody and not name):
            raise InvalidInput(
                f"no contact '{name}' is configured; there are: {', '.join(known)}", pointer
            )


def _moment(text: str, pointer: str, schedule: Schedule, default: float) -> float:
    """UTC epoch seconds; without an offset the text is by the schedule's clock. Raises: Bad."""
    try:
        return moment_at(parse_moment(text), schedule.time_zone) if text else default
    except (ValueError, OverflowError) as error:
        raise InvalidInput(str(error), pointer) from None


def _check_times(start: float, end: float, now: float) -> None:
    """Raises: Bad."""
    if end <= start:
        raise InvalidInput("it ends before it begins", "/to")
    if end <= now:
        raise InvalidInput("it's over already", "/to")
    check_ahead(end, now, "/to")


def _view(key: str, one: StoredOverride) -> dict[str, Any]:
    return {
        "id": key,
        "schedule": one.schedule,
        "by": one.by,
        "set_at": when(one.at),
        "changes": [
            {
                "contact": each.contact or None,
                "replaces": each.replaces or None,
                "start": when(each.start),
                "end": when(each.end),
            }
            for each in one.overrides
        ],
    }

"""`/oncall`: who is on call, the calendar by schedule or by person, overrides and swaps."""

import calendar
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, ClassVar

from aiohttp import web
from msgspec import Struct

from router.core.oncall.local_time import local_time
from router.core.oncall.recipients import People
from router.core.oncall.roster import Duty, RosterDay, roster
from router.core.oncall.schedule import Schedule, Shift, on_call, shifts
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.web.api.overrides import Overrides
from router.web.auth import Role, caller
from router.web.pages.assets import asset
from router.web.pages.frame import reader_zone
from router.web.pages.screen import Screen

WEEK, FOUR_WEEKS = timedelta(weeks=1), timedelta(weeks=4)

LOOKED_AHEAD = 90 * 86_400.0
"""Seconds in which the reader's next shift and the next change of a schedule are looked for."""


class Span(Struct, frozen=True):
    """The days of a calendar: a week, or the weeks of a month."""

    view: str
    first: date
    days: int
    before: date
    after: date


class OnCall(Screen):
    """Shows the schedules with their overrides, in the reader's time zone."""

    path: ClassVar[str] = "/oncall"
    template: ClassVar[str] = "oncall.html"
    notices: ClassVar[Mapping[str, str]] = {
        "override_set": "The override is set.",
        "override_removed": "The override is removed.",
        "shifts_swapped": "The shifts are swapped.",
    }

    def __init__(self, overrides: Overrides, clock: Clock, *, people: Callable[[], People]) -> None:
        self._overrides = overrides
        self._clock = clock
        self._people = people

    def routes(self) -> list[web.RouteDef]:
        path, overrides = f"{self.path}/{{name}}", self._overrides
        return [
            *super().routes(),
            self.posts(f"{path}/overrides", overrides.set_override, "override_set"),
            self.posts(f"{path}/swaps", overrides.swap_shifts, "shifts_swapped"),
            self.posts(
                f"{path}/overrides/{{id}}/remove", overrides.remove_override, "override_removed"
            ),
        ]

    async def content(self, request: web.Request) -> Mapping[str, Any]:
        now, zone, people = self._clock.now(), reader_zone(request), self._people()
        span = _span(request.query.get("view", "week"), _day(request, local_time(now, zone).date()))
        days = roster(people.schedules.values(), span.first, span.days, zone)
        reader = caller(request, Role.VIEWER, in_browser=True)
        return {
            "schedules": [_now(schedule, now) for schedule in people.schedules.values()],
            "overrides": {
                name: (await self._overrides.of_schedule(name)).overrides
                for name in people.schedules
            },
            "contacts": list(people.contacts),
            "reader": reader if reader in people.contacts else "",
            "next_shift": _next_shift(people.schedules.values(), reader, now),
            "span": span,
            "today": local_time(now, zone).date(),
            "by": "person" if request.query.get("by") == "person" else "schedule",
            "rows": _rows(days, list(people.schedules), people, request.query.get("by", "")),
            "days": days,
            "script": asset("/assets/oncall.js").url,
            "gaps": [duty for day in days for duty in day.duties if not duty.contact],
        }


class Now(Struct, frozen=True):
    """A schedule, the people on call now, and the next shift after the current one."""

    schedule: Schedule
    on_call: tuple[str, ...]
    next: Shift | None


class Row(Struct, frozen=True):
    """The duties of a schedule or a person, for each day of the calendar."""

    name: str
    cells: list[list[Duty]]


def _now(schedule: Schedule, now: float) -> Now:
    upcoming = (shift for shift in shifts(schedule, now, now + LOOKED_AHEAD) if shift.start > now)
    return Now(schedule, on_call(schedule, now), next(upcoming, None))


def _next_shift(schedules: Any, reader: str, now: float) -> tuple[str, Shift] | None:
    """Return the reader's current or next shift, with its schedule; None if there is none soon."""
    upcoming = [
        (schedule.name, shift)
        for schedule in schedules
        for shift in shifts(schedule, now, now + LOOKED_AHEAD)
        if shift.contact == reader
    ]
    return min(upcoming, key=lambda each: each[1].start, default=None)


def _rows(days: tuple[RosterDay, ...], schedules: list[str], people: People, by: str) -> list[Row]:
    if by != "person":
        return [Row(name, [day.of(schedule=name) for day in days]) for name in schedules]
    rows = [Row(name, [day.of(contact=name) for day in days]) for name in people.contacts]
    return [row for row in rows if any(row.cells)]


def _day(request: web.Request, today: date) -> date:
    """Return the day that the calendar shows. Raises: InvalidInput."""
    try:
        day = date.fromisoformat(request.query.get("date", "") or today.isoformat())
    except ValueError:
        raise InvalidInput("?date= takes a day, such as 2026-12-01", "/date") from None
    if abs((day - today).days) > 3660:
        raise InvalidInput("?date= is more than ten years away", "/date")
    return day


def _span(view: str, day: date) -> Span:
    if view != "month":
        first = day - timedelta(days=day.weekday())
        return Span("week", first, 7, first - WEEK, first + WEEK)
    first = day.replace(day=1)
    length = calendar.monthrange(day.year, day.month)[1]
    start = first - timedelta(days=first.weekday())
    weeks = -(-((first - start).days + length) // 7)
    before, after = first - timedelta(days=1), first + timedelta(days=length)
    return Span("month", start, weeks * 7, before.replace(day=1), after)

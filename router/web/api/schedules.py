"""On-call schedules over the API, and calendars to subscribe to."""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated
from urllib.parse import urlsplit

from aiohttp import web
from msgspec import Meta, Struct, field

from router.config.load import Config
from router.config.people import moment_at
from router.config.times import parse_day, parse_moment
from router.core.oncall.schedule import Schedule, shifts
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.web.api import views
from router.web.api.content import LARGEST
from router.web.api.operation import Call, operation, routes
from router.web.api.views import ScheduleView

DAY = 86_400.0

AHEAD = 14
"""Days of shifts and gaps that are shown."""

MOST_DAYS = 366


class ScheduleQuery(Struct, frozen=True):
    """The first day and the number of days."""

    days: Annotated[int, Meta(ge=0, le=LARGEST, description=f"Days, at most {MOST_DAYS}.")] = AHEAD
    from_: Annotated[
        str,
        Meta(
            description="The first day, such as `2026-12-01`, in the company's time zone; else now."
        ),
    ] = field(name="from", default="")


class ScheduleList(Struct, frozen=True):
    """The schedules. `time_zones` has the contacts with a time zone of their own."""

    schedules: list[ScheduleView]
    time_zones: dict[str, str]


class Schedules:
    """Computes shifts from the schedules, which last changed at `since`."""

    def __init__(
        self,
        clock: Clock,
        *,
        config: Callable[[], Config],
        schedules: Callable[[], Mapping[str, Schedule]],
        since: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._config = config
        self._schedules_in_force = schedules
        self._since = since

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @property
    def _schedules(self) -> Mapping[str, Schedule]:
        return self._schedules_in_force()

    @operation(
        "GET", "/schedules", "Show who is on call now, and the shifts and gaps of the coming days."
    )
    async def list_schedules(self, query: ScheduleQuery) -> ScheduleList:
        now = self._clock.now()
        start = self._start(query.from_) if query.from_ else now
        end = start + max(1, min(query.days, MOST_DAYS)) * DAY
        shown = [views.schedule(schedule, now, start, end) for schedule in self._schedules.values()]
        return ScheduleList(shown, dict(self._config().time_zones))

    def _start(self, day: str) -> float:
        """Return the beginning of a day in the company's time zone. Raises: InvalidInput."""
        zone = self._config().file.company.time_zone
        try:
            return moment_at(parse_moment(f"{parse_day(day)} 00:00"), zone)
        except (ValueError, OverflowError) as error:
            raise InvalidInput(str(error), "/from") from None

    @operation(
        "GET",
        "/schedules/{name}.ics",
        "Subscribe to the calendar of a schedule.",
        media="text/calendar",
        token_in_query=True,
    )
    async def schedule_calendar(self, call: Call) -> web.Response:
        name = _named(call.request, self._schedules, "schedule")
        return self._calendar(name, [name])

    @operation(
        "GET",
        "/contacts/{name}.ics",
        "Subscribe to the calendar of a person, over all schedules.",
        media="text/calendar",
        token_in_query=True,
    )
    async def contact_calendar(self, call: Call) -> web.Response:
        contact = _named(call.request, self._config().file.contacts, "contact")
        return self._calendar(self._names.get(contact, contact), self._schedules, contact)

    @property
    def _names(self) -> dict[str, str]:
        contacts = self._config().file.contacts
        return {key: contact.name for key, contact in contacts.items() if contact.name}

    def _calendar(self, title: str, schedules: Iterable[str], contact: str = "") -> web.Response:
        """Return the calendar of these schedules, for everybody or for one contact."""
        from router.core.oncall.ical_feed import (  # noqa: PLC0415 - icalendar match_all 0.1 s to load
            feed_window,
            render_calendar,
        )

        window = feed_window(self._clock.now())
        found = {
            name: [
                shift
                for shift in shifts(self._schedules[name], *window)
                if contact in {"", shift.contact}
            ]
            for name in schedules
        }
        host = urlsplit(self._config().file.external_url).hostname or "localhost"
        title = f"On call: {title}"
        body = render_calendar(title, found, names=self._names, host=host, at=self._since())
        return web.Response(body=body, content_type="text/calendar", charset="utf-8")


def _named(request: web.Request, known: Mapping[str, object], what: str) -> str:
    """Return the name in the path. Raises: aiohttp's HTTPNotFound."""
    name = request.match_info["name"]
    if name not in known:
        raise web.HTTPNotFound(text=f"no {what} '{name}' is configured")
    return name

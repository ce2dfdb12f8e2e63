"""Who is on call: the schedules under /api/v1/, and calendars to subscribe to."""

from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

from aiohttp import web

from router.config.load import Config
from router.core.oncall.schedule import Schedule, shifts
from router.ports.clock import Clock
from router.web.api import views
from router.web.api.content import answer, number
from router.web.auth import Role, whoever

DAY = 86_400.0

AHEAD = 14
"""How many days of shifts and gaps are shown."""

MOST_DAYS = 366


class Schedules:
    """Computes what the schedules in force come to. `since` says since when they are."""

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
        return [
            web.get("/api/v1/schedules", self.show),
            web.get("/api/v1/schedules/{name}.ics", self.schedule_calendar),
            web.get("/api/v1/contacts/{name}.ics", self.contact_calendar),
        ]

    @property
    def _schedules(self) -> Mapping[str, Schedule]:
        return self._schedules_in_force()

    async def show(self, request: web.Request) -> web.Response:
        whoever(request, self._config().document.auth, Role.VIEWER)
        now = self._clock.now()
        end = now + max(1, min(number(request, "days", AHEAD), MOST_DAYS)) * DAY
        shown = [views.schedule(one, now, now, end) for one in self._schedules.values()]
        return answer({"schedules": shown, "time_zones": self._config().time_zones})

    async def schedule_calendar(self, request: web.Request) -> web.Response:
        name = self._named(request, self._schedules, "schedule")
        return self._calendar(name, [name])

    async def contact_calendar(self, request: web.Request) -> web.Response:
        contact = self._named(request, self._config().document.contacts, "contact")
        return self._calendar(self._names.get(contact, contact), self._schedules, contact)

    def _named(self, request: web.Request, known: Mapping[str, object], what: str) -> str:
        """The name in the path. Raises: Unauthorized, aiohttp's HTTPForbidden and HTTPNotFound."""
        whoever(request, self._config().document.auth, Role.VIEWER, in_query=True)
        name = request.match_info["name"]
        if name not in known:
            raise web.HTTPNotFound(text=f"no {what} '{name}' is configured")
        return name

    @property
    def _names(self) -> dict[str, str]:
        return {
            key: contact.name
            for key, contact in self._config().document.contacts.items()
            if contact.name
        }

    def _calendar(self, title: str, schedules: Iterable[str], contact: str = "") -> web.Response:
        """Of these schedules, everybody's or one contact's."""
        from router.core.oncall.ical_feed import feed_window, render_calendar  # noqa: PLC0415 - icalendar takes 0.1 s to load

        window = feed_window(self._clock.now())
        found = {
            name: [
                shift
                for shift in shifts(self._schedules[name], *window)
                if contact in {"", shift.contact}
            ]
            for name in schedules
        }
        host = urlsplit(self._config().document.external_url).hostname or "localhost"
        body = render_calendar(
            f"On call: {title}", found, names=self._names, host=host, at=self._since()
        )
        return web.Response(body=body, content_type="text/calendar", charset="utf-8")

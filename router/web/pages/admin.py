"""Pages to announce maintenance, and to read the settings."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from aiohttp import web

from router.model.statuspage import StatusPlan
from router.web.api.settings import SettingsApi
from router.web.auth import Role, caller
from router.web.pages.screen import Screen
from router.web.statuspage.maintenance import Announcements


class StatusPageAdmin(Screen):
    """Shows the components of the status page, and announces and ends maintenance."""

    path: ClassVar[str] = "/statuspage"
    template: ClassVar[str] = "statuspage.html"
    notices: ClassVar[Mapping[str, str]] = {
        "announced": "The maintenance is announced.",
        "ended": "The maintenance has ended.",
    }

    def __init__(self, announcements: Announcements, plan: Callable[[], StatusPlan | None]) -> None:
        self._announcements = announcements
        self._plan = plan

    def routes(self) -> list[web.RouteDef]:
        announcements = self._announcements
        return [
            *super().routes(),
            self.posts(self.path, announcements.announce_maintenance, "announced"),
            self.posts(f"{self.path}/{{id}}/end", announcements.end_maintenance, "ended"),
        ]

    async def content(self, request: web.Request) -> Mapping[str, Any]:
        return {"plan": self._plan(), "found": await self._announcements.list_maintenance()}


class SettingsPage(Screen):
    """Shows the settings in effect to an admin."""

    path: ClassVar[str] = "/settings"
    template: ClassVar[str] = "settings.html"

    def __init__(self, settings: SettingsApi) -> None:
        self._settings = settings

    async def content(self, request: web.Request) -> Mapping[str, Any]:
        caller(request, Role.ADMIN, in_browser=True)
        return {"found": await self._settings.show_settings()}

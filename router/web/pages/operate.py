"""Pages to operate the router: channels, heartbeats, deployments, actions and drills."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from aiohttp import web

from router.config.load import Config
from router.model.notification import NotificationState
from router.web.api.deployments import DeploymentApi, DeploymentQuery
from router.web.api.drills import Drills
from router.web.api.heartbeats import HeartbeatApi
from router.web.api.incidents import IncidentApi, NotificationQuery
from router.web.api.operation import Call
from router.web.api.overviews import OverviewApi, PostMortemListQuery
from router.web.auth import Role, caller
from router.web.pages.screen import Screen

SHOWN = 50
"""Messages of each state on the page of channels."""


class Channels(Screen):
    """Shows each address with its last proof, and the messages that wait or were given up."""

    path: ClassVar[str] = "/channels"
    template: ClassVar[str] = "channels.html"
    notices: ClassVar[Mapping[str, str]] = {
        "test_sent": "A test message is on its way: its arrival shows here.",
        "resent": "The message is sent again.",
    }

    def __init__(
        self, incidents: IncidentApi, drills: Drills, *, config: Callable[[], Config]
    ) -> None:
        self._incidents = incidents
        self._drills = drills
        self._config = config

    def routes(self) -> list[web.RouteDef]:
        resend = self._incidents.resend_notification
        return [
            *super().routes(),
            self.posts(f"{self.path}/test", self._drills.test_channels, "test_sent"),
            self.posts(f"{self.path}/{{id}}/{{channel}}/resend", resend, "resent"),
        ]

    async def content(self, request: web.Request) -> Mapping[str, Any]:
        states = NotificationState.DEAD, NotificationState.PENDING
        dead, pending = [
            await self._incidents.list_notifications(NotificationQuery(state=[state], limit=SHOWN))
            for state in states
        ]
        return {
            "scoreboard": await self._drills.show_scoreboard(),
            "dead": dead,
            "pending": pending,
            "own": self._config().own,
        }


class HeartbeatPage(Screen):
    """Shows when each heartbeat last arrived."""

    path: ClassVar[str] = "/heartbeats"
    template: ClassVar[str] = "heartbeats.html"

    def __init__(self, heartbeats: HeartbeatApi) -> None:
        self._heartbeats = heartbeats

    async def content(self, request: web.Request) -> Mapping[str, Any]:
        return {"heartbeats": (await self._heartbeats.list_heartbeats()).heartbeats}


class Deployments(Screen):
    """Lists deployments, and records one by hand."""

    path: ClassVar[str] = "/deployments"
    template: ClassVar[str] = "deployments.html"
    notices: ClassVar[Mapping[str, str]] = {"recorded": "The deployment is recorded."}

    def __init__(self, deployments: DeploymentApi) -> None:
        self._deployments = deployments

    def routes(self) -> list[web.RouteDef]:
        return [
            *super().routes(),
            self.posts(self.path, self._deployments.record_deployment, "recorded"),
        ]

    async def content(self, request: web.Request) -> Mapping[str, Any]:
        service, after = request.query.get("service", ""), request.query.get("after", "")
        query = DeploymentQuery(service=service, after=after, limit=SHOWN)
        return {"page": await self._deployments.list_deployments(query), "service": service}


class WaitingPage(Screen):
    """Lists the actions that wait for a person, over all open incidents."""

    path: ClassVar[str] = "/actions"
    template: ClassVar[str] = "actions.html"

    def __init__(self, overviews: OverviewApi, *, config: Callable[[], Config]) -> None:
        self._overviews = overviews
        self._config = config

    async def content(self, request: web.Request) -> Mapping[str, Any]:
        return {
            "waiting": (await self._overviews.list_waiting()).actions,
            "plans": self._config().settings.actions,
        }


class PostMortems(Screen):
    """Lists the post-mortems that are due or shared."""

    path: ClassVar[str] = "/postmortems"
    template: ClassVar[str] = "postmortems.html"

    def __init__(self, overviews: OverviewApi) -> None:
        self._overviews = overviews

    async def content(self, request: web.Request) -> Mapping[str, Any]:
        before = request.query.get("before", "0")
        query = PostMortemListQuery(int(before) if before.isascii() and before.isdigit() else 0)
        return {"page": await self._overviews.list_postmortems(query)}


class DrillList(Screen):
    """Lists drills, and starts one."""

    path: ClassVar[str] = "/drills"
    template: ClassVar[str] = "drills.html"

    def __init__(self, drills: Drills) -> None:
        self._drills = drills

    def routes(self) -> list[web.RouteDef]:
        return [
            *super().routes(),
            self.posts(
                self.path,
                self._drills.start_drill,
                "drill_started",
                lambda drill: f"{self.path}/{drill.id}",
            ),
        ]

    async def content(self, request: web.Request) -> Mapping[str, Any]:
        return {"found": await self._drills.list_drills()}


class DrillPage(Screen):
    """Shows one drill: its steps as they are met, and its report."""

    path: ClassVar[str] = "/drills/{id}"
    template: ClassVar[str] = "drill.html"
    notices: ClassVar[Mapping[str, str]] = {
        "drill_started": "The drill has started.",
        "ticked": "The item is ticked off.",
        "drill_stopped": "The drill has ended, and its incidents are resolved.",
    }

    def __init__(self, drills: Drills) -> None:
        self._drills = drills

    def routes(self) -> list[web.RouteDef]:
        return [
            *super().routes(),
            self.posts(f"{self.path}/tick", self._drills.tick_off, "ticked"),
            self.posts(f"{self.path}/stop", self._drills.stop_drill, "drill_stopped"),
        ]

    async def content(self, request: web.Request) -> Mapping[str, Any]:
        reader = caller(request, Role.VIEWER, in_browser=True)
        return {"drill": await self._drills.show_drill(Call(request, reader))}

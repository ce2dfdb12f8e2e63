"""Heartbeats over the API: their states."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from msgspec import Struct

from router.core.rules.heartbeat import HeartbeatState, HeartbeatStatus
from router.web.api.content import Time
from router.web.api.operation import operation, routes
from router.web.api.views import exactly, when


class HeartbeatView(Struct, frozen=True):
    """A heartbeat. `every` and `grace` are in seconds.

    `failed` is the time of a failure that no beat has followed; at `missed_at` the heartbeat
    counts as missed.
    """

    name: str
    state: HeartbeatState
    every: float
    grace: float
    last: Time | None
    failed: Time | None
    missed_at: Time


class HeartbeatList(Struct, frozen=True):
    """The heartbeats of the config."""

    heartbeats: list[HeartbeatView]


class HeartbeatApi:
    """`statuses` returns the state of each heartbeat."""

    def __init__(self, *, statuses: Callable[[], Awaitable[Sequence[HeartbeatStatus]]]) -> None:
        self._statuses = statuses

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation("GET", "/heartbeats", "List heartbeats and their states.")
    async def list_heartbeats(self) -> HeartbeatList:
        return HeartbeatList([_view(heartbeat) for heartbeat in await self._statuses()])


def _view(status: HeartbeatStatus) -> HeartbeatView:
    return HeartbeatView(
        name=status.heartbeat.name,
        state=status.state,
        every=status.heartbeat.every,
        grace=status.heartbeat.grace,
        last=when(status.beats.last),
        failed=when(status.beats.failed),
        missed_at=exactly(status.missed_at),
    )

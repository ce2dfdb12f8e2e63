"""Heartbeats by request, at `/heartbeat/NAME`."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from aiohttp import web

from router.config.config_file import HeartbeatConfig
from router.config.secret import Secret
from router.core.rules.heartbeat import SOURCE
from router.ports.errors import Unauthorized
from router.telemetry.errors import working_for
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics

log = logger(__name__)

FAIL = "fail"
"""The end of the path that reports a failure."""


class Beat(Protocol):
    """Stores a beat; it is committed when this returns. Raises: StoreUnavailable."""

    def __call__(self, name: str, *, failed: bool = False) -> Awaitable[None]: ...


class Heartbeats:
    """Accepts beats by GET and POST, with the secret in the path or as a bearer token.

    HEAD is refused: a program that only checks links hasn't done the job.
    """

    def __init__(
        self,
        metrics: Metrics,
        *,
        heartbeats: Callable[[], Mapping[str, HeartbeatConfig]],
        beat: Beat,
    ) -> None:
        self._metrics = metrics
        self._heartbeats = heartbeats
        self._beat = beat

    def routes(self) -> list[web.RouteDef]:
        base = "/heartbeat/{name}"
        paths = (
            (base, self.receive),
            (f"{base}/{{segment}}", self.receive),
            (f"{base}/{{segment}}/{FAIL}", self.fail),
        )
        return [
            *(web.get(path, handler, allow_head=False) for path, handler in paths),
            *(web.post(path, handler) for path, handler in paths),
        ]

    async def receive(self, request: web.Request) -> web.Response:
        """Raises: Unauthorized, StoreUnavailable; aiohttp's 404."""
        segment = request.match_info.get("segment", "")
        failed = segment == FAIL
        return await self._take(request, "" if failed else segment, failed=failed)

    async def fail(self, request: web.Request) -> web.Response:
        """Raises: as `receive`."""
        return await self._take(request, request.match_info["segment"], failed=True)

    async def _take(self, request: web.Request, secret: str, *, failed: bool) -> web.Response:
        working_for(SOURCE)
        name = request.match_info["name"]
        heartbeat = self._heartbeats().get(name)
        if heartbeat is None or heartbeat.matchers:
            raise web.HTTPNotFound(text=f"no heartbeat '{name}' by request is configured")
        try:
            _check(heartbeat.secret, secret, request.headers.get("Authorization", ""))
        except Unauthorized as error:
            self._metrics.webhooks_rejected.labels(SOURCE, "unauthorized").inc()
            log.warning("heartbeat_rejected", heartbeat=name, error=str(error))
            raise
        await self._beat(name, failed=failed)
        return web.Response(text="OK\n")


def _check(secret: Secret | None, in_path: str, authorization: str) -> None:
    """Raises: Unauthorized."""
    if secret is None:  # `insecure: true`
        return
    scheme, _, token = authorization.partition(" ")
    given = in_path or (token.strip() if scheme.lower() == "bearer" else "")
    if not given:
        raise Unauthorized(
            "the heartbeat's secret is missing: put it into the path, "
            "or send Authorization: Bearer SECRET"
        )
    if not secret.is_same(given):
        raise Unauthorized("the heartbeat's secret is wrong")

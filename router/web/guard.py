"""The middleware of all paths: checks a request before its handler, and answers its errors.

In order: the connection is busy, the body isn't compressed, no other site sent the request. An
error becomes a problem, a page for a browser, and a delay for a peer that fails again and again.
"""

from collections.abc import Collection
from http import HTTPStatus

from aiohttp import web

from router.config.config_file import ConfigFile
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics
from router.web.access.client import address_of
from router.web.alertmanager.failure import readable_by_clients
from router.web.compression import compress
from router.web.failures import Failures, failure_of
from router.web.origin import check_origin
from router.web.pages.errors import readable
from router.web.problem import Handler, problem, problem_of
from router.web.server import Connections

log = logger(__name__)


class Guard:
    """Checks every request, and answers its errors.

    config_file: replaced at each reload, and so is `open_sources`.
    open_sources: the names of sources that anybody may send to.
    """

    def __init__(
        self,
        connections: Connections,
        failures: Failures,
        metrics: Metrics,
        config_file: ConfigFile,
        open_sources: Collection[str] = (),
    ) -> None:
        self._connections = connections
        self._failures = failures
        self._metrics = metrics
        self.config_file = config_file
        self.open_sources = open_sources

    @web.middleware
    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        connection = self._connections.begin(request.protocol)
        try:
            encoding = request.headers.get("Content-Encoding", "").strip().lower()
            if encoding not in {"", "identity"}:
                return self._refuse_compressed()
            try:
                check_origin(request, self.config_file, self.open_sources)
                answer = await handler(request)
            except Exception as error:  # noqa: BLE001 - all errors have an answer
                answer = problem_of(error, request)
            if answer.status >= HTTPStatus.BAD_REQUEST:
                answer = readable_by_clients(request, readable(request, answer))
                await self._slow_down(request, answer.status)
            compress(request, answer)
            return answer
        finally:
            self._connections.end(connection)

    def _refuse_compressed(self) -> web.Response:
        """Answer 415, and end the connection.

        No source compresses, and a small body may be large when decompressed.
        """
        self._metrics.requests_refused.labels("compressed").inc()
        headers = {"Accept-Encoding": "identity"}
        answer = problem(415, "send the body without compression", headers=headers)
        answer.force_close()
        return answer

    async def _slow_down(self, request: web.Request, status: int) -> None:
        """Log, count and delay a refused request."""
        if reason := failure_of(request, status):
            self._metrics.requests_refused.labels(reason).inc()
            peer = address_of(request)
            resource = request.match_info.route.resource
            route = resource.canonical if resource else None  # the path may hold a secret
            log.warning("request_refused", reason=reason, peer=peer, route=route)
            await self._failures.wait(peer)

"""The middleware of all paths: checks a request before its handler, and answers its errors.

It marks the connection as busy, then refuses compressed bodies and requests that another site made
a browser send. Errors are answered with problem details, or a page for a browser, and with a delay
for clients that fail repeatedly.
"""

from collections.abc import Collection
from http import HTTPStatus

from aiohttp import web

from router.config.config_file import ConfigFile
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics
from router.web.access.client import address_behind
from router.web.alertmanager.failure import readable_by_clients
from router.web.compression import compress
from router.web.connections import Connections
from router.web.failures import Failures, failure_of
from router.web.head import Head
from router.web.origin import check_origin
from router.web.pages.errors import readable
from router.web.problem import Handler, problem, problem_of, route_of

log = logger(__name__)


class Guard:
    """Checks every request, and answers its errors.

    config_file: the current config; a reload replaces it and `open_sources`.
    open_sources: the names of sources to which anybody may send.
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
        connection = self._connections.find(request.protocol)
        self._connections.begin(connection)
        try:
            encoding = request.headers.get("Content-Encoding", "").strip().lower()
            if encoding not in {"", "identity"}:
                return self._refuse_compressed()
            route = route_of(request)
            try:
                check_origin(request, self.config_file, self.open_sources)
                answer = await handler(request)
            except Exception as error:  # noqa: BLE001 - all errors have an answer
                answer = problem_of(error, route)
            if answer.status >= HTTPStatus.BAD_REQUEST:
                answer = await self.refuse(request, route, readable(request, answer))
            compress(request, answer)
            return answer
        finally:
            self._connections.end(connection)

    async def refuse(
        self, head: Head, route: str | None, answer: web.StreamResponse
    ) -> web.StreamResponse:
        """Log, count and delay a failure, and return it in the form that the client reads."""
        if reason := failure_of(head.path, answer.status):
            self._metrics.requests_refused.labels(reason).inc()
            peer = address_behind(head, self.config_file.trusted_proxies)
            log.warning("request_refused", reason=reason, peer=peer, route=route)
            await self._failures.wait(peer)
        return readable_by_clients(head.path, answer)

    def _refuse_compressed(self) -> web.Response:
        """Answer 415, and end the connection.

        No source compresses its requests, and a small body may be huge when decompressed.
        """
        self._metrics.requests_refused.labels("compressed").inc()
        headers = {"Accept-Encoding": "identity"}
        answer = problem(415, "send the body without compression", headers=headers)
        answer.force_close()
        return answer

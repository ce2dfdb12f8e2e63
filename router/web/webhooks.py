"""Webhooks in: check who sent it, decode it, commit its effects, and only then answer 2xx."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from router.model.event import AlertSeen
from router.ports import Bad, Clock, Inbox, Incoming, Received, Receiver, Unauthorized
from router.telemetry.errors import working_for
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics
from router.web.problem import problem

log = logger(__name__)

REFUSALS = {Unauthorized: "unauthorized", Bad: "malformed", web.HTTPRequestEntityTooLarge: "too_large"}
"""What the metric calls each way to refuse a webhook; `bad_alert` is one alert of a webhook that was taken."""


class Webhooks:
    """The paths under /webhooks/, one for each configured source. `receivers` may be replaced at any time."""

    def __init__(self, receivers: Mapping[str, Receiver], inbox: Inbox, clock: Clock, metrics: Metrics) -> None:
        self.receivers = receivers
        self._inbox = inbox
        self._clock = clock
        self._metrics = metrics

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/webhooks/{source}", self.receive),
            web.post("/webhooks/{source}/{secret}", self.receive),
        ]

    async def receive(self, request: web.Request) -> web.Response:
        """Raises: Unauthorized, Bad, Overloaded, StoreUnavailable; aiohttp's 404 and 413."""
        source = request.match_info["source"]
        receiver = self.receivers.get(source)
        if receiver is None:
            raise web.HTTPNotFound(text="no such source is configured")
        working_for(source)
        try:
            received = await self._understand(receiver, request)
        except (Unauthorized, Bad, web.HTTPRequestEntityTooLarge) as error:
            self._metrics.webhooks_rejected.labels(source, REFUSALS[type(error)]).inc()
            log.warning("webhook_rejected", source=source, error=getattr(error, "detail", None) or str(error))
            raise
        return await self._take(source, received)

    async def _understand(self, receiver: Receiver, request: web.Request) -> Received:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        incoming = Incoming(headers, body, request.match_info.get("secret", ""))
        now = self._clock.now()
        receiver.verify(incoming, now)
        return receiver.decode(incoming, now)

    async def _take(self, source: str, received: Received) -> web.Response:
        for error in received.errors:
            self._metrics.webhooks_rejected.labels(source, "bad_alert").inc()
            log.warning("alert_rejected", source=source, pointer=error.pointer, error=error.detail)
        if received.errors and not received.alerts:
            return problem(HTTPStatus.BAD_REQUEST, "no alert in it can be read", received.errors)
        now = self._clock.now()
        await self._inbox.submit([AlertSeen(now, alert) for alert in received.alerts])
        answer = {
            "accepted": len(received.alerts),
            "errors": [{"pointer": f"#{error.pointer}", "detail": error.detail} for error in received.errors],
        }
        if received.ignored:
            answer["ignored"] = received.ignored
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

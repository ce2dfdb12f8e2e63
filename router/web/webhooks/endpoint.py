"""Webhooks in: check who sent it, decode it, commit its effects, and only then answer 2xx."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from router.model.event import AlertSeen
from router.model.reason import Reason
from router.model.reasons import row
from router.ports.channels import FormSender
from router.ports.clock import Clock
from router.ports.errors import InvalidInput, Unauthorized
from router.ports.services import DeploymentRecorder, Inbox
from router.ports.store import Store
from router.ports.webhooks import Incoming, Received, Receiver, Replying
from router.telemetry.errors import working_for
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics
from router.web.problem import problem
from router.web.webhooks.commands import Answers

log = logger(__name__)

REFUSALS = {
    Unauthorized: "unauthorized",
    InvalidInput: "malformed",
    web.HTTPRequestEntityTooLarge: "too_large",
}
"""What the metric calls each way to refuse a webhook. Of one that was taken, `bad_alert` is one
alert in it, and `forbidden` that whoever sent it may ask for nothing."""


class Webhooks:
    """The paths under /webhooks/, one for each configured source.

    `receivers` may be replaced at any time.
    """

    def __init__(  # noqa: PLR0913 - the parts it stands between
        self,
        receivers: Mapping[str, Receiver],
        inbox: Inbox,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        *,
        recorder: DeploymentRecorder,
        forms: Callable[[], Mapping[str, FormSender]],
    ) -> None:
        self.receivers = receivers
        self._inbox = inbox
        self._clock = clock
        self._metrics = metrics
        self._recorder = recorder
        self._answers = Answers(inbox, store, clock, forms)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/webhooks/{source}", self.receive),
            web.post("/webhooks/{source}/{segment}", self.receive),
        ]

    async def receive(self, request: web.Request) -> web.Response:
        """Raises: Unauthorized, Bad, Overloaded, StoreUnavailable; aiohttp's 404 and 413."""
        source = request.match_info["source"]
        receiver = self.receivers.get(source)
        if receiver is None:
            raise web.HTTPNotFound(text="no such source is configured")
        working_for(source)
        try:
            incoming, received = await self._understand(receiver, request)
        except (Unauthorized, InvalidInput, web.HTTPRequestEntityTooLarge) as error:
            self._metrics.webhooks_rejected.labels(source, REFUSALS[type(error)]).inc()
            log.warning(
                "webhook_rejected",
                source=source,
                error=getattr(error, "detail", None) or str(error),
            )
            raise
        if isinstance(receiver, Replying):
            return await self._handle(receiver, incoming, received)
        return await self._take(source, received)

    async def _understand(
        self, receiver: Receiver, request: web.Request
    ) -> tuple[Incoming, Received]:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        incoming = Incoming(headers, body, request.match_info.get("segment", ""), request.raw_path)
        now = self._clock.now()
        receiver.verify(incoming, now)
        return incoming, receiver.decode(incoming, now)

    async def _handle(
        self, receiver: Replying, incoming: Incoming, received: Received
    ) -> web.Response:
        """Do what people ask, take note of what didn't arrive, and let the receiver word the
        answer.
        """
        if received.refused:
            self._metrics.webhooks_rejected.labels(receiver.name, "forbidden").inc()
            log.warning("webhook_refused", source=receiver.name, why=received.refused)
        now = self._clock.now()
        await self._answers.open(receiver.name, received.forms)
        await self._answers.meet(received.twins)
        await self._inbox.submit(received.undelivered)
        handled = [
            *await self._answers.report(received.alerts),
            *await self._answers.obey(received.asked),
        ]
        answer = receiver.reply(incoming, received, handled, now)
        if answer.aside:
            await self._answers.whisper(receiver.name, answer.aside)
        return web.Response(
            status=answer.status, body=answer.body, content_type=answer.content_type
        )

    async def _take(self, source: str, received: Received) -> web.Response:
        for error in received.errors:
            self._metrics.webhooks_rejected.labels(source, "bad_alert").inc()
            log.warning("alert_rejected", source=source, pointer=error.pointer, error=error.detail)
        if received.errors and not received.alerts:
            return problem(HTTPStatus.BAD_REQUEST, "no alert in it can be read", received.errors)
        recorded, ignored = 0, received.ignored
        for deployment in received.deployed:
            reason, _ = await self._recorder.record(deployment)
            recorded += reason is Reason.DEPLOYMENT_RECORDED
            if reason is not Reason.DEPLOYMENT_RECORDED:
                ignored = row(reason).refusal.capitalize()
        now = self._clock.now()
        await self._inbox.submit([AlertSeen(now, alert) for alert in received.alerts])
        answer = {
            "accepted": len(received.alerts) + recorded,
            "errors": [
                {"pointer": f"#{error.pointer}", "detail": error.detail}
                for error in received.errors
            ],
        }
        if ignored:
            answer["ignored"] = ignored
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

"""Receives webhooks: check the sender, decode, commit, and only then answer 2xx."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus

import msgspec
from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from router.ports.channels import FormSender
from router.ports.clock import Clock
from router.ports.errors import InvalidInput, Unauthorized
from router.ports.services import DeploymentRecorder, Inbox
from router.ports.store import Store
from router.ports.webhooks import Incoming, Received, Receiver, WebhookAnswer
from router.telemetry.errors import working_for
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics
from router.web.body import Bodies
from router.web.head import Head
from router.web.problem import problem
from router.web.webhooks.commands import Beats, Processed, WebhookProcessor

log = logger(__name__)

REFUSALS = {
    Unauthorized: "unauthorized",
    InvalidInput: "malformed",
    web.HTTPRequestEntityTooLarge: "too_large",
}
"""Reasons in the metric for refused webhooks. In a webhook that was accepted, `bad_alert` counts
alerts that cannot be read, and `forbidden` senders who may not ask for anything.
"""


class Admission(Struct, frozen=True):
    """A webhook that may send its body: the receivers it may be for, and the limit of the body.

    source: its name in logs and metrics. known: the sender is identified.
    """

    source: str
    receivers: Sequence[Receiver]
    incoming: Incoming
    known: bool
    limit: int


class Webhooks:
    """The paths under /webhooks/, one for each configured source, and services' own paths.

    `receivers` may be replaced at any time. `own_paths` are paths by type of source.
    """

    def __init__(  # noqa: PLR0913 - the parts it connects
        self,
        receivers: Mapping[str, Receiver],
        inbox: Inbox,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        *,
        max_body: int,
        recorder: DeploymentRecorder,
        beats: Beats,
        forms: Callable[[], Mapping[str, FormSender]],
        bodies: Bodies | None = None,
        own_paths: Mapping[str, Sequence[str]] = {},
    ) -> None:
        self.receivers = receivers
        self._own_paths = own_paths
        self._clock = clock
        self._metrics = metrics
        self._max_body = max_body
        self.bodies = bodies or Bodies()
        self._processor = WebhookProcessor(
            inbox, store, clock, recorder=recorder, beats=beats, forms=forms
        )

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/webhooks/{source}", self.receive),
            web.route("*", "/webhooks/{source}/{segment:.+}", self.receive),
            *(
                web.route("*", path, partial(self.receive_at_own_path, kind))
                for kind, paths in self._own_paths.items()
                for path in paths
            ),
        ]

    async def receive(self, request: web.Request) -> web.Response:
        """Raises: Unauthorized, InvalidInput, Overloaded, StoreUnavailable; aiohttp's errors."""
        receiver = self.receivers.get(request.match_info["source"])
        if receiver is None:
            raise web.HTTPNotFound(text="no such source is configured")
        return await self._read(receiver.name, [receiver], request)

    async def receive_at_own_path(self, kind: str, request: web.Request) -> web.Response:
        """Raises: as `receive`. The credentials select the source."""
        receivers = [source for source in self.receivers.values() if source.kind == kind]
        if not receivers:
            raise web.HTTPNotFound(text=f"no source of the type '{kind}' is configured")
        name = receivers[0].name if len(receivers) == 1 else kind
        return await self._read(name, receivers, request)

    def admit(self, source: str, receivers: Sequence[Receiver], head: Head) -> Admission:
        """Check a webhook for one of `receivers` before its body is read.

        Raises: Unauthorized; aiohttp's HTTPMethodNotAllowed.
        """
        if head.method not in receivers[0].methods:
            raise web.HTTPMethodNotAllowed(head.method, receivers[0].methods)
        has_name = "source" in head.match_info
        incoming = Incoming(
            {name.lower(): value for name, value in head.headers.items()},
            segment=head.match_info.get("segment", "") if has_name else head.path.lstrip("/"),
            raw_path=head.raw_path,
            method=head.method,
        )
        if len(receivers) == 1:
            known = receivers[0].admit(incoming)
        else:
            receivers, known = _admitted(receivers, incoming)
        limit = min(receivers[0].max_body or self._max_body, self._max_body)
        return Admission(source, receivers, incoming, known, limit)

    async def accept(self, admission: Admission, body: bytes) -> WebhookAnswer:
        """Handle a webhook that was admitted. Raises: as `receive`."""
        receiver, now = admission.receivers[0], self._clock.now()
        working_for(receiver.kind)
        incoming = replace(admission.incoming, body=body)
        if len(admission.receivers) > 1:  # the body tells which one it is for
            receiver = _passing(admission.receivers, lambda r: r.verify(incoming, now))[0]
        elif not admission.known:
            receiver.verify(incoming, now)
        received = receiver.decode(incoming, now)
        if received.errors or received.warnings or received.refused:
            self._report(receiver.name, received)
        processed = await self._processor.process(receiver.kind, received)
        if processed.dropped or processed.ignored:
            self._count(receiver.name, processed)
        answer = receiver.reply(incoming, received, processed.results, self._clock.now())
        if answer is None:
            return _standard(received, processed)
        if answer.ephemeral:
            await self._processor.send_ephemeral(receiver.kind, answer.ephemeral)
        return answer

    def refusal(self, source: str, receiver: Receiver, error: Exception) -> WebhookAnswer | None:
        """Log and count a refusal. Returns its answer if the source has a format of its own."""
        headers: dict[str, str] = {}
        match error:
            case Unauthorized():
                status, refused = HTTPStatus.UNAUTHORIZED, InvalidInput(str(error))
                headers["WWW-Authenticate"] = error.scheme
            case InvalidInput():
                status, refused = HTTPStatus.BAD_REQUEST, error
            case web.HTTPRequestEntityTooLarge():
                status, refused = HTTPStatus(error.status), InvalidInput(error.text or "")
            case _:
                return None
        self._metrics.webhooks_rejected.labels(source, REFUSALS[type(error)]).inc()
        log.warning("webhook_rejected", source=source, error=refused.detail)
        answer = receiver.refuse(status, refused)
        return answer and replace(answer, headers=headers)

    async def _read(
        self, source: str, receivers: Sequence[Receiver], request: web.Request
    ) -> web.Response:
        working_for(receivers[0].kind)
        try:
            admission = self.admit(source, receivers, request)
            async with self.bodies.read(request, admission.limit, known=admission.known) as body:
                return response_of(await self.accept(admission, body))
        except Exception as error:
            if (refusal := self.refusal(source, receivers[0], error)) is None:
                raise
            return response_of(refusal)

    def _report(self, source: str, received: Received) -> None:
        """Log and count alerts that are unreadable or had to be altered."""
        for error in received.errors:
            self._metrics.webhooks_rejected.labels(source, "bad_alert").inc()
            log.warning("alert_rejected", source=source, pointer=error.pointer, error=error.detail)
        for warning in received.warnings:
            self._metrics.alert_warnings.labels(source).inc()
            log.warning(
                "alert_corrected", source=source, pointer=warning.pointer, warning=warning.detail
            )
        if received.refused:
            self._metrics.webhooks_rejected.labels(source, "forbidden").inc()
            log.warning("webhook_refused", source=source, why=received.refused)

    def _count(self, source: str, processed: Processed) -> None:
        """Log and count everything that was read and had no effect."""
        for reason, alerts in processed.dropped.items():
            self._metrics.alerts_dropped.labels(source, reason).inc(alerts)
            log.info("alerts_dropped", source=source, reason=reason, alerts=alerts)
        if processed.ignored:
            self._metrics.alerts_dropped.labels(source, "ignored").inc()
            log.info("webhook_ignored", source=source, why=processed.ignored)


def _admitted(receivers: Sequence[Receiver], incoming: Incoming) -> tuple[Sequence[Receiver], bool]:
    """The receivers that admitted the request, and whether they have identified its sender."""
    known: dict[str, bool] = {}

    def admit(receiver: Receiver) -> None:
        known[receiver.name] = receiver.admit(incoming)

    passing = _passing(receivers, admit)
    return passing, all(known[receiver.name] for receiver in passing)


def _passing(receivers: Sequence[Receiver], check: Callable[[Receiver], None]) -> list[Receiver]:
    """Check all, so that the time of the answer does not depend on which one passes."""
    passing: list[Receiver] = []
    failure = Unauthorized("no source accepts it")
    for receiver in receivers:
        try:
            check(receiver)
        except Unauthorized as error:
            failure = error
        else:
            passing.append(receiver)
    if not passing:
        raise failure
    return passing


def response_of(answer: WebhookAnswer) -> web.Response:
    """The answer as aiohttp sends it."""
    return web.Response(
        status=answer.status,
        body=answer.body,
        content_type=answer.content_type,
        headers=answer.headers,
    )


def _standard(received: Received, processed: Processed) -> WebhookAnswer:
    """The standard answer, for a source that expects no format of its own."""
    accepted = len(received.alerts) + processed.deployments
    if received.errors and not accepted:
        response = problem(HTTPStatus.BAD_REQUEST, "no alert in it can be read", received.errors)
        assert isinstance(response.body, bytes)
        return WebhookAnswer(response.status, response.body, response.content_type)
    answer: dict[str, object] = {"accepted": accepted, "errors": []}
    for name, problems in (("errors", received.errors), ("warnings", received.warnings)):
        if problems:
            answer[name] = [{"pointer": f"#{p.pointer}", "detail": p.detail} for p in problems]
    if processed.dropped:
        answer["dropped"] = processed.dropped
    if processed.ignored:
        answer["ignored"] = processed.ignored
    return WebhookAnswer(200, msgspec.json.encode(answer), "application/json")

"""Applies a decoded webhook: opens forms, commits alerts and commands, and collects results.

This is the only path for the webhooks of all sources.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from router.model.alert import Alert
from router.model.event import AlertSeen, Commanded, Event
from router.model.incident import OPEN, Incident
from router.model.notification import Retry, Sent
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having, row
from router.ports.channels import FormSender
from router.ports.clock import Clock
from router.ports.services import DeploymentRecorder, Inbox
from router.ports.store import Store
from router.ports.webhooks import (
    AlertListing,
    CommandRequest,
    CommandResult,
    EphemeralReply,
    ExternalIncident,
    Form,
    Received,
)
from router.records.records import Records
from router.telemetry.logs import logger
from router.web.api.manual_alert import joined
from router.web.webhooks.by_alert import Found, ended, find_alert, listed

log = logger(__name__)

SHOWN = 20
"""Maximum open incidents that a reply lists."""

FORM_TIMEOUT = 2.0
"""Seconds for a form to open. Slack allows three, and the request itself has used some of them."""

BATCH = 1000
"""Events in one transaction. More in one webhook are committed in parts; a part that fails is sent
again.
"""


DROPPED = having(Trait.DROPPED)
"""Decisions by which an alert has no effect although it does not repeat a known state."""


class Processed(Struct, frozen=True):
    """The committed results of a webhook.

    `dropped` counts alerts without effect, by reason; `results` has a result for each manual alert
    and each command, in order. `deployments` counts recorded ones; `ignored` has the reasons for
    the others.
    """

    dropped: Mapping[str, int]
    results: Sequence[CommandResult]
    deployments: int = 0
    ignored: str = ""


class Beats(Protocol):
    """Records heartbeats, by name and among alerts. They're committed when it returns."""

    @property
    def by_alerts(self) -> Sequence[object]:
        """The heartbeats whose beats are alerts."""
        ...

    async def record(self, alerts: Sequence[Alert], names: Sequence[str] = ()) -> None:
        """Raises: StoreUnavailable; InvalidInput for an unknown name."""
        ...


class WebhookProcessor:
    """Applies webhooks of all sources.

    `forms` gives the senders that can show forms, by the type of source that receives the content.
    """

    def __init__(  # noqa: PLR0913 - the parts that a webhook may need
        self,
        inbox: Inbox,
        store: Store,
        clock: Clock,
        *,
        recorder: DeploymentRecorder,
        beats: Beats,
        forms: Callable[[], Mapping[str, FormSender]],
    ) -> None:
        self._inbox = inbox
        self._store = store
        self._clock = clock
        self._recorder = recorder
        self._beats = beats
        self._forms = forms
        self._external = Records(store, "twin", ExternalIncident)

    async def process(self, kind: str, received: Received) -> Processed:
        """Commit everything that the webhook of a source of that kind asks for.

        Raises: Overloaded, StoreUnavailable; InvalidInput for an unknown heartbeat; aiohttp's
        HTTPBadGateway if a form cannot be opened.
        """
        for form in received.forms:
            await self._open(kind, form)
        if received.external_incidents:
            await self._remember(received.external_incidents)
        found: list[Found] = []
        for request in received.commands:
            found += await self._find(request)
        now = self._clock.now()
        commands: list[Event | None] = [_event(about, now) for about in found]
        events: list[Event] = [AlertSeen(now, alert) for alert in received.alerts]
        events += received.undelivered
        events += [command for command in commands if command]
        reasons: list[Reason] = []
        for start in range(0, len(events), BATCH):
            reasons += await self._inbox.submit(events[start : start + BATCH])
        if received.beats or (received.alerts and self._beats.by_alerts):
            await self._beats.record(received.alerts, received.beats)
        on_alerts = reasons[: len(received.alerts)]
        declared = [pair for pair in zip(received.alerts, on_alerts, strict=True) if pair[0].by]
        results: Sequence[CommandResult] = ()
        if declared or found or received.listing:
            on_commands = iter(reasons[len(received.alerts) + len(received.undelivered) :])
            handled = [
                (about, next(on_commands) if command else None)
                for about, command in zip(found, commands, strict=True)
            ]
            results = await self._results(declared, handled, received.listing)
        dropped = [reason.value for reason in on_alerts if reason in DROPPED]
        recorded, ignored = 0, received.ignored
        if received.deployed:
            recorded, ignored = await self._deployed(received)
        return Processed(Counter(dropped) if dropped else {}, results, recorded, ignored)

    async def send_ephemeral(self, kind: str, reply: EphemeralReply) -> None:
        """Send a reply that one person sees.

        A failure is logged only: the results are committed already.
        """
        if (sender := self._forms().get(kind)) is None:
            return
        try:
            async with asyncio.timeout(FORM_TIMEOUT):
                result = await sender.send_ephemeral(reply, self._clock.now())
        except TimeoutError:
            result = Retry("no answer in time")
        if not isinstance(result, Sent):
            log.warning("ephemeral_reply_failed", source=kind, why=result.reason)

    async def _open(self, kind: str, form: Form) -> None:
        """Raises: aiohttp's HTTPBadGateway, which the service shows to the person as a failure."""
        if (sender := self._forms().get(kind)) is None:
            raise web.HTTPBadGateway(text="no channel has buttons any more")
        try:
            async with asyncio.timeout(FORM_TIMEOUT):
                result = await sender.open(form, self._clock.now())
        except TimeoutError:
            raise web.HTTPBadGateway(text="the form didn't open in time") from None
        if not isinstance(result, Sent):
            log.warning("form_not_opened", source=kind, why=result.reason)
            raise web.HTTPBadGateway(text=f"the form wasn't opened: {result.reason}")

    async def _remember(self, incidents: Mapping[str, ExternalIncident]) -> None:
        """Store the incident for each name at another service: later webhooks may give only a name.

        Raises: StoreUnavailable.
        """
        for name, incident in incidents.items():
            if await self._external.get(name) is None:
                await self._external.add(name, incident, self._clock.now())

    async def _find(self, request: CommandRequest) -> Sequence[Found]:
        """Fill in the incidents that the request is about. Empty: no such incident."""
        if request.alert:
            return await find_alert(self._store, request, request.alert)
        if request.ref:
            rows = await self._store.notifications(ref=request.ref, limit=1)
            return [
                Found(replace(request, incident_id=row.incident_id), row.channel) for row in rows
            ]
        if request.external and request.incident_id is None:
            incident = await self._external.get(request.external)
            if incident is None:
                return []
            number, reopened = incident.incident_id, incident.reopened
            return [Found(replace(request, incident_id=number, reopened=reopened))]
        if request.incident_id is not None or request.command is None:
            return [Found(request)]
        found = await self._store.incidents(statuses=OPEN, limit=2)
        return [Found(replace(request, incident_id=found[0].id) if len(found) == 1 else request)]

    async def _results(
        self,
        declared: Sequence[tuple[Alert, Reason]],
        handled: Sequence[tuple[Found, Reason | None]],
        listing: AlertListing | None,
    ) -> Sequence[CommandResult]:
        """The results for declared alerts, commands and questions, and the alerts to list."""
        results = [await self._declared(alert, reason) for alert, reason in declared]
        for about, reason in handled:
            request, number = about.request, about.request.incident_id
            incident = None if number is None else await self._store.incident(number)
            are_open: Sequence[Incident] = ()
            if number is None and not request.alert:
                are_open = await self._store.incidents(statuses=OPEN, limit=SHOWN)
            results.append(CommandResult(request, reason, incident, are_open, about.alert))
        return [*results, *(await listed(self._store, listing) if listing else ())]

    async def _declared(self, alert: Alert, reason: Reason) -> CommandResult:
        """The result for an alert that a person declared."""
        incident = await joined(self._store, alert)
        request = CommandRequest(incident.id if incident else None, None, alert.by)
        return CommandResult(request, reason, incident)

    async def _deployed(self, received: Received) -> tuple[int, str]:
        recorded, ignored = 0, received.ignored
        for deployment in received.deployed:
            reason, _ = await self._recorder.record(deployment)
            if reason is Reason.DEPLOYMENT_RECORDED:
                recorded += 1
            else:
                ignored = row(reason).refusal.capitalize()
        return recorded, ignored


def _event(found: Found, now: float) -> Event | None:
    request = found.request
    if request.ends:
        return ended(found, now)
    if request.command is None or request.incident_id is None:
        return None
    return Commanded(
        now,
        request.incident_id,
        request.by,
        request.command,
        request.text,
        request.severity,
        receipt=request.receipt,
        reopened=request.reopened,
        via=found.via,
        dated=request.dated,
        until=None if request.seconds is None else now + request.seconds,
        other=request.other,
    )

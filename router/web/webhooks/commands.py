"""What people ask for by a webhook: finds out what they mean, submits it, and says what was
decided.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from aiohttp import web
from msgspec.structs import replace

from router.model.alert import Alert
from router.model.event import Commanded
from router.model.incident import OPEN
from router.model.notification import Retry, Sent
from router.model.reason import Reason
from router.ports.channels import FormSender
from router.ports.clock import Clock
from router.ports.services import Inbox
from router.ports.store import Store
from router.ports.webhooks import (
    CommandRequest,
    CommandResult,
    EphemeralReply,
    ExternalIncident,
    Form,
)
from router.records.records import Records
from router.telemetry.logs import logger
from router.web.api.manual_alert import report

log = logger(__name__)

SHOWN = 20
"""How many open incidents are shown at most to somebody who asks for them."""

PATIENCE = 2.0
"""Seconds for a form to open. Slack gives three, of which some are on the way here."""


class Answers:
    """Stands between the webhooks and the door.

    `forms` are the senders that can show forms, by their source.
    """

    def __init__(
        self,
        inbox: Inbox,
        store: Store,
        clock: Clock,
        forms: Callable[[], Mapping[str, FormSender]],
    ) -> None:
        self._inbox = inbox
        self._store = store
        self._clock = clock
        self._forms = forms
        self._twins = Records(store, "twin", ExternalIncident)

    async def meet(self, twins: Mapping[str, ExternalIncident]) -> None:
        """Remember what another service calls incidents of ours: not each of its webhooks says both
        names.

        Raises: StoreUnavailable.
        """
        for name, twin in twins.items():
            if await self._twins.get(name) is None:
                await self._twins.add(name, twin, self._clock.now())

    async def obey(self, asked: Sequence[CommandRequest]) -> list[CommandResult]:
        """Do what's asked, all of it in one transaction. What is about nothing here isn't among
        what's handled.

        Raises: Overloaded, StoreUnavailable.
        """
        meant = [found for one in asked if (found := await self._meant(one))]
        events = [_command(one, via, self._clock.now()) for one, via in meant]
        reasons = iter(await self._inbox.submit([event for event in events if event]))
        decided = [next(reasons) if event else None for event in events]
        return [
            await self._handled(one, reason)
            for (one, _), reason in zip(meant, decided, strict=True)
        ]

    async def report(self, alerts: Sequence[Alert]) -> list[CommandResult]:
        """Open what people report. Raises: Overloaded, StoreUnavailable."""
        handled = []
        for alert in alerts:
            reason, incident = await report(self._inbox, self._store, alert)
            asked = CommandRequest(incident.id if incident else None, None, alert.by)
            handled.append(CommandResult(asked, reason, incident))
        return handled

    async def open(self, source: str, forms: Sequence[Form]) -> None:
        """Raises: aiohttp's HTTPBadGateway, so that whoever asked for a form sees that there's
        none.
        """
        for form in forms:
            if (opener := self._forms().get(source)) is None:
                raise web.HTTPBadGateway(text="no channel has buttons any more")
            try:
                async with asyncio.timeout(PATIENCE):
                    result = await opener.open(form, self._clock.now())
            except TimeoutError:
                raise web.HTTPBadGateway(text="the form didn't open in time") from None
            if not isinstance(result, Sent):
                log.warning("form_not_opened", source=source, why=result.reason)
                raise web.HTTPBadGateway(text=f"the form wasn't opened: {result.reason}")

    async def whisper(self, source: str, aside: EphemeralReply) -> None:
        """What was decided stands, whether they hear of it or not."""
        if (opener := self._forms().get(source)) is None:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                result = await opener.whisper(aside, self._clock.now())
        except TimeoutError:
            result = Retry("no answer in time")
        if not isinstance(result, Sent):
            log.warning("aside_not_said", source=source, why=result.reason)

    async def _meant(self, asked: CommandRequest) -> tuple[CommandRequest, str] | None:
        """With the incident that's meant, and the channel whose message it's about; None where
        there's no such one.
        """
        if asked.ref:
            rows = await self._store.notifications(ref=asked.ref, limit=1)
            return (
                (replace(asked, incident_id=rows[0].incident_id), rows[0].channel) if rows else None
            )
        if asked.twin and asked.incident_id is None:
            twin = await self._twins.get(asked.twin)
            return (
                (replace(asked, incident_id=twin.incident_id, reopened=twin.reopened), "")
                if twin
                else None
            )
        if asked.incident_id is not None or asked.command is None:
            return asked, ""
        found = await self._store.incidents(statuses=OPEN, limit=2)
        return (replace(asked, incident_id=found[0].id) if len(found) == 1 else asked), ""

    async def _handled(self, asked: CommandRequest, reason: Reason | None) -> CommandResult:
        if asked.incident_id is None:
            return CommandResult(
                asked, None, None, await self._store.incidents(statuses=OPEN, limit=SHOWN)
            )
        return CommandResult(asked, reason, await self._store.incident(asked.incident_id))


def _command(asked: CommandRequest, via: str, now: float) -> Commanded | None:
    if asked.command is None or asked.incident_id is None:
        return None
    return Commanded(
        now,
        asked.incident_id,
        asked.by,
        asked.command,
        asked.text,
        asked.severity,
        receipt=asked.receipt,
        reopened=asked.reopened,
        via=via,
        dated=asked.dated,
    )

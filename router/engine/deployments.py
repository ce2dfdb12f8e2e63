"""Deployments: stored before the request is answered, then linked to incidents they may explain.

Recent deployments are part of the live settings, so an incident finds its suspect when it opens. A
deployment that is reported late is an event for each open incident. Both can be repeated without
harm. Channels that want deployment events get one in the transaction that stores the deployment.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Sequence

from router.core.deployments.suspect import FARTHEST, is_suspect, merged, placed
from router.core.incident.settings import Settings
from router.core.incident.snapshot import Writes
from router.model.decision import Queued
from router.model.deployment import Deployment, DeployOutcome
from router.model.event import Deployed
from router.model.incident import OPEN
from router.model.notification import Notification, Rejected
from router.model.outbox import OutboxKind
from router.model.reason import Reason
from router.ports.channels import Announcer
from router.ports.clock import Clock
from router.ports.errors import StaleRecord, StoreUnavailable
from router.ports.services import Inbox, Performed
from router.ports.store import Store
from router.records.records import Records
from router.telemetry.logs import logger

log = logger(__name__)

KIND = "deployment"

EARLIER = 200
"""Maximum earlier deployments in which the previous version is searched."""

OPENED = 1000
"""Maximum open incidents that a deployment is compared with."""

TRIES = 20
"""Attempts to store a deployment that other replicas write at the same time."""


class Recent:
    """Possible suspects, for `window` seconds each: a `router.engine.live_settings.Stored`."""

    def __init__(
        self, records: Records[Deployment], clock: Clock, window: Callable[[], float]
    ) -> None:
        self._records = records
        self._clock = clock
        self._window = window
        self._recent: tuple[Deployment, ...] = ()

    async def read(self) -> None:
        """Raises: StoreUnavailable."""
        found = await self._records.find(since=self._clock.now() - self._window() - FARTHEST)
        self._recent = tuple(
            deployment for _, deployment in found if deployment.outcome is DeployOutcome.SUCCESS
        )

    def over(self, settings: Settings) -> Settings:
        return dataclasses.replace(settings, deployments=settings.deployments.knowing(self._recent))


class DeploymentEvents:
    """Sends deployment events to one channel. A `router.ports.services.Performer`."""

    def __init__(self, records: Records[Deployment], announcer: Announcer, clock: Clock) -> None:
        self._records = records
        self._announcer = announcer
        self._clock = clock

    async def __call__(self, row: Notification) -> Performed:
        deployment = await self._records.get(row.subject)
        if deployment is None:
            return Performed(Rejected("the deployment is no longer stored"))
        return Performed(await self._announcer.announce(deployment, self._clock.now()))


class Deployments:
    """A `router.ports.services.DeploymentRecorder`.

    `channels` get an event for each deployment that succeeds; `wake` wakes them.
    """

    def __init__(  # noqa: PLR0913 - the parts it stands between
        self,
        records: Records[Deployment],
        store: Store,
        inbox: Inbox,
        clock: Clock,
        *,
        settings: Callable[[], Settings],
        channels: Callable[[], Sequence[str]],
        refresh: Callable[[], Awaitable[None]],
        wake: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        self._records = records
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._settings = settings
        self._channels = channels
        self._refresh = refresh
        self._wake = wake

    async def record(self, reported: Deployment) -> tuple[Reason, Deployment]:
        """Raises: Overloaded, StoreUnavailable."""
        reported = placed(reported, self._settings().deployments)
        if not reported.services:
            return Reason.DEPLOYMENT_ELSEWHERE, reported
        before, known = await self._keep(reported)
        if known is None:
            assert before is not None
            reason, known = Reason.REPLAYED, before
        else:
            reason = Reason.DEPLOYMENT_RECORDED
            log.info(
                "deployment",
                deployment=known.name,
                services=list(known.services),
                outcome=known.outcome.value,
            )
        # Also for a known deployment: the router may have crashed before linking it to incidents.
        await self._refresh()
        await self._tell(known)
        return reason, known

    async def _keep(self, reported: Deployment) -> tuple[Deployment | None, Deployment | None]:
        """Store the deployment, and the messages to channels.

        Returns it before and after; None if nothing changed.
        """
        now = self._clock.now()
        earlier = [
            deployment
            for _, deployment in await self._records.find(until=reported.at, limit=EARLIER)
        ]
        before: Deployment | None = None

        def change(stored: Deployment | None) -> Deployment | None:
            nonlocal before
            before = stored
            return merged(stored, reported, earlier)

        for _ in range(TRIES):
            known, stocked = await self._records.prepare(reported.id, change, reported.at)
            if known is None or stocked is None:
                return before, None
            succeeds = known.outcome is DeployOutcome.SUCCESS and (
                before is None or before.outcome is not known.outcome
            )
            channels = self._channels() if succeeds else ()
            try:
                await self._store.save(
                    Writes(records=[stocked], queued=_queued(known, channels, now))
                )
            except StaleRecord:
                continue
            self._wake(channels)
            return before, known
        raise StoreUnavailable("too many concurrent writes to the same deployment")

    async def _tell(self, known: Deployment) -> None:
        deploys = self._settings().deployments
        found = await self._store.incidents(statuses=OPEN, limit=OPENED)
        now = self._clock.now()
        await self._inbox.submit(
            [
                Deployed(now, incident.id, known)
                for incident in found
                if is_suspect(known, incident, deploys)
            ]
        )


def _queued(deployment: Deployment, channels: Sequence[str], now: float) -> list[Queued]:
    reason, kind = Reason.DEPLOYMENT_RECORDED, OutboxKind.DEPLOYMENT
    return [Queued(0, channel, reason, now, kind, deployment.id) for channel in channels]

"""Deployments: kept before whoever tells of one is answered, and then told to the incidents that it
may have caused.

The recent ones are part of the settings in force, so that an incident that opens finds its suspect
in the one decision. A deployment that is told of late comes as an event to each open incident. Both
can be done again without harm.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Sequence

from router.core.deployments.suspect import FARTHEST, is_suspect, merged, placed
from router.core.incident.settings import Settings
from router.core.incident.snapshot import Writes
from router.engine.announce import announcements
from router.model.deployment import Deployment, DeployOutcome
from router.model.event import Deployed
from router.model.incident import OPEN
from router.model.reason import Reason
from router.ports.clock import Clock
from router.ports.errors import StaleRecord, StoreUnavailable
from router.ports.services import Inbox
from router.ports.store import Store
from router.records.records import Records
from router.telemetry.logs import logger

log = logger(__name__)

KIND = "deployment"

EARLIER = 200
"""Deployments that are looked through for the one that ran before."""

OPENED = 1000
"""Open incidents that are told of a deployment."""

TRIES = 20
"""How often it's decided anew on what somebody else has just written."""


class Recent:
    """A `router.engine.live_settings.Stored`: the deployments that may be suspects.

    `window` is how long they are.
    """

    def __init__(
        self, shelf: Records[Deployment], clock: Clock, window: Callable[[], float]
    ) -> None:
        self._shelf = shelf
        self._clock = clock
        self._window = window
        self._recent: tuple[Deployment, ...] = ()

    async def read(self) -> None:
        """Raises: StoreUnavailable."""
        found = await self._shelf.find(since=self._clock.now() - self._window() - FARTHEST)
        self._recent = tuple(one for _, one in found if one.outcome is DeployOutcome.SUCCESS)

    def over(self, settings: Settings) -> Settings:
        return dataclasses.replace(settings, deployments=settings.deployments.knowing(self._recent))


class Deployments:
    """A `router.ports.services.Recorder`.

    `channels` are those that are told of each deployment that succeeds.
    """

    def __init__(  # noqa: PLR0913 - the parts it stands between
        self,
        shelf: Records[Deployment],
        store: Store,
        inbox: Inbox,
        clock: Clock,
        *,
        settings: Callable[[], Settings],
        channels: Callable[[], Sequence[str]],
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        self._shelf = shelf
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._settings = settings
        self._channels = channels
        self._refresh = refresh

    async def record(self, told: Deployment) -> tuple[Reason, Deployment]:
        """Raises: Overloaded, StoreUnavailable."""
        told = placed(told, self._settings().deployments)
        if not told.services:
            return Reason.DEPLOYMENT_ELSEWHERE, told
        before, known = await self._keep(told)
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
        # Also for one that's known: the router may have died between keeping it and telling of it.
        await self._refresh()
        await self._tell(known)
        return reason, known

    async def _keep(self, told: Deployment) -> tuple[Deployment | None, Deployment | None]:
        """What was known before, and what is now; None if it says nothing new.

        Who is to be told is kept with it.
        """
        now = self._clock.now()
        earlier = [one for _, one in await self._shelf.find(until=told.at, limit=EARLIER)]
        before: Deployment | None = None

        def change(stored: Deployment | None) -> Deployment | None:
            nonlocal before
            before = stored
            return merged(stored, told, earlier)

        for _ in range(TRIES):
            known, stocked = await self._shelf.prepare(told.id, change, told.at)
            if known is None or stocked is None:
                return before, None
            succeeds = known.outcome is DeployOutcome.SUCCESS and (
                before is None or before.outcome is not known.outcome
            )
            owed = announcements(known, self._channels(), now) if succeeds else []
            try:
                await self._store.save(Writes(records=[stocked, *owed]))
            except StaleRecord:
                continue
            return before, known
        raise StoreUnavailable("lost the race for the same deployment too often")

    async def _tell(self, known: Deployment) -> None:
        deploys = self._settings().deployments
        found = await self._store.incidents(statuses=OPEN, limit=OPENED)
        now = self._clock.now()
        await self._inbox.submit(
            [Deployed(now, one.id, known) for one in found if is_suspect(known, one, deploys)]
        )

"""Tells channels of deployments that succeeded: lease, send, settle, as with messages about
incidents.

One that's owed is a document that is gone once it's sent. A crash in between sends it again when
its lease ends: it wakes nobody, so twice is no harm.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from router.core.outbox.backoff import next_delay
from router.model.deployment import Deployment
from router.model.notification import Retry, Sent, Uncertain
from router.model.record import Record
from router.ports.channels import Announcer
from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.ports.store import Store
from router.records.records import Records
from router.telemetry.logs import logger

log = logger(__name__)

KIND = "announcement"

POLL = 2.0
"""Seconds between two looks at what is owed."""

LEASE = 60.0
"""Seconds in which one that was claimed is sent and settled."""

GIVE_UP = 86_400.0
"""Seconds after which one is given up: a day-old deployment is no news."""


class Announcement(Struct, frozen=True):
    """A channel is owed word of a deployment.

    Nobody else takes it before `due_at` (UTC seconds).
    """

    deployment: Deployment
    channel: str
    owed_at: float
    due_at: float
    attempts: int = 0


def announcements(deployment: Deployment, channels: Sequence[str], now: float) -> list[Record]:
    """What is owed when a deployment succeeds, to be written with it."""
    return [
        Record(
            KIND,
            f"{deployment.id}:{now}:{channel}",
            now,
            1,
            msgspec.json.encode(Announcement(deployment, channel, now, now)).decode(),
        )
        for channel in channels
    ]


class Announcements:
    """Sends what is owed. `channels` are those there are now; one that isn't may come back."""

    def __init__(
        self, store: Store, clock: Clock, channels: Callable[[], Mapping[str, Announcer]]
    ) -> None:
        self._channels = channels
        self._shelf = Records(store, KIND, Announcement)
        self._clock = clock

    async def run(self) -> None:
        """Look, for ever."""
        never = asyncio.Event()
        while True:
            try:
                await self.round()
            except StoreUnavailable as error:
                log.warning("announcing_waits", error=str(error))
            await self._clock.wait(never, POLL)

    async def round(self) -> None:
        """Send what is due. Raises: StoreUnavailable."""
        for record_id, found in reversed(await self._shelf.find()):
            if found.due_at <= self._clock.now() and (held := await self._claim(record_id, found)):
                await self._send(record_id, held)

    async def _claim(self, record_id: str, found: Announcement) -> Announcement | None:
        """Hold it, unless somebody else does by now."""
        held = replace(found, due_at=self._clock.now() + LEASE, attempts=found.attempts + 1)
        return await self._shelf.change(
            record_id, lambda now: held if now == found else None, found.owed_at
        )

    async def _send(self, record_id: str, held: Announcement) -> None:
        now, channel = self._clock.now(), self._channels().get(held.channel)
        result = (
            await channel.announce(held.deployment, now)
            if channel
            else Retry("there's no such channel")
        )
        if isinstance(result, Retry | Uncertain) and now - held.owed_at < GIVE_UP:
            after = result.after if isinstance(result, Retry) else None
            delay = next_delay(held.attempts, retry_after=after, jitter=random.random())  # noqa: S311
            due = replace(held, due_at=now + delay)
            await self._shelf.change(record_id, lambda _: due, held.owed_at)
            return
        if not isinstance(result, Sent):
            log.warning("announcement_given_up", channel=held.channel, error=result.reason)
        await self._shelf.remove(record_id)

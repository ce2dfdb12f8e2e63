"""Keeps what is heard of heartbeats, and lets the rules know when one stays away or comes back.

A beat is committed before whoever sent it is answered. One loop does the rest: what a heartbeat is
by now, and what the rules were told of it, are compared, and the difference goes through the one
door as an alert. It's noted as told only after that. So a crash in between tells it again, which
has no second effect.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from router.core.rules.heartbeat import (
    ALERTS,
    Beats,
    Heartbeat,
    Seen,
    beaten,
    expected,
    heard,
    news,
    over,
    seen,
)
from router.model.alert import Alert
from router.model.event import AlertSeen, Event
from router.model.reason import Reason
from router.ports.clock import Clock
from router.ports.errors import Overloaded, StoreUnavailable
from router.ports.services import Inbox
from router.ports.store import Store
from router.records.records import Records
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics

log = logger(__name__)

KIND = "heartbeat"
"""The records' kind."""

POLL = 10.0
"""The longest time between two looks, in seconds: another replica may have heard what this one
hasn't.
"""


RETRY = 1.0
"""Seconds after which it looks again when the store couldn't be asked."""

MOST = 10_000
"""Heartbeats that are remembered at the most."""


class Heartbeats:
    """An `Inbox` that listens for the alerts that are beats, beside those who request a URL; and
    the loop.

    `expected` are the heartbeats of the config in force; `wake` the loop when they change.
    """

    def __init__(
        self,
        expected: Callable[[], Mapping[str, Heartbeat]],
        inbox: Inbox,
        store: Store,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._expected = expected
        self._inbox = inbox
        self._shelf = Records(store, KIND, Beats)
        self._clock = clock
        self._metrics = metrics
        self._started = clock.now()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There's something to look at."""
        self._wake.set()

    async def submit(self, events: Sequence[Event]) -> Sequence[Reason]:
        """What the inbox says; whatever of it is a beat is committed, too.

        Raises: Overloaded, StoreUnavailable.
        """
        reasons = await self._inbox.submit(events)
        alerts = (event.alert for event in events if isinstance(event, AlertSeen))
        for name in heard(self._expected().values(), alerts):
            await self.beat(name)
        return reasons

    async def beat(self, name: str, *, failed: bool = False) -> None:
        """It came, or said that something failed: committed when this returns.

        Raises: StoreUnavailable.
        """
        heartbeat, now = self._expected()[name], self._clock.now()
        await self._shelf.change(
            name, lambda before: beaten(expected(heartbeat, before, now), now, failed=failed), now
        )
        self.wake()

    async def look(self) -> list[Seen]:
        """How each is now. Raises: StoreUnavailable."""
        now, known = self._clock.now(), dict(await self._shelf.find(limit=MOST))
        return [
            seen(heartbeat, known.get(name), now, self._started)
            for name, heartbeat in self._expected().items()
        ]

    # --- the loop

    async def run(self) -> None:
        """Tell what is to be told as soon as it's due, for ever."""
        while True:
            self._wake.clear()
            try:
                pause = await self.round()
            except (StoreUnavailable, Overloaded) as error:
                log.warning("heartbeats_wait", error=str(error))
                pause = RETRY
            await self._clock.wait(self._wake, pause)

    async def round(self) -> float:
        """Tell what is to be told now.

        Seconds until the next look is due. Raises: StoreUnavailable, Overloaded.
        """
        now, known = self._clock.now(), dict(await self._shelf.find(limit=MOST))
        all_seen = [
            seen(one, known.get(name), now, self._started) for name, one in self._expected().items()
        ]
        for one in all_seen:
            if one.beats.told is not one.state or one.beats != known.get(one.heartbeat.name):
                await self._tell(one, now)
        for name in known.keys() - self._expected().keys():
            await self._forget(name, known[name], now)
        self._metrics.heard(
            {one.heartbeat.name: (one.beats.last, one.state in ALERTS) for one in all_seen}
        )
        return min((POLL, *(one.missed_at - now for one in all_seen if one.state not in ALERTS)))

    async def _tell(self, one: Seen, now: float) -> None:
        heartbeat, state = one.heartbeat, one.state
        if state in ALERTS:
            log.warning("heartbeat_missed", heartbeat=heartbeat.name, state=state.value)
        await self._submit(news(heartbeat.name, one.beats, state, now), now)
        # A beat may have come meanwhile: it stays, and what follows from it is told in the next
        # round.
        told = lambda before: replace(expected(heartbeat, before, now), told=state)  # noqa: E731
        await self._shelf.change(heartbeat.name, told, now)

    async def _forget(self, name: str, beats: Beats, now: float) -> None:
        """It's in the config no more: nothing will come that ends its incident."""
        await self._submit(over(name, beats.told, now), now)
        await self._shelf.remove(name)

    async def _submit(self, alerts: Sequence[Alert], now: float) -> None:
        await self._inbox.submit([AlertSeen(now, alert) for alert in alerts])

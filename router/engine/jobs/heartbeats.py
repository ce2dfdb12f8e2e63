"""Records heartbeats, and reports to the rules when one is missed or comes back.

A beat is committed before its sender gets an answer. A loop compares the state of each heartbeat
with the state that was last reported, and submits the difference as an alert. Only after that it
stores the state as reported, so a crash in between reports it again, which has no second effect.
"""

import asyncio
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from router.core.rules.heartbeat import (
    ALERTS,
    Beats,
    Heartbeat,
    HeartbeatStatus,
    beats_among,
    ending,
    expected,
    reports,
    status_of,
    with_beat,
)
from router.model.alert import Alert
from router.model.event import AlertSeen
from router.ports.clock import Clock
from router.ports.errors import InvalidInput, Overloaded, StoreUnavailable
from router.ports.services import Inbox
from router.ports.store import Store
from router.records.records import Records
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics

log = logger(__name__)

KIND = "heartbeat"
"""The kind of the records."""

POLL = 10.0
"""Maximum seconds between two rounds: another replica may have received a beat."""


RETRY = 1.0
"""Seconds until the next round if the store is unavailable."""

MOST = 10_000
"""Maximum heartbeats that are stored."""


class Heartbeats:
    """Receives beats, by alerts and by requests, and runs the loop.

    `expected` are the heartbeats of the config, by name; `by_alerts` those whose beats are alerts.
    """

    def __init__(
        self,
        expected: Mapping[str, Heartbeat],
        inbox: Inbox,
        store: Store,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._expected = expected
        self.by_alerts = _by_alerts(expected)
        self._inbox = inbox
        self._records = Records(store, KIND, Beats)
        self._clock = clock
        self._metrics = metrics
        self._started = clock.now()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Start the next round now."""
        self._wake.set()

    def expect(self, expected: Mapping[str, Heartbeat]) -> None:
        """Expect these heartbeats from now on."""
        self._expected, self.by_alerts = expected, _by_alerts(expected)
        self.wake()

    async def record(self, alerts: Sequence[Alert], names: Sequence[str] = ()) -> None:
        """Commit the beats among the alerts, and those of the named heartbeats.

        Raises: StoreUnavailable; InvalidInput if no heartbeat by request has such a name.
        """
        for name in names:
            heartbeat = self._expected.get(name)
            if heartbeat is None or heartbeat.matchers:
                raise InvalidInput(f"no heartbeat '{name}' by request is configured")
            await self.beat(name)
        if self.by_alerts:
            for name in beats_among(self.by_alerts, alerts):
                await self.beat(name)

    async def beat(self, name: str, *, failed: bool = False) -> None:
        """Commit a beat, or a report that the job failed. Raises: StoreUnavailable."""
        heartbeat, now = self._expected[name], self._clock.now()
        await self._records.change(
            name,
            lambda before: with_beat(expected(heartbeat, before, now), now, failed=failed),
            now,
        )
        self.wake()

    async def statuses(self) -> list[HeartbeatStatus]:
        """The state of each heartbeat now. Raises: StoreUnavailable."""
        now, known = self._clock.now(), dict(await self._records.find(limit=MOST))
        return [
            status_of(heartbeat, known.get(name), now, self._started)
            for name, heartbeat in self._expected.items()
        ]

    # --- the loop

    async def run(self) -> None:
        """Report each change as soon as it is due, forever."""
        while True:
            self._wake.clear()
            try:
                pause = await self.round()
            except (StoreUnavailable, Overloaded) as error:
                log.warning("heartbeats_wait", error=str(error))
                pause = RETRY
            await self._clock.wait(self._wake, pause)

    async def round(self) -> float:
        """Report all changes. Returns the seconds until the next round.

        Raises: StoreUnavailable, Overloaded.
        """
        now, known = self._clock.now(), dict(await self._records.find(limit=MOST))
        statuses = [
            status_of(heartbeat, known.get(name), now, self._started)
            for name, heartbeat in self._expected.items()
        ]
        for status in statuses:
            if status.beats.reported is not status.state or status.beats != known.get(
                status.heartbeat.name
            ):
                await self._report(status, now)
        for name in known.keys() - self._expected.keys():
            await self._forget(name, known[name], now)
        self._metrics.heard(
            {
                status.heartbeat.name: (status.beats.last, status.state in ALERTS)
                for status in statuses
            }
        )
        return min(
            (POLL, *(status.missed_at - now for status in statuses if status.state not in ALERTS))
        )

    async def _report(self, status: HeartbeatStatus, now: float) -> None:
        heartbeat, state = status.heartbeat, status.state
        if state in ALERTS:
            log.warning("heartbeat_missed", heartbeat=heartbeat.name, state=state.value)
        await self._submit(reports(heartbeat.name, status.beats, state, now), now)
        # Keep a beat that arrived in the meantime: the next round reports its effect.
        reported = lambda before: replace(expected(heartbeat, before, now), reported=state)  # noqa: E731
        await self._records.change(heartbeat.name, reported, now)

    async def _forget(self, name: str, beats: Beats, now: float) -> None:
        """End the incident of a heartbeat that was removed from the config: no beat will end it."""
        await self._submit(ending(name, beats.reported, now), now)
        await self._records.remove(name)

    async def _submit(self, alerts: Sequence[Alert], now: float) -> None:
        await self._inbox.submit([AlertSeen(now, alert) for alert in alerts])


def _by_alerts(expected: Mapping[str, Heartbeat]) -> list[Heartbeat]:
    """The heartbeats whose beats are alerts."""
    return [heartbeat for heartbeat in expected.values() if heartbeat.matchers]

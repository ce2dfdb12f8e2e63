"""The leases of this process, and whether it still holds them.

On a shared database each replica writes a heartbeat every `BEAT` seconds. If a replica's heartbeats
stop, any other replica, even one that has just started, ends its leases and takes over within
`BURIED + BEAT` seconds. A replica that was paused and resumed gives up its leases itself if its
last heartbeat is `VALID` seconds old, which is before others remove it, and continues under a new
name. Ages are by the database's clock, so the clocks of replicas need not agree; if that clock
jumps, replicas count heartbeats instead.
"""

import asyncio
import uuid
from collections.abc import Mapping

from router.ports.clock import BootClock, Clock, SharedClock
from router.ports.errors import StoreUnavailable
from router.ports.store import Beat, Beats, Store
from router.telemetry.logs import logger

log = logger(__name__)

BEAT = 1.5
"""Seconds between two heartbeats."""

VALID = 4.0
"""Seconds after its last heartbeat for which a replica may use its leases."""

BURIED = 5.0
"""Seconds after its last heartbeat at which a replica is considered dead. More than `VALID`."""

LOOKS = 3
"""A replica is considered dead, whatever the clocks say, if this many checks in a row find no new
heartbeat of it. Each heartbeat of this process is followed by a check. `BEAT * LOOKS` is more than
`VALID`.
"""

SLOW = 0.5
"""If a heartbeat takes longer, in seconds, it doesn't show the database's time precisely enough."""

JUMP = 3.0
"""Maximum seconds that the database's clock may drift between two heartbeats before that counts as
a jump, and by which this host's clock may differ from it without a warning.
"""


class Ownership:
    """The name under which this process takes leases. A store with one process needs no heartbeats.

    clock: a clock that nobody sets. time: the router's clock, which follows the database's clock
    with each heartbeat.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock | None = None,
        name: str = "",
        time: SharedClock | None = None,
    ) -> None:
        self.name = name or uuid.uuid4().hex
        self._store = store
        self._clock = clock or BootClock()
        self._time = time
        self._differs = False
        self._beaten_at = self._clock.now()
        self._has_beaten = False
        self._counted_until = self._beaten_at
        self._seen: dict[str, tuple[int, int]] = {}

    def holds(self, lease: str) -> bool:
        """Check if a lease is still held: its text is a name like this one, or begins with it."""
        if not self._store.shared:
            return True
        return lease.partition(":")[0] == self.name and self._clock.now() - self._beaten_at < VALID

    async def start(self) -> None:
        """Write heartbeats until the database's time is known. Raises: StoreUnavailable."""
        for _ in range(LOOKS if self._store.shared else 0):
            before = self._clock.now()
            await self.beat()
            if self._clock.now() - before < SLOW:
                break

    async def run(self) -> None:
        """Write heartbeats until cancelled."""
        never = asyncio.Event()
        while True:
            await self._clock.wait(never, BEAT)
            if not self._store.shared:
                continue
            try:
                await self.beat()
            except StoreUnavailable as error:
                log.warning(
                    "heartbeat_missed",
                    error=str(error),
                    consequence=f"leases end after {VALID:g} s",
                )

    async def beat(self) -> None:
        """Write a heartbeat, and end the leases of dead replicas.

        Raises: StoreUnavailable.
        """
        now = self._clock.now()
        if self._has_beaten and now - self._beaten_at >= VALID:
            await self._lose(now)
        beats = await self._store.beat(self.name)
        if self._has_beaten and self.name not in beats.of:  # another replica has removed this one
            await self._lose(now)
            beats = await self._store.beat(self.name)
        self._follow(beats, self._clock.now() - now)
        self._notice_jump(beats.of, now)
        self._beaten_at, self._has_beaten = now, True
        if dead := self._dead(beats.of, now):
            log.warning("took_over", owners=dead)
            await self._store.remove_owners(*dead)

    async def _lose(self, now: float) -> None:
        lost, self.name, self._has_beaten = self.name, uuid.uuid4().hex, False
        away = round(now - self._beaten_at, 1)
        log.warning("leases_lost", away=away, consequence="other replicas take over its leases")
        await self._store.remove_owners(lost)

    def _follow(self, beats: Beats, took: float) -> None:
        if self._time is None:
            return
        ahead = self._time.follow(beats.now, took)
        before, self._differs = self._differs, abs(ahead) > JUMP
        if self._differs and not before:
            log.warning(
                "clock_differs",
                ahead=round(ahead, 1),
                consequence="the router uses the database's clock",
                what_to_do="check that NTP runs on this host and on the database's",
            )

    def _notice_jump(self, beats: Mapping[str, Beat], now: float) -> None:
        """After a jump, ignore the ages of heartbeats until all live replicas have written one."""
        own = beats.get(self.name)
        if own and abs(jump := own.age - (now - self._beaten_at)) > JUMP:
            self._counted_until = now + BURIED
            log.warning(
                "database_clock_jumped",
                by=round(jump, 1),
                what_to_do="check that NTP runs on the database's server",
            )

    def _dead(self, beats: Mapping[str, Beat], now: float) -> list[str]:
        seen, self._seen = self._seen, {}
        for name, beat in beats.items():
            before, looks = seen.get(name, (0, 0))
            self._seen[name] = (beat.number, looks + 1 if before == beat.number else 0)
        return [
            name
            for name, (_, looks) in self._seen.items()
            if name != self.name
            and (looks >= LOOKS or (now >= self._counted_until and beats[name].age >= BURIED))
        ]

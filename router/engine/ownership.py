"""The leases of this process, and whether it still holds them.

On a shared database each replica beats every `BEAT` seconds. One whose beats stop loses its leases:
any other replica, also one that has just started, ends them, and takes over within
`BURIED + BEAT` seconds. A replica that was stopped and resumed notices that it hasn't beaten for
`VALID` seconds, which is sooner than others remove it, and then holds nothing: it continues under a
new name. The age of a beat is by the database's clock, so the clocks of replicas need not agree; if
that clock jumps, beats are counted instead.
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
"""Seconds between two beats."""

VALID = 4.0
"""Seconds after its last beat for which a replica may act on its leases."""

BURIED = 5.0
"""Seconds after its last beat at which a replica is buried. More than `VALID`."""

LOOKS = 3
"""Looks, one at each beat, at which another replica's beats are unchanged before it's buried,
whatever the database's clock shows. `BEAT * LOOKS` is more than `VALID`.
"""

SLOW = 0.5
"""Seconds of a beat that leave the database's clock uncertain by as much."""

JUMP = 3.0
"""Seconds by which the database's clock and this process' own may differ between two beats, and
this host's clock from it without a warning.
"""


class Ownership:
    """The name under which this process takes leases. A store with one process needs no beats.

    clock: a steady one. time: the router's, which follows the database's at each beat.
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
        """Beat until the time of the database is known. Raises: StoreUnavailable."""
        for _ in range(LOOKS if self._store.shared else 0):
            before = self._clock.now()
            await self.beat()
            if self._clock.now() - before < SLOW:
                break

    async def run(self) -> None:
        """Beat until cancelled."""
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
        """Show that this replica lives, and end the leases of those that don't.

        Raises: StoreUnavailable.
        """
        now = self._clock.now()
        if self._has_beaten and now - self._beaten_at >= VALID:
            await self._lose(now)
        beats = await self._store.beat(self.name)
        if self._has_beaten and self.name not in beats.of:  # another replica has buried this one
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
        log.warning("leases_lost", away=away, consequence="others take them over")
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
                consequence="the router goes by the database's clock",
                what_to_do="check that this host and the database's keep their time, by NTP",
            )

    def _notice_jump(self, beats: Mapping[str, Beat], now: float) -> None:
        """Don't judge by the age of beats until all that live have beaten after a jump."""
        own = beats.get(self.name)
        if own and abs(jump := own.age - (now - self._beaten_at)) > JUMP:
            self._counted_until = now + BURIED
            log.warning(
                "database_clock_jumped",
                by=round(jump, 1),
                what_to_do="check that the database's server keeps its time, for example by NTP",
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

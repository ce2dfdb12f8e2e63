"""The leases of this process, and whether it still holds them.

On a shared database each replica beats every `BEAT` seconds. One whose beats stop loses its leases:
any other replica ends them, and takes over within `BEAT * (LOOKS + 1)` seconds. A replica that was
stopped and resumed notices that it hasn't beaten for `VALID` seconds, which is sooner than others
bury it, and then holds nothing: it continues under a new name. Only beats and this process'
own clock count, so clocks need not agree.
"""

import asyncio
import uuid
from collections.abc import Mapping

from router.ports.clock import Clock, MonotonicClock
from router.ports.errors import StoreUnavailable
from router.ports.store import Store
from router.telemetry.logs import logger

log = logger(__name__)

BEAT = 1.5
"""Seconds between two beats."""

VALID = 4.0
"""Seconds after its last beat for which a replica may act on its leases.

Less than `BEAT * LOOKS`.
"""

LOOKS = 3
"""Looks, one at each beat, at which another replica's beats are unchanged before it's buried."""


class Ownership:
    """The name under which this process takes leases. A store with one process needs no beats."""

    def __init__(self, store: Store, clock: Clock | None = None, name: str = "") -> None:
        self.name = name or uuid.uuid4().hex
        self._store = store
        self._clock = clock or MonotonicClock()
        self._beaten_at = self._clock.now()
        self._seen: dict[str, tuple[int, int]] = {}

    def holds(self, name: str) -> bool:
        """Return whether what was leased under this name is still held."""
        if not self._store.shared:
            return True
        return name == self.name and self._clock.now() - self._beaten_at < VALID

    async def start(self) -> None:
        """Beat for the first time. Raises: StoreUnavailable."""
        if self._store.shared:
            await self.beat()

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
        if now - self._beaten_at >= VALID:
            lost, self.name = self.name, uuid.uuid4().hex
            log.warning(
                "leases_lost",
                away=round(now - self._beaten_at, 1),
                consequence="others take them over",
            )
            await self._store.bury(lost)
        beats = await self._store.beat(self.name)
        self._beaten_at = now
        for dead in self._dead(beats):
            log.warning("took_over", owner=dead)
            await self._store.bury(dead)

    def _dead(self, beats: Mapping[str, int]) -> list[str]:
        seen, self._seen = self._seen, {}
        for name, count in beats.items():
            before, looks = seen.get(name, (0, 0))
            self._seen[name] = (count, looks + 1 if before == count else 0)
        return [
            name for name, (_, looks) in self._seen.items() if looks >= LOOKS and name != self.name
        ]

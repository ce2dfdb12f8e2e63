"""The live settings: those of the config, with stored changes and the router's start applied.

Overrides, silences and other settings that people change while the router runs are in the store.
This is the only place where both are combined. Code that stores a change calls `refresh` after the
commit and before the answer; other replicas see the change at their next check.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Protocol

from router.core.incident.settings import Settings
from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.telemetry.logs import logger

log = logger(__name__)

LOOK = 2.0
"""Seconds between checks for changes that other replicas have stored."""


class Stored(Protocol):
    """One kind of stored change that decisions depend on."""

    async def read(self) -> None:
        """Read the changes from the store.

        Raises: StoreUnavailable; then the changes read last still apply.
        """
        ...

    def over(self, settings: Settings) -> Settings:
        """Return `settings` with the changes applied.

        A change of something that `settings` don't have is left out.
        """
        ...


class LiveSettings:
    """Combines config and store, and calls `use` each time the result changes.

    `since` is the time of the last change, in UTC epoch seconds.
    """

    def __init__(
        self,
        configured: Settings,
        stored: Sequence[Stored],
        clock: Clock,
        use: Callable[[Settings], None],
    ) -> None:
        self.settings = configured
        self.since = clock.now()
        self._started = clock.now()
        self._configured = replace(configured, resumed_at=self._started)
        self._stored = stored
        self._clock = clock
        self._use = use
        self._reading = asyncio.Lock()

    def configure(self, configured: Settings) -> None:
        """Apply the stored changes to this config from now on."""
        self._configured = replace(configured, resumed_at=self._started)
        self._derive()

    async def refresh(self) -> None:
        """Read and apply the stored changes. Raises: StoreUnavailable."""
        async with (
            self._reading
        ):  # or a read that began earlier and ended later would undo this one
            for stored in self._stored:
                await stored.read()
            self._derive()

    async def run(self) -> None:
        """Check for changes until cancelled."""
        never = asyncio.Event()
        while True:
            await self._clock.wait(never, LOOK)
            try:
                await self.refresh()
            except StoreUnavailable as error:
                log.warning("stored_settings_wait", error=str(error))

    def _derive(self) -> None:
        settings = reduce(
            lambda settings, source: source.over(settings), self._stored, self._configured
        )
        if settings != self.settings:
            self.settings, self.since = settings, self._clock.now()
            self._use(settings)

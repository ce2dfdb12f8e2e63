"""The settings in force: those of the config, with what is stored laid over them.

What people set while the router runs (who stands in for whom, what is silenced) is in the store and
not in the config. Here is the one place where the two come together, so that a decision asks one
thing. Whoever stores something calls `refresh` after the commit and before the answer; other
replicas see it at their next look.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Protocol

from router.core.incident.settings import Settings
from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.telemetry.logs import logger

log = logger(__name__)

LOOK = 2.0
"""Seconds between two looks at what others have stored."""


class Stored(Protocol):
    """One kind of stored thing that decisions depend on."""

    async def read(self) -> None:
        """Get from the store what there is.

        Raises: StoreUnavailable; then what it got last still holds.
        """
        ...

    def over(self, settings: Settings) -> Settings:
        """`settings` with that laid over them.

        What names something they don't have (any more) is left out.
        """
        ...


class LiveSettings:
    """Derives the settings in force, and tells whoever decides by them (`use`) each time they
    change.

    `since` is when they last did, in UTC epoch seconds.
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
        self._configured = configured
        self._stored = stored
        self._clock = clock
        self._use = use
        self._reading = asyncio.Lock()

    def configure(self, configured: Settings) -> None:
        """A config was loaded: what is stored is laid over that one from now on."""
        self._configured = configured
        self._derive()

    async def refresh(self) -> None:
        """What is in the store by now is in force when this returns. Raises: StoreUnavailable."""
        async with self._reading:  # or a look that began earlier and ends later would undo it
            for one in self._stored:
                await one.read()
            self._derive()

    async def run(self) -> None:
        """Look, for ever."""
        never = asyncio.Event()
        while True:
            await self._clock.wait(never, LOOK)
            try:
                await self.refresh()
            except StoreUnavailable as error:
                log.warning("stored_settings_wait", error=str(error))

    def _derive(self) -> None:
        settings = reduce(lambda settings, one: one.over(settings), self._stored, self._configured)
        if settings != self.settings:
            self.settings, self.since = settings, self._clock.now()
            self._use(settings)

"""What people have arranged about who is on call, as a part of the settings in force."""

from collections.abc import Sequence
from dataclasses import replace

from router.core.arrangement import Arrangement, arranged, unknown
from router.core.settings import Settings
from router.ports import Clock
from router.shelf import Shelf
from router.telemetry.logs import logger

log = logger(__name__)

KIND = "arrangement"
"""The records' kind."""

KEPT = 5 * 604_800.0
"""For how many seconds after its end an arrangement is read: calendars show what has been, too."""


class Arrangements:
    """A `router.engine.in_force.Stored`."""

    def __init__(self, shelf: Shelf[Arrangement], clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock
        self._found: Sequence[Arrangement] = ()
        self._unknown: set[str] = set()

    async def read(self) -> None:
        """Raises: StoreUnavailable."""
        self._found = [one for _, one in await self._shelf.find(since=self._clock.now() - KEPT)]

    def over(self, settings: Settings) -> Settings:
        """With the people as arranged. Who isn't configured any more is warned of once."""
        lost = {what for one in self._found if (what := unknown(settings.people, one))}
        for what in sorted(lost - self._unknown):
            log.warning("override_left_out", because=f"{what} isn't configured any more")
        self._unknown = lost
        return replace(settings, people=arranged(settings.people, self._found))

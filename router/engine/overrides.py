"""What people have arranged about who is on call, as a part of the settings in force."""

from collections.abc import Sequence
from dataclasses import replace

from router.core.incident.settings import Settings
from router.core.oncall.override import StoredOverride, arranged, unknown
from router.ports.clock import Clock
from router.records.records import Records
from router.telemetry.logs import logger

log = logger(__name__)

KIND = "arrangement"
"""The records' kind."""

KEPT = 5 * 604_800.0
"""For how many seconds after its end an arrangement is read: calendars show what has been, too."""


class StoredOverrides:
    """A `router.engine.live_settings.Stored`."""

    def __init__(self, shelf: Records[StoredOverride], clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock
        self._found: Sequence[StoredOverride] = ()
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

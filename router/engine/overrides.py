"""The overrides that people set, as a part of the live settings."""

from collections.abc import Sequence
from dataclasses import replace

from router.core.incident.settings import Settings
from router.core.oncall.override import StoredOverride, unknown, with_overrides
from router.ports.clock import Clock
from router.records.records import Records
from router.telemetry.logs import logger

log = logger(__name__)

KIND = "arrangement"
"""The kind of the records."""

KEPT = 5 * 604_800.0
"""Seconds after its end for which an override is still read: calendars show the past, too."""


class StoredOverrides:
    """A part of the live settings (`router.engine.live_settings.Stored`)."""

    def __init__(self, records: Records[StoredOverride], clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._found: Sequence[StoredOverride] = ()
        self._unknown: set[str] = set()

    async def read(self) -> None:
        """Raises: StoreUnavailable."""
        self._found = [
            override for _, override in await self._records.find(since=self._clock.now() - KEPT)
        ]

    def over(self, settings: Settings) -> Settings:
        """`settings` with the overrides. Warns once of a name that isn't configured any more."""
        lost = {what for override in self._found if (what := unknown(settings.people, override))}
        for what in sorted(lost - self._unknown):
            log.warning("override_left_out", because=f"{what} isn't configured any more")
        self._unknown = lost
        return replace(settings, people=with_overrides(settings.people, self._found))

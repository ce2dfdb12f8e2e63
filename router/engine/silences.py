"""The silences that people made, as a part of the live settings."""

from collections.abc import Sequence
from dataclasses import replace

from router.core.incident.settings import Settings
from router.core.suppression.recurring_silence import RecurringSilence
from router.core.suppression.silence import Silence, silence
from router.engine.live_settings import LOOK
from router.model.event import SilencesChanged
from router.ports.clock import Clock
from router.ports.errors import Overloaded, StoreUnavailable
from router.ports.services import Inbox
from router.records.records import Records
from router.telemetry.logs import logger

log = logger(__name__)

KIND = "silence"
"""The kind of the records."""

KEPT = 5 * 604_800.0
"""Seconds after its end for which a silence is still read: `explain` covers the past, too."""


class Silences:
    """A part of the live settings (`router.engine.live_settings.Stored`)."""

    def __init__(self, records: Records[Silence], clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._found: Sequence[RecurringSilence] = ()

    async def read(self) -> None:
        """Raises: StoreUnavailable."""
        found = await self._records.find(since=self._clock.now() - KEPT)
        self._found = [silence(key, made) for key, made in found]

    def over(self, settings: Settings) -> Settings:
        return replace(settings, silences=(*settings.silences, *self._found))


async def recheck_muted(inbox: Inbox, clock: Clock) -> None:
    """Check muted alerts against the current silences, as soon as the store is available."""
    while True:
        try:
            await inbox.submit([SilencesChanged(clock.now())])
        except (StoreUnavailable, Overloaded) as error:
            log.warning("silences_wait", error=str(error))
            await clock.sleep(LOOK)
        else:
            return

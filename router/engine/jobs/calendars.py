"""Fetch the external calendars of schedules every few minutes, and store the last good copy.

So a restart or an outage of the calendar service loses no known shift.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus

import aiohttp
from msgspec import Struct

from router.config.people import CalendarSource
from router.config.secret import SecretUrl
from router.core.incident.settings import Settings
from router.core.oncall.ical_import import Turn, imported
from router.core.text.plain import utc
from router.engine.calendar_process import turns_of
from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.records.records import Records
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics

log = logger(__name__)

EVERY = 300.0
"""Seconds between two fetches of a calendar."""

TICK = 5.0
"""Seconds between two checks for due calendars: a reloaded config may have new ones."""

PATIENCE = 15.0
"""Seconds for a whole fetch."""

LARGEST = 2 * 1024 * 1024
"""Maximum bytes of a calendar: a few thousand events. Larger calendars are rejected."""

BEHIND, AHEAD = 5 * 604_800.0, 54 * 604_800.0
"""Seconds before and after now for which turns are read: the range of feeds and `oncall week`."""

AGAIN = 3600.0
"""Seconds after which an unchanged calendar is read again, for recurring events further ahead."""

WRITTEN = 3600.0
"""Seconds after which an unchanged copy is written again, to store when it was fetched."""

NAMED = 5
"""Maximum unknown people that the log names."""


class Copy(Struct, frozen=True):
    """A fetched calendar."""

    body: str
    fetched_at: float


class Calendars:
    """A part of the live settings (`router.engine.live_settings.Stored`), kept up to date.

    `wanted`: the calendars of the current config, by their source.
    """

    def __init__(
        self,
        records: Records[Copy],
        clock: Clock,
        metrics: Metrics,
        wanted: Callable[[], Mapping[str, CalendarSource]],
    ) -> None:
        self._records = records
        self._clock = clock
        self._metrics = metrics
        self._wanted = wanted
        self._looked: set[str] = set()
        self._copies: dict[str, Copy] = {}
        self._written: dict[str, Copy] = {}
        self._turns: dict[str, tuple[Turn, ...]] = {}
        self._read: dict[str, tuple[str, float]] = {}
        self._due: dict[str, float] = {}
        self._derived: tuple[Settings, dict[str, tuple[Turn, ...]], Settings] | None = None
        self._unknown: dict[str, tuple[str, ...]] = {}

    async def read(self) -> None:
        """Read the stored copies of calendars that are new to this process.

        Raises: StoreUnavailable.
        """
        for source in [*self._wanted()]:
            if source in self._looked:
                continue
            if (copy := await self._records.get(source)) and source not in self._copies:
                self._written[source] = copy
                await self._keep(source, copy)
            self._looked.add(source)

    def over(self, settings: Settings) -> Settings:
        """`settings` with the turns of the calendars. Warns of unknown people when they change."""
        known = self._derived
        if known is None or known[0] is not settings or known[1] is not self._turns:
            people, unknown = imported(settings.people, self._turns)
            known = self._derived = (settings, self._turns, replace(settings, people=people))
            for schedule, names in unknown.items():
                if names != self._unknown.get(schedule):
                    log.warning(
                        "calendar_names_unknown",
                        schedule=schedule,
                        names=names[:NAMED],
                        count=len(names),
                    )
            self._unknown = unknown
        return known[2]

    async def run(self) -> None:
        """Fetch each calendar when it is due, forever."""
        never = asyncio.Event()
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout) as session:
            while True:
                for source, calendar in [*self._wanted().items()]:
                    if self._due.get(source, 0.0) <= self._clock.now():
                        self._due[source] = self._clock.now() + EVERY
                        await self._refresh(source, calendar, session)
                self._show()
                await self._clock.wait(never, TICK)

    async def _refresh(
        self, source: str, calendar: CalendarSource, session: aiohttp.ClientSession
    ) -> None:
        try:
            copy = Copy(await _fetch(session, calendar.url), self._clock.now())
            await self._take(source, copy)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # A client's error contains the URL, which may be a secret.
            why = str(error) if type(error) is ValueError else type(error).__name__
            await self._keep_on(source, calendar, why)
            return
        kept = self._written.get(source)
        if kept and kept.body == copy.body and copy.fetched_at - kept.fetched_at < WRITTEN:
            return
        try:
            await self._records.change(source, lambda _: copy, copy.fetched_at)
            self._written[source] = copy
        except StoreUnavailable as error:
            log.warning("calendar_not_kept", schedules=calendar.schedules, error=str(error))

    async def _keep_on(self, source: str, calendar: CalendarSource, why: str) -> None:
        """Log the failure and reread the last copy, for further dates of its recurring events."""
        copy = self._copies.get(source)
        since = utc(copy.fetched_at) if copy else "never"
        log.warning(
            "calendar_not_fetched",
            schedules=calendar.schedules,
            because=why,
            fetched_last=since,
        )
        if copy:
            await self._keep(source, copy)

    async def _keep(self, source: str, copy: Copy) -> None:
        try:
            await self._take(source, copy)
        except (OSError, ValueError) as error:
            log.warning("calendar_copy_unreadable", because=str(error))

    async def _take(self, source: str, copy: Copy) -> None:
        """Use the calendar from now on. Raises: ValueError; then nothing changes."""
        now = self._clock.now()
        body, read_at = self._read.get(source, ("", 0.0))
        if body != copy.body or not 0 <= now - read_at < AGAIN:
            turns = await turns_of(copy.body, now - BEHIND, now + AHEAD)
            self._read[source] = (copy.body, now)
            self._put(source, turns)
        self._copies[source] = copy

    def _put(self, source: str, turns: tuple[Turn, ...]) -> None:
        if turns == self._turns.get(source):
            return
        self._turns = self._turns | {source: turns}
        if absences := sum(turn.absence for turn in turns):
            log.info("calendar_absences_left_out", source=source, count=absences)

    def _show(self) -> None:
        """Export when each schedule's calendars were last fetched: the oldest of its fetches."""
        ages: dict[str, float] = {}
        for source, calendar in self._wanted().items():
            copy = self._copies.get(source)
            for schedule in calendar.schedules:
                fetched = copy.fetched_at if copy else 0.0
                ages[schedule] = min(ages.get(schedule, self._clock.now()), fetched)
        self._metrics.calendar_fetched.clear()
        for schedule, at in ages.items():
            self._metrics.calendar_fetched.labels(schedule).set(at)


async def _fetch(session: aiohttp.ClientSession, url: SecretUrl) -> str:
    """Raises: aiohttp's ClientError, OSError, or ValueError with what is wrong with the answer."""
    async with session.get(url.reveal(), allow_redirects=False) as response:
        if response.status != HTTPStatus.OK:
            raise ValueError(f"HTTP status {response.status}")
        body = bytearray()
        while chunk := await response.content.read(LARGEST + 1 - len(body)):
            body += chunk
        if len(body) > LARGEST:
            raise ValueError(f"larger than {LARGEST} bytes")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise ValueError("text that isn't UTF-8") from None

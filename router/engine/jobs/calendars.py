"""Calendars that layers take their turns from: fetched every few minutes, the last good copy kept
in the store.

So neither a restart nor a service that is down leaves anybody without a turn that was known.
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
from router.core.oncall.ical_import import Turn, imported, read_turns
from router.core.text.plain import utc
from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.records.records import Records
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics

log = logger(__name__)

EVERY = 300.0
"""Seconds from one fetch of a calendar to the next."""

TICK = 5.0
"""Seconds between two looks at which are due: a config that was loaded may have new ones."""

PATIENCE = 15.0
"""Seconds for all of a fetch."""

LARGEST = 2 * 1024 * 1024
"""Bytes of a calendar: some thousand events. More is refused."""

BEHIND, AHEAD = 5 * 604_800.0, 54 * 604_800.0
"""Seconds that are read of it, from now: what the router's own calendars and `oncall week` show."""

WRITTEN = 3600.0
"""Seconds after which a copy is written anew although nothing has changed, for its date."""

NAMED = 5
"""How many of the people who aren't known are named in the log."""


class Copy(Struct, frozen=True):
    """A calendar as it was fetched."""

    body: str
    fetched_at: float


class Calendars:
    """A `router.engine.live_settings.Stored`, which also sees to it that what is stored is new.

    `wanted` are the calendars of the config in force, by what they're called there.
    """

    def __init__(
        self,
        shelf: Records[Copy],
        clock: Clock,
        metrics: Metrics,
        wanted: Callable[[], Mapping[str, CalendarSource]],
    ) -> None:
        self._shelf = shelf
        self._clock = clock
        self._metrics = metrics
        self._wanted = wanted
        self._looked: set[str] = set()
        self._copies: dict[str, Copy] = {}
        self._written: dict[str, Copy] = {}
        self._turns: dict[str, tuple[Turn, ...]] = {}
        self._due: dict[str, float] = {}
        self._derived: tuple[Settings, dict[str, tuple[Turn, ...]], Settings] | None = None
        self._unknown: dict[str, tuple[str, ...]] = {}

    async def read(self) -> None:
        """The copies of calendars that are new to this process. Raises: StoreUnavailable."""
        for source in [*self._wanted()]:
            if source in self._looked:
                continue
            if (copy := await self._shelf.get(source)) and source not in self._copies:
                self._written[source] = copy
                await self._keep(source, copy)
            self._looked.add(source)

    def over(self, settings: Settings) -> Settings:
        """With the turns as the calendars have them.

        Who isn't known is warned of when that changes.
        """
        if (
            self._derived is None
            or self._derived[0] is not settings
            or self._derived[1] is not self._turns
        ):
            people, unknown = imported(settings.people, self._turns)
            self._derived = (settings, self._turns, replace(settings, people=people))
            for schedule, names in unknown.items():
                if names != self._unknown.get(schedule):
                    log.warning(
                        "calendar_names_unknown",
                        schedule=schedule,
                        names=names[:NAMED],
                        count=len(names),
                    )
            self._unknown = unknown
        return self._derived[2]

    async def run(self) -> None:
        """Fetch each when it's due, for ever."""
        never = asyncio.Event()
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout
        ) as session:
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
            # A client's error has the URL in it, which may be a secret.
            why = str(error) if type(error) is ValueError else type(error).__name__
            await self._keep_on(source, calendar, why)
            return
        kept = self._written.get(source)
        if kept and kept.body == copy.body and copy.fetched_at - kept.fetched_at < WRITTEN:
            return
        try:
            await self._shelf.change(source, lambda _: copy, copy.fetched_at)
            self._written[source] = copy
        except StoreUnavailable as error:
            log.warning("calendar_not_kept", schedules=calendar.schedules, error=str(error))

    async def _keep_on(self, source: str, calendar: CalendarSource, why: str) -> None:
        """By the last copy, whose recurring events go on in the time that has come into sight."""
        copy = self._copies.get(source)
        since = utc(copy.fetched_at) if copy else "never"
        log.warning(
            "calendar_not_fetched", schedules=calendar.schedules, because=why, fetched_last=since
        )
        if copy:
            await self._keep(source, copy)

    async def _keep(self, source: str, copy: Copy) -> None:
        try:
            await self._take(source, copy)
        except ValueError as error:
            log.warning("calendar_copy_unreadable", because=str(error))

    async def _take(self, source: str, copy: Copy) -> None:
        """From now on this is how the calendar is.

        Raises: ValueError, and everything is as it was.
        """
        now = self._clock.now()
        turns = await asyncio.to_thread(read_turns, copy.body.encode(), now - BEHIND, now + AHEAD)
        self._copies[source] = copy
        if turns != self._turns.get(source):
            self._turns = self._turns | {source: turns}

    def _show(self) -> None:
        """Since when each schedule's calendars are as they are known: the oldest."""
        ages: dict[str, float] = {}
        for source, calendar in self._wanted().items():
            copy = self._copies.get(source)
            for schedule in calendar.schedules:
                ages[schedule] = min(
                    ages.get(schedule, self._clock.now()), copy.fetched_at if copy else 0.0
                )
        self._metrics.calendar_fetched.clear()
        for schedule, at in ages.items():
            self._metrics.calendar_fetched.labels(schedule).set(at)


async def _fetch(session: aiohttp.ClientSession, url: SecretUrl) -> str:
    """Raises: aiohttp's ClientError, OSError, ValueError that says what is wrong with the answer."""
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

"""Delivers what is owed: lease, send, settle if it's still ours. Never the other way round.

Each channel has a loop of its own, so that a slow one delays no other. A message is leased in the
store, sent, and only then settled, through the same door as every other event. If the process dies
in between, the lease runs out and the message is sent again, marked as possibly doubled.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_result,
    stop_after_attempt,
    wait_random_exponential,
)

from router.chart import ImageFormat
from router.core.incident.transitions import onlooks
from router.core.messages.context_links import Window, links, usable, window
from router.core.messages.signed_links import Links
from router.core.messages.templates import Wording, unpublished
from router.core.outbox.bundle import Bundle, alone
from router.core.outbox.rate_limit import RateLimit
from router.core.text.template import Template
from router.engine.claim import Limits, claim_limited
from router.model.decision import Entry
from router.model.incident import Incident
from router.model.notification import (
    Attempt,
    Letter,
    Notification,
    OtherIncident,
    Rejected,
    Result,
    Retry,
    Sent,
    Uncertain,
)
from router.ports.channels import Sender
from router.ports.clock import Clock, spawn
from router.ports.errors import NoChart, Overloaded, StoreUnavailable
from router.ports.services import Charts, Inbox
from router.ports.store import Store
from router.telemetry import errors
from router.telemetry.logs import logger

log = logger(__name__)

POLL = 1.0
"""Seconds between two looks at the outbox, where nobody says that there's something new."""

ATTEMPTS = 3
"""Attempts while the message is held; after them it goes back to the outbox, to be tried later."""

PATIENCE = 5.0
"""The longest wait between two of those attempts, in seconds.

A longer Retry-After goes back to the outbox.
"""

PICTURE = 0.5
"""Seconds at the most that a letter waits for its chart."""

HANG = 2.0
"""Times a channel's timeout after which an attempt is cut off, whatever the sender is waiting for.
"""

SETTLE_TRIES = 5
"""With waits of 1, 2, 4, 8 and 16 s after them, all within the lease: a store that is away briefly
costs no double.
"""


@dataclass(frozen=True, slots=True)
class Channel:
    """One configured destination. `timeout` is in seconds, for one attempt.

    `people` are the addresses of those who can be reached over it, by contact; None where it
    reaches no people. With `pictures` its letters have the incident's chart, where there is one in
    time. `limits` are to how many messages they get.
    """

    name: str
    sender: Sender
    concurrency: int = 4
    timeout: float = 10.0
    pace: RateLimit | None = None
    people: Mapping[str, str] | None = None
    pictures: bool = False
    limits: Limits = field(default_factory=Limits)

    @property
    def lease(self) -> float:
        """Seconds a message may be held: all attempts, all waits between them, and as much again to
        settle.
        """
        return 2 * ATTEMPTS * (self.timeout + PATIENCE)


@dataclass(frozen=True, slots=True)
class Words:
    """What letters say beside the incident itself. `links` makes those that do something; None
    without a key.

    `elsewhere` are those into other services: (name, template). `time_zones` are those of contacts
    who have one. `public`: what is published is shown to somebody.
    """

    external_url: str
    wording: Wording = field(default_factory=Wording)
    links: Links | None = None
    elsewhere: Sequence[tuple[str, Template]] = ()
    time_zones: Mapping[str, str] = field(default_factory=dict)
    mentions: Mapping[str, str] = field(default_factory=dict)
    charts: Charts | None = None
    public: bool = False


class ChannelWorker:
    """Serves one channel: claims what it's owed and sends it, `concurrency` at a time."""

    def __init__(  # noqa: PLR0913 - the parts it stands between
        self,
        channel: Channel,
        store: Store,
        inbox: Inbox,
        clock: Clock,
        *,
        owner: str,
        words: Words,
    ) -> None:
        self.channel = channel
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._owner = owner
        self._words = words
        self._wake = asyncio.Event()
        self._closing = False
        self._sending: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """There's something new to send."""
        self._wake.set()

    async def run(self) -> None:
        """Serve the channel until `close`, then finish what is being sent.

        What stays unsent is in the outbox.
        """
        while not self._closing:
            try:
                await self.round()
            except StoreUnavailable as error:
                log.warning("delivery_waits", channel=self.channel.name, error=str(error))
            if not self._closing:
                await self._clock.wait(self._wake, self._pause())
            self._wake.clear()
        while self._sending:
            await asyncio.wait(self._sending)

    def close(self) -> None:
        """Claim no more.

        `run` isn't cancelled for that: what it has just leased would wait for the lease's end.
        """
        self._closing = True
        self.wake()

    async def round(self) -> None:
        """Claim what there's room for, and start sending it. Raises: StoreUnavailable."""
        channel, now = self.channel, self._clock.now()
        room = channel.concurrency - len(self._sending)
        if channel.pace:
            room = min(room, channel.pace.free(now))
        if room <= 0:
            return
        owner = f"{self._owner}:{now}:{random.getrandbits(32):08x}"
        for parcel in await self._claim(now, owner, room):
            if channel.pace:
                channel.pace.take(now)
            spawn(self._deliver(parcel), f"deliver {channel.name}", self._sending)

    async def _claim(self, now: float, owner: str, room: int) -> list[Bundle]:
        channel, until = self.channel, now + self.channel.lease
        parcels = await claim_limited(self._store, channel.limits, now, owner, until, room)
        if room > len(parcels):
            messages = await self._store.claim_notifications(
                channel.name,
                now,
                owner,
                until,
                room - len(parcels),
                people=channel.people is not None,
                less=[*channel.limits.of],
            )
            parcels += alone(messages, now)
        return parcels

    def _pause(self) -> float:
        wait = self.channel.pace.next_free(self._clock.now()) if self.channel.pace else 0.0
        return wait or POLL

    async def _deliver(self, parcel: Bundle) -> None:
        arrived = False
        try:
            first = parcel.messages[0]
            letters = [
                await self._letter(message, first=message is first) for message in parcel.messages
            ]
            letter = replace(
                letters[0],
                other_incidents=tuple(OtherIncident(one.incident, one.url) for one in letters[1:]),
            )
            with errors.about(letter.incident.source):
                attempts = await self._send(letter)
            arrived = isinstance(attempts[-1].result, Sent | Uncertain)
            await self._settle(parcel, letters, attempts)
        except StoreUnavailable as error:
            # The lease runs out, and the message is sent again.
            log.warning("delivery_unsettled", channel=self.channel.name, error=str(error))
        finally:
            if not arrived:
                parcel.give_back(self._clock.now())
            self.wake()

    async def _letter(self, notification: Notification, *, first: bool) -> Letter:
        """About the incident as it is now; only the `first` of several is told in full, with a
        picture.
        """
        found = await self._store.letter(notification.incident_id)
        assert found is not None, "a notification's incident is never deleted"
        incident, timeline, rows = found
        alerts, now, answers = (
            tuple(row.alert for row in rows),
            self._clock.now(),
            self._words.links,
        )
        contact, seen = notification.channel.partition("/")[2], window(incident, alerts, now)
        return Letter(
            incident=incident,
            channel=notification.channel,
            seq=notification.seq,
            reason=notification.reason,
            at=now,
            sent=notification.sent,
            ref=notification.ref,
            timeline=tuple(timeline),
            told=notification.told,
            alerts=alerts,
            url=f"{self._words.external_url}/incidents/{incident.id}",
            elsewhere=usable(links(self._words.elsewhere, incident, seen)),
            postmortem=f"{self._words.external_url}/incidents/{incident.id}/postmortem"
            if _has_postmortem(incident)
            else "",
            company=self._words.wording.company,
            support_email=self._words.wording.support_email,
            for_stakeholder=onlooks(incident, notification.channel, notification.reason),
            draft=self._draft(incident, timeline, now),
            next_update=self._words.wording.next_update(incident, now),
            write=self._words.wording.write,
            to=(self.channel.people or {}).get(contact, ""),
            time_zone=self._words.time_zones.get(contact, "UTC"),
            mentions=self._words.mentions,
            link=answers.of(incident, notification.channel, now) if answers else None,
            picture=await self._picture(incident, seen) if first else b"",
        )

    def _draft(self, incident: Incident, timeline: Sequence[Entry], now: float) -> str:
        """What waits for a person to publish it; "" if nothing does."""
        words = self._words
        return (
            words.wording.update(incident, now).text
            if words.public and unpublished(incident, timeline)
            else ""
        )

    async def _picture(self, incident: Incident, seen: Window) -> bytes:
        """The chart as PNG, if it's there soon; b"" if not, for a page doesn't wait for it."""
        charts = self._words.charts
        if not self.channel.pictures or charts is None or not charts.there(incident):
            return b""
        try:
            async with asyncio.timeout(PICTURE):
                return await charts.draw(incident, seen, ImageFormat.PNG)
        except (TimeoutError, NoChart):
            return b""

    async def _send(self, letter: Letter) -> tuple[Attempt, ...]:
        """Try a few times within the lease: every failure that is sure not to have arrived, soon
        after.
        """
        attempts: list[Attempt] = []

        async def attempt() -> Result:
            started = self._clock.now()
            if attempts and self.channel.pace:
                self.channel.pace.take(started)
            result = await self._try(letter)
            attempts.append(Attempt(self._clock.now(), self._clock.now() - started, result))
            return result

        await AsyncRetrying(
            retry=retry_if_result(self._at_once),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            sleep=self._clock.sleep,
            retry_error_callback=lambda _: None,
        )(attempt)
        return tuple(attempts)

    def _at_once(self, result: Result) -> bool:
        """Is it worth another attempt within the lease? Not where the channel's rate is used up: a
        refusal counts.
        """
        pace = self.channel.pace
        return _soon(result) and (pace is None or pace.free(self._clock.now()) > 0)

    async def _try(self, letter: Letter) -> Result:
        if letter.channel != self.channel.name and not letter.to:
            return Rejected(
                "the config has no such contact any more, or no address of theirs for the channel"
            )
        try:
            async with asyncio.timeout(HANG * self.channel.timeout):
                return await self.channel.sender.send(letter)
        except TimeoutError:
            return Uncertain("the sender hung")
        except Exception as error:
            log.exception("sender_failed", channel=self.channel.name)
            return Retry(f"fault in the sender: {type(error).__name__}")

    async def _settle(
        self, parcel: Bundle, letters: Sequence[Letter], attempts: tuple[Attempt, ...]
    ) -> None:
        told = [
            max((entry.id for entry in letter.timeline), default=letter.told) for letter in letters
        ]
        for wait in range(SETTLE_TRIES):
            try:
                draw = random.random()  # noqa: S311
                await self._inbox.submit(parcel.settled(self._clock.now(), attempts, told, draw))
            except (Overloaded, StoreUnavailable) as error:
                log.warning("settling_waits", channel=self.channel.name, error=str(error))
                await self._clock.sleep(2.0**wait)
            else:
                return
        raise StoreUnavailable("no settling within the lease")


def _has_postmortem(incident: Incident) -> bool:
    return incident.postmortem_due is not None or incident.postmortem_shared_at is not None


def _soon(result: Result) -> bool:
    return isinstance(result, Retry) and (result.after or 0) <= PATIENCE


_spread = wait_random_exponential(multiplier=0.25, max=PATIENCE)


def _wait(state: RetryCallState) -> float:
    """As long as the service asked, or else a random time that grows."""
    assert state.outcome is not None
    result = state.outcome.result()
    return (
        result.after if isinstance(result, Retry) and result.after is not None else _spread(state)
    )

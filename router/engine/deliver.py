"""Deliver the outbox, always in this order: lease, send, settle if the lease is still held.

Each channel has its own worker, so a slow channel delays no other. A row is leased in the store,
sent, and only then settled. If the process dies in between, the lease ends and the row is sent
again, marked as possibly doubled. Messages about incidents are settled by an event, like all
changes of an incident; rows of other kinds directly.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace
from tenacity import AsyncRetrying, RetryCallState, wait_random_exponential

from router.core.incident.delivery import (
    ARRIVES_WITHIN,
    may_arrive_late,
    progress_after,
    settle_task,
)
from router.core.incident.snapshot import Writes
from router.core.outbox.bundle import Bundle
from router.core.outbox.rate_limit import RateLimit
from router.engine.claim import Limits, claim_limited
from router.engine.messages import MessageWriter, Stored, Words
from router.engine.ownership import Ownership
from router.model.event import Event
from router.model.notification import (
    Attempt,
    Message,
    Notification,
    Rejected,
    Result,
    Retry,
    Sent,
    Uncertain,
)
from router.model.outbox import OutboxKind
from router.ports.channels import Sender
from router.ports.clock import Clock, spawn
from router.ports.errors import Overloaded, StoreUnavailable
from router.ports.services import Inbox, Performed, Performer
from router.ports.store import Store
from router.ports.write_guard import WriteRefused, guarded
from router.telemetry import errors
from router.telemetry.logs import logger

log = logger(__name__)

POLL = 1.0
"""Seconds between checks of the outbox without a wake-up."""

ATTEMPTS = 3
"""Attempts under one lease. Then the message goes back to the outbox, to be retried later."""

PATIENCE = 5.0
"""Maximum seconds between two of these attempts.

If Retry-After is longer, the message goes back to the outbox.
"""

HANG = 2.0
"""Hard limit on an attempt, as a multiple of the channel's timeout."""

SETTLE_TRIES = 5
"""Tries to store a result, after waits of 1, 2, 4 and 8 s, all within the lease.

So a brief outage of the store causes no duplicate message.
"""

UNCONFIGURED = 300.0
"""Seconds until a row is retried that nothing in the config can send: the config may change."""


class LeaseLost(Exception):
    """The lease has ended, so another process may be sending this by now."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One configured destination. `timeout` is in seconds, for one attempt.

    people: addresses by contact; None for a channel that reaches no people. pictures: messages have
    the incident's chart if it's ready in time. limits: how many messages each address gets.
    arrives_within: seconds for which the service may still process an attempt that got no answer.
    performers: handle the rows that aren't about incidents. on_settled: called with each such row
    once it's sent or dead; returns events to commit with it.
    """

    name: str
    sender: Sender
    concurrency: int = 4
    timeout: float = 10.0
    pace: RateLimit | None = None
    people: Mapping[str, str] | None = None
    pictures: bool = False
    limits: Limits = field(default_factory=Limits)
    arrives_within: float = ARRIVES_WITHIN
    performers: Mapping[OutboxKind, Performer] = field(default_factory=dict)
    on_settled: Callable[[Notification, float], Sequence[Event]] = lambda _row, _at: ()
    lease: float = field(init=False)
    """Maximum seconds of a lease: all attempts and waits, and as much again to settle."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "lease", 2 * ATTEMPTS * (self.timeout + PATIENCE))


class ChannelWorker:
    """Serves one channel: claims what is due and sends it, `concurrency` at a time."""

    def __init__(  # noqa: PLR0913 - the parts it connects
        self,
        channel: Channel,
        store: Store,
        inbox: Inbox,
        clock: Clock,
        *,
        ownership: Ownership,
        words: Words,
    ) -> None:
        self.channel = channel
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._ownership = ownership
        self._messages = MessageWriter(clock, words, channel.people, pictures=channel.pictures)
        self.wake = asyncio.Event()  # set: check the outbox now
        self._closing = False
        self._sending: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve the channel until `close`, then finish what is being sent.

        What stays unsent is in the outbox.
        """
        look = False
        while not self._closing:
            try:
                await self.round(look=look)
            except StoreUnavailable as error:
                log.warning("delivery_waits", channel=self.channel.name, error=str(error))
            if not self._closing:
                pace = self.channel.pace
                wait = pace.next_free(self._clock.now()) if pace else 0.0
                await self._clock.wait(self.wake, wait or POLL)
            look = not self.wake.is_set()
            self.wake.clear()
        while self._sending:
            await asyncio.wait(self._sending)

    def close(self) -> None:
        """Stop claiming messages.

        Don't cancel `run` instead: a message that it has just leased would wait until the lease
        ends.
        """
        self._closing = True
        self.wake.set()

    async def stop(self, grace: float) -> None:
        """Close, wait up to `grace` seconds for sends in progress, then cancel the rest."""
        self.close()
        if self._sending:
            await asyncio.wait(self._sending, timeout=grace)
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def round(self, *, look: bool = True) -> None:
        """Claim as many messages as there are free workers, and start sending them.

        look: first check if anything is due, because a claim takes the database's write lock.
        Raises: StoreUnavailable.
        """
        channel, now, name = self.channel, self._clock.now(), self._ownership.name
        room = channel.concurrency - len(self._sending)
        if channel.pace:
            room = min(room, channel.pace.free(now))
        if room <= 0 or not self._ownership.holds(name):
            return
        lease, until = f"{name}:{now}:{random.getrandbits(32):08x}", now + channel.lease
        bundles: list[Bundle] = []
        if channel.limits.of:
            bundles = await claim_limited(self._store, channel.limits, now, lease, until, room)
        is_limited = channel.people is None and channel.name in channel.limits.of
        if room > len(bundles) and not is_limited:
            rows = await self._store.claim_notifications(
                channel.name,
                now,
                lease,
                until,
                room - len(bundles),
                people=channel.people is not None,
                less=[*channel.limits.of],
                arrives_within=channel.arrives_within,
                look=look,
            )
            bundles += [Bundle((row,), now) for row in rows]
        rows = [row for bundle in bundles for row in bundle.messages]
        ids = {row.incident_id for row in rows if row.kind is OutboxKind.INCIDENT}
        stored = await self._store.messages(ids) if ids else {}
        for bundle in bundles:
            if channel.pace:
                channel.pace.take(now)
            task = spawn(self._deliver(bundle, stored), f"deliver {channel.name}", self._sending)
            task.add_done_callback(lambda _: self.wake.set())  # a worker is free

    async def _deliver(self, bundle: Bundle, stored: Mapping[int, Stored]) -> None:
        row = bundle.messages[0]
        try:
            if row.kind is OutboxKind.INCIDENT:
                await self._send(bundle, stored)
            else:
                await self._perform(row)
        except StoreUnavailable as error:
            # The lease ends, and the message is sent again.
            log.warning("delivery_unsettled", channel=self.channel.name, error=str(error))
        except LeaseLost:
            log.warning("delivery_lease_lost", channel=self.channel.name, incident=row.incident_id)

    # --- messages about incidents

    async def _send(self, bundle: Bundle, stored: Mapping[int, Stored]) -> None:
        """Send, and retry under the lease after failures that certainly didn't arrive."""
        row, attempts, result = bundle.messages[0], list[Attempt](), None
        try:
            message, seen = await self._messages.write(bundle.messages, stored)
            errors.working_for(message.incident.source)
            while result is None or await self._is_soon(result, len(attempts)):
                if attempts:
                    message = self._again(message, attempts[-1].result)
                attempt, _ = await self._attempt(row, partial(self._sent, message))
                attempts.append(attempt)
                result = attempt.result
            await self._settle(
                row,
                lambda at: self._inbox.submit(
                    bundle.settled(at, tuple(attempts), seen, random.random())  # noqa: S311
                ),
            )
        finally:
            if not isinstance(result, Sent | Uncertain):
                bundle.give_back(self._clock.now())

    def _again(self, message: Message, result: Result) -> Message:
        """Return the message for the attempt after this result."""
        unsure = may_arrive_late(result)
        if self.channel.pace:
            self.channel.pace.take(self._clock.now())
        return replace(
            message,
            attempt=message.attempt + 1,
            uncertain=message.uncertain or (message.seq if unsure else 0),
            may_be_doubled=message.may_be_doubled or unsure,
            progress=progress_after(result, message.progress),
        )

    async def _is_soon(self, result: Result, tried: int) -> bool:
        """Wait for the next attempt under the lease. Returns False if there is none.

        Failed attempts count towards the channel's rate limit, too.
        """
        pace = self.channel.pace
        if (
            not isinstance(result, Retry)
            or tried == ATTEMPTS
            or (result.after or 0) > PATIENCE
            or (pace and pace.free(self._clock.now()) <= 0)
        ):
            return False
        await self._clock.sleep(_spread(tried) if result.after is None else result.after)
        return True

    async def _sent(self, message: Message) -> Performed:
        if message.channel != self.channel.name and not message.to:
            why = "the config no longer has this contact, or its address for the channel"
            return Performed(Rejected(why))
        return Performed(await self.channel.sender.send(message))

    # --- rows that aren't about incidents

    async def _perform(self, row: Notification) -> None:
        performer = self.channel.performers.get(row.kind, _unconfigured)
        attempt, performed = await self._attempt(row, partial(performer, row))
        after = settle_task(row, attempt, random.random())  # noqa: S311
        await self._settle(row, lambda at: self._save(row, after, performed, at))

    async def _save(
        self, row: Notification, after: Notification, performed: Performed, at: float
    ) -> None:
        events = [*performed.events, *(self.channel.on_settled(after, at) if after.is_done else ())]
        if events:
            await self._inbox.submit(events)
        await self._store.save(Writes(settled=[(after, row.lease, row.seq)]))

    # --- attempts and settling

    async def _attempt(
        self, row: Notification, work: Callable[[], Awaitable[Performed]]
    ) -> tuple[Attempt, Performed]:
        """Run `work` while the lease is held. HTTP clients check the lease right before they write.

        This process may have been paused since the claim. Raises: LeaseLost; StoreUnavailable, if
        the row isn't about an incident.
        """
        may_write, started = partial(self._may_write, row), self._clock.now()
        if not may_write():
            raise LeaseLost
        with guarded(may_write) as guard:
            try:
                async with asyncio.timeout(HANG * self.channel.timeout):
                    performed = await work()
            except TimeoutError:
                performed = Performed(Uncertain("the sender hung"))
            except WriteRefused as error:
                raise LeaseLost from error
            except Exception as error:
                if isinstance(error, StoreUnavailable) and row.kind is not OutboxKind.INCIDENT:
                    raise
                log.exception("sender_failed", channel=self.channel.name, kind=row.kind)
                performed = Performed(Retry(f"fault in the sender: {type(error).__name__}"))
        if guard.refused:
            raise LeaseLost
        now = self._clock.now()
        attempt = Attempt(now, now - started, performed.result, self.channel.arrives_within)
        return attempt, performed

    def _may_write(self, row: Notification) -> bool:
        return self._clock.now() < row.lease_until and self._ownership.holds(row.lease)

    async def _settle(self, row: Notification, write: Callable[[float], Awaitable[object]]) -> None:
        """Store the result while the lease is held; retry while the store is unavailable.

        Raises: LeaseLost, StoreUnavailable.
        """
        for tries in range(SETTLE_TRIES):
            if not self._ownership.holds(row.lease):
                raise LeaseLost
            try:
                await write(self._clock.now())
            except (Overloaded, StoreUnavailable) as error:
                log.warning("settling_waits", channel=self.channel.name, error=str(error))
                await self._clock.sleep(2.0**tries)
            else:
                return
        raise StoreUnavailable("the result of sending could not be stored within the lease")


async def _unconfigured(_row: Notification) -> Performed:
    return Performed(Retry("no configured channel sends this", UNCONFIGURED))


_backoff = wait_random_exponential(multiplier=0.25, max=PATIENCE)


def _spread(tried: int) -> float:
    """Return a random backoff in seconds, whose range grows with the number of attempts."""
    state = RetryCallState(AsyncRetrying(), None, (), {})
    state.attempt_number = tried
    return _backoff(state)

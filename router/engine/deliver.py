"""Deliver the outbox, always in this order: lease, send, settle if the lease is still held.

Each channel has its own worker, so a slow channel delays no other. A row is leased in the store,
sent, and only then settled. If the process dies in between, the lease ends and the row is sent
again, marked as possibly doubled. Messages about incidents are settled by an event, like all
changes of an incident; rows of other kinds directly.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from msgspec.structs import replace
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_result,
    stop_after_attempt,
    wait_random_exponential,
)

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
from router.engine.messages import MessageWriter, Words
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
from router.ports.write_guard import WriteGuard, WriteRefused
from router.telemetry import errors
from router.telemetry.logs import logger

log = logger(__name__)

T = TypeVar("T")

POLL = 1.0
"""Seconds between checks of the outbox without a wake-up."""

ATTEMPTS = 3
"""Attempts under one lease. After them the message goes back to the outbox, to be tried later."""

PATIENCE = 5.0
"""Longest wait between two of those attempts, in seconds.

For a longer Retry-After the message goes back.
"""

HANG = 2.0
"""Hard limit on an attempt, as a multiple of the channel's timeout."""

SETTLE_TRIES = 5
"""With waits of 1, 2, 4, 8 and 16 s, all within the lease: a store that is briefly away causes no
double.
"""

UNCONFIGURED = 300.0
"""Seconds until a row of an unconfigured channel is tried again: the channel may be added again."""


class LeaseLost(Exception):
    """The lease has ended, so another process may be sending this by now."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One configured destination. `timeout` is in seconds, for one attempt.

    people: addresses by contact; None for a channel that reaches no people. pictures: messages have
    the incident's chart if it's ready in time. limits: how many messages each person gets.
    arrives_within: seconds after an attempt without an answer in which the service may process it.
    performers: do what rows of other kinds are about. on_settled: called with each such row once
    it's sent or dead; returns events to commit with that.
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
        self._messages = MessageWriter(
            store, clock, words, channel.people, pictures=channel.pictures
        )
        self.wake = asyncio.Event()  # set: look at the outbox now
        self._closing = False
        self._sending: set[asyncio.Task[None]] = set()

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
                pace = self.channel.pace
                wait = pace.next_free(self._clock.now()) if pace else 0.0
                await self._clock.wait(self.wake, wait or POLL)
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
        """Close, let what is under way end within `grace` seconds, then cancel it."""
        self.close()
        if self._sending:
            await asyncio.wait(self._sending, timeout=grace)
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def round(self) -> None:
        """Claim what there's room for, and start sending it. Raises: StoreUnavailable."""
        channel, now, name = self.channel, self._clock.now(), self._ownership.name
        room = channel.concurrency - len(self._sending)
        if channel.pace:
            room = min(room, channel.pace.free(now))
        if room <= 0 or not self._ownership.holds(name):
            return
        lease = f"{name}:{now}:{random.getrandbits(32):08x}"
        for bundle in await self._claim(now, lease, room):
            if channel.pace:
                channel.pace.take(now)
            spawn(self._deliver(bundle), f"deliver {channel.name}", self._sending)

    async def _claim(self, now: float, lease: str, room: int) -> list[Bundle]:
        channel, until = self.channel, now + self.channel.lease
        bundles: list[Bundle] = []
        if channel.limits.of:
            bundles = await claim_limited(self._store, channel.limits, now, lease, until, room)
        if room > len(bundles):
            messages = await self._store.claim_notifications(
                channel.name,
                now,
                lease,
                until,
                room - len(bundles),
                people=channel.people is not None,
                less=[*channel.limits.of],
                arrives_within=channel.arrives_within,
            )
            bundles += [Bundle((message,), now) for message in messages]
        return bundles

    async def _deliver(self, bundle: Bundle) -> None:
        first = bundle.messages[0]
        try:
            if first.kind is OutboxKind.INCIDENT:
                await self._send_message(bundle)
            else:
                await self._perform(first)
        except StoreUnavailable as error:
            # The lease ends, and the message is sent again.
            log.warning("delivery_unsettled", channel=self.channel.name, error=str(error))
        except LeaseLost:
            log.warning(
                "delivery_lease_lost", channel=self.channel.name, incident=first.incident_id
            )
        finally:
            self.wake.set()

    # --- messages about incidents

    async def _send_message(self, bundle: Bundle) -> None:
        arrived = False
        try:
            first = bundle.messages[0]
            message, seen = await self._messages.write(bundle.messages)
            with errors.about(message.incident.source):
                attempts = await self._send(first, message)
            arrived = isinstance(attempts[-1].result, Sent | Uncertain)
            await self._settle(
                first,
                lambda at: self._inbox.submit(
                    bundle.settled(at, attempts, seen, random.random())  # noqa: S311
                ),
            )
        finally:
            if not arrived:
                bundle.give_back(self._clock.now())

    async def _send(self, row: Notification, message: Message) -> tuple[Attempt, ...]:
        """Try a few times under the lease, soon after each failure that surely didn't arrive."""
        attempts: list[Attempt] = []
        progress = message.progress

        async def attempt() -> Result:
            nonlocal progress
            started = self._clock.now()
            if attempts and self.channel.pace:
                self.channel.pace.take(started)
            self._check(row)
            for done in attempts[-1:]:
                progress = progress_after(done.result, progress)
            unsure = any(may_arrive_late(earlier.result) for earlier in attempts)
            again = replace(
                message,
                attempt=message.attempt + len(attempts),
                uncertain=message.uncertain or (message.seq if unsure else 0),
                may_be_doubled=message.may_be_doubled or unsure,
                progress=progress,
            )
            result = await self._guarded(row, self._try(again))
            now, within = self._clock.now(), self.channel.arrives_within
            attempts.append(Attempt(now, now - started, result, within))
            return result

        await AsyncRetrying(
            retry=retry_if_result(self._at_once),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            sleep=self._clock.sleep,
            retry_error_callback=lambda _: None,
        )(attempt)
        return tuple(attempts)

    def _check(self, row: Notification) -> None:
        """Raises: LeaseLost.

        Called right before each attempt: this process may have been stopped since the claim.
        """
        if not self._may_send(row):
            raise LeaseLost

    async def _guarded(self, row: Notification, attempt: Awaitable[T]) -> T:
        """Check the lease again right before a client writes. Raises: LeaseLost."""
        with WriteGuard(lambda: self._may_send(row)) as guard, suppress(WriteRefused):
            result = await attempt
        if guard.refused:
            raise LeaseLost
        return result

    def _may_send(self, row: Notification) -> bool:
        return self._clock.now() < row.lease_until and self._holds(row)

    def _holds(self, row: Notification) -> bool:
        return self._ownership.holds(row.lease.partition(":")[0])

    def _at_once(self, result: Result) -> bool:
        """Return whether to try again under the lease.

        Not if the channel's rate is used up: a refusal counts.
        """
        pace = self.channel.pace
        soon = isinstance(result, Retry) and (result.after or 0) <= PATIENCE
        return soon and (pace is None or pace.free(self._clock.now()) > 0)

    async def _try(self, message: Message) -> Result:
        if message.channel != self.channel.name and not message.to:
            return Rejected(
                "the config no longer has this contact, or no address of theirs for the channel"
            )
        try:
            async with asyncio.timeout(HANG * self.channel.timeout):
                return await self.channel.sender.send(message)
        except TimeoutError:
            return Uncertain("the sender hung")
        except WriteRefused:
            raise
        except Exception as error:
            log.exception("sender_failed", channel=self.channel.name)
            return Retry(f"fault in the sender: {type(error).__name__}")

    # --- rows of other kinds

    async def _perform(self, row: Notification) -> None:
        self._check(row)
        started = self._clock.now()
        performed = await self._guarded(row, self._try_task(row))
        now, within = self._clock.now(), self.channel.arrives_within
        attempt = Attempt(now, now - started, performed.result, within)
        after = settle_task(row, attempt, random.random())  # noqa: S311
        await self._settle(row, lambda at: self._save(row, after, performed, at))

    async def _try_task(self, row: Notification) -> Performed:
        performer = self.channel.performers.get(row.kind)
        if performer is None:
            return Performed(Retry("the config has nothing that sends this", UNCONFIGURED))
        try:
            async with asyncio.timeout(HANG * self.channel.timeout):
                return await performer(row)
        except TimeoutError:
            return Performed(Uncertain("the sender hung"))
        except (StoreUnavailable, WriteRefused):
            raise
        except Exception as error:
            log.exception("sender_failed", channel=self.channel.name, kind=row.kind)
            return Performed(Retry(f"fault in the sender: {type(error).__name__}"))

    async def _save(
        self, row: Notification, after: Notification, performed: Performed, at: float
    ) -> None:
        events = [*performed.events, *(self.channel.on_settled(after, at) if after.is_done else ())]
        if events:
            await self._inbox.submit(events)
        await self._store.save(Writes(settled=[(after, row.lease, row.seq)]))

    # --- settling

    async def _settle(self, row: Notification, write: Callable[[float], Awaitable[object]]) -> None:
        """Write the result, as long as the lease is held; wait for a store that is briefly away.

        Raises: LeaseLost, StoreUnavailable.
        """
        for tries in range(SETTLE_TRIES):
            if not self._holds(row):
                raise LeaseLost
            try:
                await write(self._clock.now())
            except (Overloaded, StoreUnavailable) as error:
                log.warning("settling_waits", channel=self.channel.name, error=str(error))
                await self._clock.sleep(2.0**tries)
            else:
                return
        raise StoreUnavailable("no settling within the lease")


_spread = wait_random_exponential(multiplier=0.25, max=PATIENCE)


def _wait(state: RetryCallState) -> float:
    """Wait as long as the service asked, or else a random time that grows."""
    assert state.outcome is not None
    result = state.outcome.result()
    return (
        result.after if isinstance(result, Retry) and result.after is not None else _spread(state)
    )

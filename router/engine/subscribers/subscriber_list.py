"""The list of subscribers: they ask, confirm and unsubscribe.

Addresses are stored here and shown nowhere.
"""

import asyncio

from msgspec.structs import replace

from router.config.statuspage import SubscribersConfig
from router.core.incident.snapshot import Writes
from router.core.messages.signed_links import SubscriberLinks
from router.core.outbox.keyed_limit import KeyedLimit
from router.model.decision import Queued
from router.model.notification import Rejected, Result, Sent
from router.model.outbox import SUBSCRIBERS, OutboxKind
from router.model.reason import Reason
from router.model.statuspage import Subscriber
from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.ports.store import Store
from router.records.records import Records
from router.telemetry.logs import logger

log = logger(__name__)

CONFIRM_WITHIN = 2 * 86_400.0
"""Seconds for which a link to confirm works.

A subscriber who hasn't confirmed by then is forgotten.
"""

TIDY = 3600.0
"""Seconds between checks for subscribers who did not confirm."""

REFUSALS = 3
"""Rejected mails in a row after which a subscriber is dropped."""

EVERYBODY = 1_000_000


class SubscriberList:
    """Every method that needs the store raises StoreUnavailable."""

    def __init__(
        self, store: Store, clock: Clock, document: SubscribersConfig, links: SubscriberLinks
    ) -> None:
        self.subscribers = Records(store, "subscriber", Subscriber)
        self.links = links
        self._store = store
        self._clock = clock
        self._addresses = KeyedLimit(document.per_address.count, document.per_address.per)
        self._callers = KeyedLimit(document.per_ip.count, document.per_ip.per)

    async def ask(self, address: str, caller: str) -> bool:
        """Queue a mail that asks `address` to confirm. Returns False if `caller` asks too often.

        `caller` is a network address. A known address has the same result in the same time, so
        nobody can find out who subscribes.
        """
        now = self._clock.now()
        if not self._callers.take(caller, now):
            return False
        number = self.links.subscriber(address)
        if not self._addresses.take(number, now):
            return True
        await self.subscribers.change(
            number,
            lambda before: (
                replace(before, asked_at=now) if before else Subscriber(address, asked_at=now)
            ),
            now,
        )
        answer = Queued(
            0, f"{SUBSCRIBERS}/{number}", Reason.PUBLISHED, now, OutboxKind.SUBSCRIPTION
        )
        await self._store.save(Writes(queued=[answer]))
        return True

    async def confirmable(self, token: str) -> bool:
        """Return whether the token may confirm."""
        return await self._whose("confirm", token) is not None

    async def confirm(self, token: str) -> bool:
        """Confirm a subscriber, who gets updates from now on."""
        number, now = await self._whose("confirm", token), self._clock.now()
        if number is None:
            return False
        confirmed = await self.subscribers.change(
            number,
            lambda before: before and replace(before, confirmed_at=before.confirmed_at or now),
            now,
        )
        return confirmed is not None

    async def leavable(self, token: str) -> bool:
        """Return whether the token may unsubscribe."""
        return await self._whose("unsubscribe", token) is not None

    async def leave(self, token: str) -> bool:
        """Forget a subscriber, and don't send pending mail to them. A repeat has no effect."""
        number = await self._whose("unsubscribe", token)
        if number is not None:
            await self.subscribers.remove(number)
        return number is not None

    async def settle(self, number: str, subscriber: Subscriber, result: Result) -> None:
        """Drop a subscriber whose address was refused `REFUSALS` times in a row."""
        refused = isinstance(result, Rejected) and result.address
        count = subscriber.refused + 1 if refused else 0
        if not refused and (not subscriber.refused or not isinstance(result, Sent)):
            return
        if count >= REFUSALS:
            await self.subscribers.remove(number)
            log.warning("subscriber_dropped", refused=count)
            return
        now = self._clock.now()
        await self.subscribers.change(
            number, lambda before: before and replace(before, refused=count), now
        )

    async def confirmed(self, before: float) -> list[str]:
        """Return the ids of all subscribers who had confirmed by then."""
        everybody = await self.subscribers.find(limit=EVERYBODY)
        return [
            number
            for number, subscriber in everybody
            if subscriber.confirmed_at is not None and subscriber.confirmed_at <= before
        ]

    async def run(self) -> None:
        """Every hour forget the subscribers who didn't confirm in time, until cancelled."""
        never = asyncio.Event()
        while True:
            try:
                await self.forget_unconfirmed(self._clock.now())
            except StoreUnavailable as error:
                log.warning("unconfirmed_subscribers_kept", error=str(error))
            await self._clock.wait(never, TIDY)

    async def forget_unconfirmed(self, now: float) -> None:
        for number, subscriber in await self.subscribers.find(
            until=now - CONFIRM_WITHIN, limit=EVERYBODY
        ):
            if subscriber.confirmed_at is None:
                await self.subscribers.remove(number)

    async def _whose(self, purpose: str, token: str) -> str | None:
        now = self._clock.now()
        return self.links.check(purpose, token, now)

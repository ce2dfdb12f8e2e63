"""The roll of subscribers: asking, confirming, leaving.

An address is kept here and shown nowhere.
"""

from msgspec.structs import replace

from router.config.statuspage import SubscribersConfig
from router.core.messages.signed_links import SubscriberLinks
from router.engine.subscribers.limits import Limit
from router.model.statuspage import MailKind, OwedMail, Subscriber
from router.ports.clock import Clock
from router.ports.store import Store
from router.records.records import Records

CONFIRM_WITHIN = 2 * 86_400.0
"""Seconds for which a link to confirm works; who hasn't by then is forgotten."""

EVERYBODY = 1_000_000


class SubscriberList:
    """Raises StoreUnavailable wherever the store is needed."""

    def __init__(
        self, store: Store, clock: Clock, document: SubscribersConfig, links: SubscriberLinks
    ) -> None:
        self.subscribers = Records(store, "subscriber", Subscriber)
        self.mails = Records(store, "subscriber_mail", OwedMail)
        self.links = links
        self._clock = clock
        self._addresses = Limit(document.per_address.count, document.per_address.per)
        self._callers = Limit(document.per_ip.count, document.per_ip.per)

    async def ask(self, address: str, caller: str) -> bool:
        """Somebody at the network address `caller` wants mail for `address`. False: they ask too
        often.

        Known or not, the same is done and the same time passes, so nobody learns who subscribes.
        """
        now = self._clock.now()
        if not self._callers.take(caller, now):
            return False
        number = self.links.subscriber(address)
        if not self._addresses.take(number, now):
            return True
        known = await self.subscribers.change(
            number,
            lambda before: (
                replace(before, asked_at=now) if before else Subscriber(address, asked_at=now)
            ),
            now,
        )
        kind = MailKind.ALREADY if known and known.confirmed_at is not None else MailKind.CONFIRM
        await self.mails.add(f"{number}-{now:.3f}", OwedMail(kind, number, now, now), now)
        return True

    async def confirmable(self, token: str) -> bool:
        """Is it a token that may confirm?"""
        return await self._whose("confirm", token) is not None

    async def confirm(self, token: str) -> bool:
        """Who asked is the one who reads mail at that address: from now on they're told."""
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
        """Is it a token that may unsubscribe?"""
        return await self._whose("unsubscribe", token) is not None

    async def leave(self, token: str) -> bool:
        """They're forgotten, and what they're still owed isn't sent.

        It's no mistake to leave twice.
        """
        number = await self._whose("unsubscribe", token)
        if number is not None:
            await self.subscribers.remove(number)
        return number is not None

    async def confirmed(self, before: float) -> list[str]:
        """The ids of all who had confirmed by then."""
        everybody = await self.subscribers.find(limit=EVERYBODY)
        return [
            number
            for number, one in everybody
            if one.confirmed_at is not None and one.confirmed_at <= before
        ]

    async def forget_unconfirmed(self, now: float) -> None:
        for number, one in await self.subscribers.find(until=now - CONFIRM_WITHIN, limit=EVERYBODY):
            if one.confirmed_at is None:
                await self.subscribers.remove(number)

    async def _whose(self, purpose: str, token: str) -> str | None:
        now = self._clock.now()
        return self.links.check(purpose, token, now)

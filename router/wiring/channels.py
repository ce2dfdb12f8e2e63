"""Brings the messages that are owed: a courier for each channel of the config in force, put
together here.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

import aiohttp

from router.config.load import Config
from router.core.messages.signed_links import Links, Signer
from router.core.outbox.digest import Throttle
from router.core.outbox.rate_limit import RateLimit
from router.engine.claim import Limits
from router.engine.deliver import Channel, ChannelWorker, Words
from router.model.notification import channel_of
from router.ports.channels import Announcer, FormSender, Mailer
from router.ports.clock import Clock, spawn
from router.ports.services import Charts, Inbox
from router.ports.store import Store
from router.senders import KINDS
from router.wiring.statuspage import Publishing

GRACE = 10.0
"""Seconds that a stop waits for deliveries that are under way."""

SPREADING = 60.0
"""Seconds that subscribers and customers may take to be owed their mails, or to be sent them, and
the page's files.
"""


class Channels:
    """The couriers of all channels."""

    def __init__(self, store: Store, clock: Clock, owner: str, charts: Charts) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._charts = charts
        self._session: aiohttp.ClientSession | None = None
        self._throttle = Throttle()
        self._couriers: dict[str, ChannelWorker] = {}
        self.announcers: dict[str, Announcer] = {}
        self._forms: dict[str, FormSender] = {}
        self._loops: set[asyncio.Task[None]] = set()

    def wake(self, addresses: Iterable[str]) -> None:
        for channel in {channel_of(address) for address in addresses}:
            if courier := self._couriers.get(channel):
                courier.wake()

    def forms(self) -> dict[str, FormSender]:
        """The senders that can show a form, by the source that takes what is filled in."""
        return self._forms

    async def serve(
        self,
        config: Config,
        inbox: Inbox,
        watch: Callable[[asyncio.Task[None]], None],
        signer: Signer,
        public: Publishing,
    ) -> None:
        """Serve the channels of `config`, instead of those served so far. `watch` is given their
        loops.

        `public` is the sender of the channels that stand for the status page and for customers.
        """
        await self.stop()
        self._session = session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        document = config.document
        url = str(document.external_url).rstrip("/")
        answers = Links(signer, url, document.auth.links_expire_after)
        elsewhere = [(link.name, link.url) for link in document.links]
        words = Words(
            url,
            config.settings.wording,
            answers,
            elsewhere,
            config.time_zones,
            config.slack_ids,
            self._charts,
            bool(config.settings.public),
        )
        channels = [
            Channel(name, public, concurrency=1, timeout=SPREADING)
            for name in public.channels(config)
        ]
        channels += [self._channel(name, config, session) for name in config.channels]
        for channel in channels:
            courier = ChannelWorker(
                channel, self._store, inbox, self._clock, owner=self._owner, words=words
            )
            self._couriers[channel.name] = courier
            watch(spawn(courier.run(), f"courier {channel.name}", self._loops))

    def _channel(self, name: str, config: Config, session: aiohttp.ClientSession) -> Channel:
        options = config.channels[name]
        can = options.capabilities
        sender = KINDS[config.kinds[name]].build(name, options, session)
        if name in announcing(config) and isinstance(sender, Announcer):
            self.announcers[name] = sender
        if can.answers and isinstance(sender, FormSender):
            self._forms[can.answers] = sender
        pace = RateLimit(options.rate.count, options.rate.per) if options.rate else None
        people = config.addresses(name)
        pictures = can.charts
        limits = {
            f"{name}/{person}": limit for person, limit in config.settings.people.limits.items()
        }
        limited = Limits(limits if people is not None else {}, self._throttle, can.is_paging)
        return Channel(
            name, sender, options.concurrency, options.timeout, pace, people, pictures, limited
        )

    @property
    def mailers(self) -> dict[str, tuple[Mailer, RateLimit | None]]:
        """The channels that can mail anybody, with the pace that they keep."""
        channels = {name: courier.channel for name, courier in self._couriers.items()}
        return {
            name: (one.sender, one.pace)
            for name, one in channels.items()
            if isinstance(one.sender, Mailer)
        }

    async def stop(self) -> None:
        """Claim no more, finish what is being sent, close the senders."""
        for courier in self._couriers.values():
            courier.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE):  # when it's up, the loops are cancelled
                await asyncio.gather(*self._loops, return_exceptions=True)
        for courier in self._couriers.values():
            await courier.channel.sender.close()
        self._couriers.clear()
        self.announcers.clear()
        self._forms.clear()
        if self._session:
            await self._session.close()


def announcing(config: Config) -> list[str]:
    """The channels that are told of deployments."""
    return [name for name, options in config.channels.items() if options.capabilities.deployments]

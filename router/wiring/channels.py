"""Serve the outbox: build a worker for each channel of the present config."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

import aiohttp

from router.config.load import Config
from router.core.messages.signed_links import Links, Signer
from router.core.outbox.digest import Throttle
from router.core.outbox.rate_limit import RateLimit
from router.engine.claim import Limits
from router.engine.deliver import Channel, ChannelWorker
from router.engine.deployments import DeploymentEvents
from router.engine.maintenance import MirroredMaintenance
from router.engine.messages import Words
from router.engine.ownership import Ownership
from router.model.deployment import Deployment
from router.model.notification import channel_of
from router.model.outbox import OutboxKind
from router.ports.channels import (
    Announcer,
    DeviceSender,
    FormSender,
    Mailer,
    MaintenanceMirror,
)
from router.ports.clock import Clock, spawn
from router.ports.reconcile import Comparer
from router.ports.services import Charts, Inbox, Performer
from router.ports.store import Store
from router.records.devices import Devices
from router.records.records import Records
from router.senders import KINDS
from router.senders.http import open_session
from router.signing import push_key
from router.wiring.statuspage import Publishing

GRACE = 10.0
"""Maximum seconds that a stopping router waits for its current deliveries."""


class Channels:
    """The workers of all channels.

    on_queued: by channel, called when the outbox has a message for it.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ownership: Ownership,
        charts: Charts,
        deployed: Records[Deployment],
    ) -> None:
        self._store = store
        self._clock = clock
        self._ownership = ownership
        self._charts = charts
        self._deployed = deployed
        self.devices = Devices(store, clock)
        self._push_key = b""
        self._session: aiohttp.ClientSession | None = None
        self._throttle = Throttle()
        self._workers: dict[str, ChannelWorker] = {}
        self._forms: dict[str, FormSender] = {}
        self.on_queued: dict[str, Callable[[], object]] = {}
        self._comparers: dict[str, Comparer] = {}
        self._loops: set[asyncio.Task[None]] = set()

    def wake(self, addresses: Iterable[str]) -> None:
        """Start delivery to these addresses now: a transaction has put messages in the outbox."""
        for channel in {channel_of(address) for address in addresses}:
            if worker := self._workers.get(channel):
                worker.wake.set()
            if call := self.on_queued.get(channel):
                call()

    def push_key(self) -> str:
        """Return the public key to which devices subscribe."""
        from router.senders.webpush import public_key  # noqa: PLC0415 - a large library

        return public_key(self._push_key)

    def forms(self) -> dict[str, FormSender]:
        """Return the senders that can show a form, by the source that receives it."""
        return self._forms

    def comparers(self) -> dict[str, Comparer]:
        """Return the senders that can compare what their services show, by channel."""
        return self._comparers

    async def serve(
        self,
        config: Config,
        inbox: Inbox,
        watch: Callable[[asyncio.Task[None]], None],
        signer: Signer,
        public: Publishing,
    ) -> None:
        """Replace the channels by those of `config`. `watch` is called with their loops.

        `public` delivers what is published: to the status page, to its subscribers, and to
        customers.
        """
        await self.stop()
        self._session = session = open_session()
        words = self._words(config, signer)
        if any(can.capabilities.reaches == "contact" for can in config.channels.values()):
            self._push_key = await push_key(self._store, self._clock.now())
        configured = {name: self._channel(name, config, session) for name in config.channels}
        mailers = {
            name: (channel.sender, channel.pace)
            for name, channel in configured.items()
            if isinstance(channel.sender, Mailer)
        }
        public.serve(config, mailers, lambda channel: self.wake([channel]))
        for channel in [*public.channels(config), *configured.values()]:
            worker = ChannelWorker(
                channel, self._store, inbox, self._clock, ownership=self._ownership, words=words
            )
            self._workers[channel.name] = worker
            watch(spawn(worker.run(), f"channel {channel.name}", self._loops))

    def _words(self, config: Config, signer: Signer) -> Words:
        file = config.file
        url = str(file.external_url).rstrip("/")
        return Words(
            url,
            config.settings.wording,
            links=Links(signer, url, file.auth.links_expire_after),
            elsewhere=[(link.name, link.url) for link in file.links],
            time_zones=config.time_zones,
            mentions=config.slack_ids,
            charts=self._charts,
            public=bool(config.settings.public),
        )

    def _channel(self, name: str, config: Config, session: aiohttp.ClientSession) -> Channel:
        options = config.channels[name]
        can = options.capabilities
        sender = KINDS[config.kinds[name]].build(name, options, session)
        if isinstance(sender, DeviceSender):
            sender.use(self.devices, self._push_key)
        performers: dict[OutboxKind, Performer] = {}
        if name in announcing(config) and isinstance(sender, Announcer):
            performers[OutboxKind.DEPLOYMENT] = DeploymentEvents(
                self._deployed, sender, self._clock
            )
        if can.maintenance and isinstance(sender, MaintenanceMirror):
            performers[OutboxKind.MAINTENANCE] = MirroredMaintenance(
                self._store, sender, self._clock
            )
        if can.answers and isinstance(sender, FormSender):
            self._forms[can.answers] = sender
        if can.compares and isinstance(sender, Comparer):
            self._comparers[name] = sender
        pace = RateLimit(options.rate.count, options.rate.per) if options.rate else None
        people = config.addresses(name)
        pictures = can.charts
        limits = {name: options.throttle} if options.throttle else {}
        if people is not None:
            by_person = config.settings.people.limits.items()
            limits |= {f"{name}/{person}": limit for person, limit in by_person}
        limited = Limits(limits, self._throttle, can.is_paging, can.edits)
        return Channel(
            name,
            sender,
            options.concurrency,
            options.timeout,
            pace,
            people,
            pictures,
            limited,
            can.arrives_within,
            performers,
        )

    async def stop(self) -> None:
        """Claim no more, finish what is being sent, close the senders."""
        for worker in self._workers.values():
            worker.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE):  # when it's up, the loops are cancelled
                await asyncio.gather(*self._loops, return_exceptions=True)
        for worker in self._workers.values():
            await worker.channel.sender.close()
        self._workers.clear()
        self._forms.clear()
        self._comparers.clear()
        if self._session:
            await self._session.close()


def announcing(config: Config) -> list[str]:
    """Return the channels that get deployment events."""
    return [name for name, options in config.channels.items() if options.capabilities.deployments]

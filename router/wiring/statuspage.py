"""Builds the publishing parts: the page, its copy as files, and mail to subscribers and customers.

For the core the page is a channel, and so are customers: publishing adds a message for each in the
same transaction. Its delivery adds mails for subscribers and customers, a row of the outbox for
each. So a crash after a publication was answered loses nothing.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from router.config.communication import CUSTOMERS
from router.config.load import Config
from router.config.statuspage import CHANNEL
from router.core.communication.status_page import ended
from router.core.incident.snapshot import Writes
from router.core.messages.signed_links import SubscriberLinks
from router.core.outbox.rate_limit import RateLimit
from router.engine.customers import CustomerMail, announced, customer_mail, on_settled
from router.engine.deliver import Channel
from router.engine.sign_in_mail import SignInMail
from router.engine.subscribers.subscriber_list import SubscriberList
from router.engine.subscribers.subscriber_mail import Spreading, SubscriberMail, queued_maintenance
from router.model.event import Command, Event
from router.model.notification import Message, Notification, NotificationState, Result, Retry, Sent
from router.model.outbox import CUSTOMER_MAIL, SIGN_IN_MAIL, SUBSCRIBERS, OutboxKind
from router.model.statuspage import Maintenance, StatusPlan
from router.ports.channels import Mailer
from router.ports.clock import Clock, spawn
from router.ports.errors import StoreUnavailable
from router.ports.services import Performer
from router.ports.store import Store
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics
from router.web.statuspage.export import Exporter, ExportTarget
from router.web.statuspage.page_cache import StatusPageCache, maintenances

log = logger(__name__)

GRACE = 10.0
"""Maximum seconds that a stop waits for files being written."""

SPREADING = 60.0
"""Timeout in seconds for queueing the mail to all subscribers and customers, and for writing the
page's files.
"""

MAILS = 20
"""Maximum mails in flight, each over its own connection."""


Mailers = Mapping[str, tuple[Mailer, RateLimit | None]]
"""The channels that can mail anybody, with their rate limits."""


class Publishing:
    """The status page of the current config, and the sender of published updates."""

    def __init__(
        self, store: Store, clock: Clock, config: Config, folder: Path, metrics: Metrics
    ) -> None:
        self._store = store
        self._clock = clock
        self._config = config
        self._folder = folder
        self._metrics = metrics
        self._links: SubscriberLinks | None = None
        self._subscriber_list: SubscriberList | None = None
        self._spreading: Spreading | None = None
        self._mail: list[Channel] = []
        self._wake: Callable[[str], None] = lambda _: None
        self._serving = False
        self._loops: set[asyncio.Task[None]] = set()
        self.page_cache = StatusPageCache(
            store,
            clock,
            plan=self.plan,
            subscribe=lambda: self._subscriber_list is not None,
        )
        self._exporter = self._new_exporter()

    def plan(self) -> StatusPlan | None:
        return self._config.status_plan

    def subscriber_list(self) -> SubscriberList | None:
        """Return the subscribers of the page; None if nobody can subscribe."""
        return self._subscriber_list

    def use(self, links: SubscriberLinks) -> None:
        """Sign links to subscribers with `links` from now on."""
        self._links = links

    def serve(
        self,
        config: Config,
        mailers: Mailers,
        wake: Callable[[str], None],
    ) -> None:
        """Work by `config` from now on."""
        self._config, self._wake = config, wake
        self._subscriber_list, self._spreading = None, None
        self._mail = [
            *self._customer_mail(config, mailers),
            *self._sign_in_mail(config, mailers),
            *self._subscriber_mail(config, mailers),
        ]
        self._exporter = self._new_exporter()
        self.page_cache.forget()
        self._serving = True

    def _customer_mail(self, config: Config, mailers: Mailers) -> Iterator[Channel]:
        communication = config.file.communication
        if communication and communication.customers:
            name: str = communication.customers
            mailer, pace = mailers[name]
            to = config.channels[name].capabilities.to or ()
            performers = {OutboxKind.CUSTOMER: CustomerMail(self._store, mailer, to)}
            yield self._mail_channel(CUSTOMER_MAIL, config, name, pace, performers)

    def _sign_in_mail(self, config: Config, mailers: Mailers) -> Iterator[Channel]:
        users = config.file.auth.users
        if users and users.mail:
            mailer, pace = mailers[users.mail]
            url = config.file.external_url.rstrip("/")
            performers = {OutboxKind.SIGN_IN: SignInMail(self._store, self._clock, mailer, url)}
            yield self._mail_channel(SIGN_IN_MAIL, config, users.mail, pace, performers)

    def _subscriber_mail(self, config: Config, mailers: Mailers) -> Iterator[Channel]:
        plan, page = config.status_plan, config.file.status_page
        if plan is None or page is None or page.subscribers is None:
            return
        name = page.subscribers.channel
        mailer, pace = mailers[name]
        assert self._links is not None, "`use` must be called first"
        subscribers = SubscriberList(self._store, self._clock, page.subscribers, self._links)
        self._subscriber_list = subscribers
        self._spreading = Spreading(self._store, subscribers, lambda: self._wake(SUBSCRIBERS))
        url = f"{config.file.external_url.rstrip('/')}/status"
        mail = SubscriberMail(self._store, subscribers, mailer, plan, url)
        kinds = (OutboxKind.SUBSCRIBER, OutboxKind.SUBSCRIPTION, OutboxKind.MAINTENANCE)
        yield self._mail_channel(SUBSCRIBERS, config, name, pace, dict.fromkeys(kinds, mail))

    def _mail_channel(
        self,
        name: str,
        config: Config,
        mailer: str,
        pace: RateLimit | None,
        performers: Mapping[OutboxKind, Performer],
    ) -> Channel:
        """Return a channel that shares the rate limit of the channel which sends its mail."""
        return Channel(
            name,
            self,
            concurrency=MAILS,
            timeout=config.channels[mailer].timeout,
            pace=pace,
            people={},
            performers=performers,
            on_settled=self._settled,
        )

    def _settled(self, row: Notification, at: float) -> Sequence[Event]:
        if row.kind not in {OutboxKind.CUSTOMER, OutboxKind.SIGN_IN}:
            self._metrics.subscriber_mails.labels(
                "failed" if row.state is NotificationState.DEAD else "sent"
            ).inc()
        return on_settled(row, at)

    def run(self) -> Sequence[asyncio.Task[None]]:
        """Start the loops of the present config."""
        loops = [spawn(self._exporter.run(), "export", self._loops)]
        if self._subscriber_list:
            loops.append(spawn(self._subscriber_list.run(), "subscribers", self._loops))
        return loops

    async def announce_maintenance(self, maintenance: Maintenance) -> None:
        """Store maintenance, and the messages about it. Raises: StoreUnavailable."""
        await self._save_maintenance(
            maintenance, lambda _: maintenance, maintenance.id, maintenance.created_at
        )

    async def end_maintenance(self, maintenance: Maintenance, now: float) -> Maintenance:
        """End or cancel maintenance, and queue it to others, once. Raises: StoreUnavailable."""
        how = "cancelled" if maintenance.starts_at > now else "ended"

        def change(before: Maintenance | None) -> Maintenance | None:
            after = before and ended(before, now)
            return None if after == before else after

        return (
            await self._save_maintenance(maintenance, change, f"{maintenance.id}/{how}", now)
            or maintenance
        )

    async def _save_maintenance(
        self,
        maintenance: Maintenance,
        change: Callable[[Maintenance | None], Maintenance | None],
        subject: str,
        at: float,
    ) -> Maintenance | None:
        """Store what `change` returns and queue it in one transaction; None changes nothing."""
        mirrors = [
            name
            for name, options in self._config.channels.items()
            if options.capabilities.maintenance
        ]
        queued = [queued_maintenance(name, subject, at) for name in mirrors]
        if self._spreading:
            queued += await self._spreading.about_maintenance(subject, at)
        after = await maintenances(self._store).change(
            maintenance.id, change, maintenance.starts_at, queued
        )
        for channel in (*mirrors, SUBSCRIBERS):
            self._wake(channel)
        return after

    async def recipients(self, command: Command) -> int:
        """Count the people who get a command's mail. Raises: StoreUnavailable."""
        subscribers = (
            len(await self._subscriber_list.confirmed(self._clock.now()))
            if self._subscriber_list
            else 0
        )
        if command is Command.PUBLISH:
            return subscribers
        communication = self._config.file.communication
        if command is not Command.ANNOUNCE or communication is None:
            return 0
        name = communication.customers
        to = self._config.channels[name].capabilities.to or () if name else ()
        return len({*to}) + (subscribers if communication.subscribers else 0)

    async def stop(self) -> None:
        """Finish deliveries in progress."""
        self._serving = False
        self._exporter.close()
        for loop in list(self._loops):
            if loop.get_name() == "subscribers":
                loop.cancel()
        if self._loops:
            await asyncio.wait(self._loops, timeout=GRACE)
        for loop in list(self._loops):
            loop.cancel()

    async def send(self, message: Message) -> Result:
        """Deliver an update that was published, or an announcement to customers."""
        if not self._serving:
            return Retry("the config is being loaded")
        return await (
            self._announce(message) if message.channel == CUSTOMERS else self._publish(message)
        )

    async def _announce(self, message: Message) -> Result:
        """Add a mail for each address. A repeated announcement adds nothing."""
        try:
            entry = announced(await self._store.timeline(message.incident.id), message.seen_entry)
            if entry is None or message.incident.drill:
                return Sent()
            communication = self._config.file.communication
            if self._spreading and communication and communication.subscribers:
                await self._spreading.queue(entry)
            if communication and communication.customers:
                to = self._config.channels[communication.customers].capabilities.to or ()
                await self._store.save(Writes(queued=customer_mail(entry, to)))
                self._wake(CUSTOMER_MAIL)
        except StoreUnavailable as error:
            return Retry(f"the store is away: {error}")
        return Sent()

    async def _publish(self, message: Message) -> Result:
        self.page_cache.forget()
        try:
            if self._spreading:
                await self._spreading.spread(message)
            await self._exporter.export()
        except StoreUnavailable as error:
            return Retry(f"the store is away: {error}")
        except OSError as error:
            # Subscribers get their mail and the page is served: the files follow as soon as they
            # can be written.
            log.warning("status_export_failed", error=str(error))
        return Sent()

    def channels(self, config: Config) -> Sequence[Channel]:
        """Return the channels of the page, of customers, and of the mail to both audiences."""
        names = [CHANNEL] if config.status_plan else []
        names += [CUSTOMERS] if config.file.communication else []
        return [
            *(Channel(name, self, concurrency=1, timeout=SPREADING) for name in names),
            *self._mail,
        ]

    async def close(self) -> None:
        """There is nothing to close."""

    def _new_exporter(self) -> Exporter:
        return Exporter(
            self.page_cache, self._clock, self._target, self._metrics.status_export_time.set
        )

    def _target(self) -> ExportTarget | None:
        page = self._config.file.status_page
        return (
            ExportTarget(self._folder / page.export, page.every) if page and page.export else None
        )

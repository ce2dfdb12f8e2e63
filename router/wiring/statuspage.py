"""What becomes of what is published: the page, its copy as files, and the mails to subscribers and
customers.

All of it is put together here. The page is a channel as far as the core is concerned, and so are
customers: publishing owes it a message in the same transaction, and the courier brings it. So a
crash after the answer to who published loses none of it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiohttp import web

from router.config.communication import CUSTOMERS
from router.config.load import Config
from router.config.statuspage import CHANNEL
from router.core.messages.signed_links import SubscriberLinks
from router.core.outbox.rate_limit import RateLimit
from router.engine.customers import CustomerPost, announced
from router.engine.subscribers.post import SubscriberPost
from router.engine.subscribers.roll import SubscriberList
from router.model.event import Command
from router.model.notification import Letter, Result, Retry, Sent
from router.ports.channels import Mailer
from router.ports.clock import Clock, spawn
from router.ports.errors import StoreUnavailable
from router.ports.store import Store
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics
from router.web.statuspage.board import Board
from router.web.statuspage.export import Exporter, ExportTarget
from router.web.statuspage.handlers import StatusPage
from router.web.statuspage.maintenance import Announcements
from router.web.statuspage.subscriptions import SubscriptionPages

log = logger(__name__)

GRACE = 10.0
"""Seconds that a stop waits for mails and files that are under way."""


class Publishing:
    """The status page of the config in force; the sender of the channels that stand for it, and for
    customers.
    """

    def __init__(
        self, store: Store, clock: Clock, config: Config, folder: Path, metrics: Metrics
    ) -> None:
        self._store = store
        self._clock = clock
        self._config = config
        self._folder = folder
        self._metrics = metrics
        self._roll: SubscriberList | None = None
        self._post: SubscriberPost | None = None
        self._customers: CustomerPost | None = None
        self._serving = False
        self._loops: set[asyncio.Task[None]] = set()
        self.board = Board(
            store,
            clock,
            plan=lambda: self._config.status_plan,
            subscribe=lambda: self._roll is not None,
        )
        self._exporter = self._new_exporter()

    def routes(self) -> list[web.RouteDef]:
        announcements = Announcements(
            self._store,
            self._clock,
            auth=lambda: self._config.document.auth,
            plan=lambda: self._config.status_plan,
            changed=self.board.forget,
        )
        pages = SubscriptionPages(self.board, lambda: self._roll, self._proxied)
        return [*announcements.routes(), *pages.routes(), *StatusPage(self.board).routes()]

    def serve(
        self,
        config: Config,
        mailers: Mapping[str, tuple[Mailer, RateLimit | None]],
        links: SubscriberLinks,
    ) -> Sequence[asyncio.Task[None]]:
        """Work by `config` from now on: the loops that do.

        `mailers` are the channels that can mail anybody.
        """
        self._config = config
        self._roll, self._post, self._customers = None, None, None
        if (communication := config.document.communication) and communication.customers:
            name = communication.customers
            mailer, pace = mailers[name]
            self._customers = CustomerPost(
                self._store, self._clock, mailer, config.channels[name].capabilities.to or (), pace
            )
        plan, page = config.status_plan, config.document.status_page
        if plan is not None and page is not None and page.subscribers is not None:
            mailer, pace = mailers[page.subscribers.channel]
            self._roll = SubscriberList(self._store, self._clock, page.subscribers, links)
            self._post = SubscriberPost(
                self._store,
                self._clock,
                self._roll,
                mailer=mailer,
                plan=plan,
                url=f"{config.document.external_url.rstrip('/')}/status",
                pace=pace,
                on_done=lambda outcome: self._metrics.subscriber_mails.labels(outcome).inc(),
            )
        self._exporter = self._new_exporter()
        self.board.forget()
        self._serving = True
        loops = [spawn(self._exporter.run(), "export", self._loops)]
        if self._post:
            loops.append(spawn(self._post.run(), "subscribers", self._loops))
        return loops

    async def recipients(self, command: Command) -> int:
        """Count the people whom a command mails. Raises: StoreUnavailable."""
        subscribers = len(await self._roll.confirmed(self._clock.now())) if self._roll else 0
        if command is Command.PUBLISH:
            return subscribers
        communication = self._config.document.communication
        if command is not Command.ANNOUNCE or communication is None:
            return 0
        name = communication.customers
        to = self._config.channels[name].capabilities.to or () if name else ()
        return len({*to}) + (subscribers if communication.subscribers else 0)

    async def stop(self) -> None:
        """Finish what is under way."""
        self._serving = False
        self._exporter.close()
        if self._post:
            self._post.close()
        if self._loops:
            await asyncio.wait(self._loops, timeout=GRACE)
        for loop in list(self._loops):
            loop.cancel()

    async def send(self, letter: Letter) -> Result:
        """Something of the incident was published, or announced to customers."""
        if not self._serving:
            return Retry("the config is being loaded")
        return await (
            self._announce(letter) if letter.channel == CUSTOMERS else self._publish(letter)
        )

    async def _announce(self, letter: Letter) -> Result:
        """What was sent once isn't sent again, whoever asks for that."""
        try:
            entry = announced(await self._store.timeline(letter.incident.id), letter.told)
            if entry is None or letter.incident.drill:
                return Sent()
            communication = self._config.document.communication
            if self._post and communication and communication.subscribers:
                await self._post.owe(entry)
        except StoreUnavailable as error:
            return Retry(f"the store is away: {error}")
        return await self._customers.send(letter, entry) if self._customers else Sent()

    async def _publish(self, letter: Letter) -> Result:
        self.board.forget()
        try:
            if self._post:
                await self._post.spread(letter)
            await self._exporter.export()
        except StoreUnavailable as error:
            return Retry(f"the store is away: {error}")
        except OSError as error:
            # Who subscribes is told, and the page served: the files follow as soon as they can be
            # written.
            log.warning("status_export_failed", error=str(error))
        return Sent()

    @staticmethod
    def channels(config: Config) -> Sequence[str]:
        """The channels that it's the sender of: the page, and customers."""
        page = [CHANNEL] if config.status_plan else []
        return [*page, CUSTOMERS] if config.document.communication else page

    async def close(self) -> None:
        """Of it as a sender there's nothing to close."""

    def _new_exporter(self) -> Exporter:
        return Exporter(self.board, self._clock, self._target, self._metrics.status_export_time.set)

    def _target(self) -> ExportTarget | None:
        page = self._config.document.status_page
        return (
            ExportTarget(self._folder / page.export, page.every) if page and page.export else None
        )

    def _proxied(self) -> bool:
        page = self._config.document.status_page
        return bool(page and page.subscribers and page.subscribers.behind_proxy)

"""A subscriber list and its mail over a real store, and a mailer that keeps what it's given."""

from collections import deque
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from router.config.statuspage import SubscribersConfig
from router.core.incident.snapshot import Writes
from router.core.messages.signed_links import SubscriberLinks
from router.core.outbox.rate_limit import RateLimit
from router.engine.deliver import Channel, ChannelWorker
from router.engine.messages import Words
from router.engine.ownership import Ownership
from router.engine.subscribers.subscriber_list import SubscriberList
from router.engine.subscribers.subscriber_mail import Spreading, SubscriberMail
from router.model.decision import Entry
from router.model.event import Event
from router.model.notification import Message, Notification, NotificationState, Result, Sent
from router.model.outbox import SUBSCRIBERS, OutboxKind
from router.model.reason import Reason
from router.model.statuspage import PublicMail
from router.ports.store import Store
from tests.clock import SteppedClock
from tests.core.statuspage.published import PLAN, published, said

URL = "https://router.example.com/status"
LINKS = SubscriberLinks(b"a key of at least thirty-two bytes")


class Mailbox:
    """A mailer that answers by address or by `script`, and otherwise that the mail is sent."""

    def __init__(self, *script: Result) -> None:
        self.script = deque(script)
        self.answers: dict[str, Result] = {}
        self.mails: list[PublicMail] = []
        self.on_mail: Callable[[PublicMail], None] = lambda _: None

    async def mail(self, mail: PublicMail) -> Result:
        self.mails.append(mail)
        self.on_mail(mail)
        if mail.to in self.answers:
            return self.answers[mail.to]
        return self.script.popleft() if self.script else Sent()

    def link(self, purpose: str) -> str:
        """The token of the last link of that kind."""
        return next(
            line.rpartition("/")[2]
            for mail in reversed(self.mails)
            for line in mail.text.splitlines()
            if f"/{purpose}/" in line
        )


class NoInbox:
    """Mail to subscribers changes no incident."""

    async def submit(self, events: Sequence[Event]) -> Sequence[Reason]:
        raise AssertionError(events)


class NoLetters:
    """The channel has rows of its own kinds only."""

    async def send(self, message: Message) -> Result:
        raise AssertionError(message)

    async def close(self) -> None: ...


class Mailing:
    """All parts together. Incident 142 is in the store, and `publish` adds a public update about
    it.
    """

    def __init__(
        self, store: Store, clock: SteppedClock, mailbox: Mailbox, pace: RateLimit | None = None
    ) -> None:
        self.store, self.clock, self.mailbox, self.pace = store, clock, mailbox, pace
        self.outcomes: list[str] = []
        self.restarted()

    def restarted(self) -> "Mailing":
        """A process after the last one died: it knows what is in the store, and nothing else."""
        self.roll = SubscriberList(self.store, self.clock, SubscribersConfig(channel="mail"), LINKS)
        self.spreading = Spreading(self.store, self.roll)
        mail = SubscriberMail(self.store, self.roll, self.mailbox, PLAN, URL)
        channel = Channel(
            SUBSCRIBERS,
            NoLetters(),
            concurrency=20,
            pace=self.pace,
            people={},
            performers={
                OutboxKind.SUBSCRIBER: mail,
                OutboxKind.SUBSCRIPTION: mail,
                OutboxKind.MAINTENANCE: mail,
            },
            on_settled=self._settled,
        )
        self.worker = ChannelWorker(
            channel,
            self.store,
            NoInbox(),
            self.clock,
            ownership=Ownership(self.store, self.clock),
            words=Words(""),
        )
        return self

    def _settled(self, row: Notification, _at: float) -> Sequence[Event]:
        self.outcomes.append("failed" if row.state is NotificationState.DEAD else "sent")
        return ()

    async def deliver(self, seconds: float = 1.0) -> int:
        """Let so much time pass, send what is due by then, and say how many mails that was."""
        await self.clock.advance(seconds)
        before = len(self.mailbox.mails)
        while True:
            await self.worker.round()
            if not self.worker._sending:
                return len(self.mailbox.mails) - before
            await self.clock.settle(lambda: not self.worker._sending, "all being sent")

    async def rows(self) -> int:
        return len(
            await self.store.tasks(OutboxKind.SUBSCRIBER, OutboxKind.SUBSCRIPTION, limit=5000)
        )

    async def subscribe(self, address: str) -> None:
        """They ask, get the mail, and confirm."""
        assert await self.roll.ask(address, "192.0.2.1")
        await self.deliver()
        assert await self.roll.confirm(self.mailbox.link("confirm"))
        self.mailbox.mails.clear()

    async def publish(
        self, text: str = "We are looking into it.", status: str = "investigating"
    ) -> Message:
        """Message that the page is queued for the update, with everything earlier already sent."""
        incident = published().incident
        if await self.store.incident(142) is None:
            await self.store.save(Writes(incidents={142: replace(incident, version=1)}))
        before = await self.store.timeline(142)
        entry = said(0, self.clock.now(), status, text)
        await self.store.save(
            Writes(
                entries=[entry, Entry(142, self.clock.now(), Reason.NOTED, "ana", {"text": "x"})]
            )
        )
        seen_entry = max((one.id for one in before), default=0)
        return Message(
            incident, "status-page", 1, Reason.PUBLISHED, self.clock.now(),
            timeline=tuple(await self.store.timeline(142)), seen_entry=seen_entry,
        )  # fmt: skip

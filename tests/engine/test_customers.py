"""Mail to customers: each address once per announcement, through any failure, in the approved
text.
"""

from collections.abc import Sequence

import pytest

from router.core.incident.snapshot import Writes
from router.core.outbox.rate_limit import RateLimit
from router.engine.customers import CustomerMail, announced, customer_mail, on_settled
from router.engine.deliver import Channel, ChannelWorker
from router.engine.messages import Words
from router.engine.ownership import Ownership
from router.model.decision import Entry
from router.model.event import Event, Undelivered
from router.model.notification import NotificationState, Rejected, Result, Retry, Sent, Uncertain
from router.model.outbox import CUSTOMER_MAIL, OutboxKind
from router.model.reason import Reason
from router.store import SqlStore
from tests.clock import START, SteppedClock
from tests.engine.subscribers.mailing import Mailbox, NoLetters
from tests.store.examples import incident

SAID = Entry(
    142,
    START,
    Reason.ANNOUNCED,
    "ana",
    {"title": "Over\r\nBcc: x@y.z", "text": "It's over.\n\nSorry."},
)
CUSTOMERS = ["a@example.com", "b@example.com"]


class Desk:
    """Two customers, a mailer that answers by `script`, and the events that were submitted."""

    def __init__(self, store: SqlStore, clock: SteppedClock) -> None:
        self.store, self.clock, self.mailbox = store, clock, Mailbox()
        self.events: list[Event] = []

    async def submit(self, events: Sequence[Event]) -> Sequence[Reason]:
        self.events += events
        return []

    async def announce(self) -> None:
        """Announce it, or deliver the same announcement again."""
        if await self.store.incident(142) is None:
            await self.store.save(Writes(incidents={142: incident(142)}, entries=[SAID]))
        (entry,) = await self.store.timeline(142)
        await self.store.save(Writes(queued=customer_mail(entry, CUSTOMERS)))

    async def send(
        self, *script: Result, pace: RateLimit | None = None, customers: Sequence[str] = CUSTOMERS
    ) -> None:
        """Send what is due, by a process that knows what is in the store, and nothing else."""
        self.mailbox.script.extend(script)
        mail = CustomerMail(self.store, self.mailbox, customers)
        channel = Channel(
            CUSTOMER_MAIL,
            NoLetters(),
            pace=pace,
            people={},
            performers={OutboxKind.CUSTOMER: mail},
            on_settled=on_settled,
        )
        ownership = Ownership(self.store, self.clock)
        worker = ChannelWorker(
            channel, self.store, self, self.clock, ownership=ownership, words=Words("")
        )
        await worker.round()
        await self.clock.settle(lambda: not worker._sending, "all being sent")

    @property
    def mailed(self) -> list[str]:
        return [mail.to for mail in self.mailbox.mails]

    async def states(self) -> list[NotificationState]:
        return sorted(row.state for row in await self.store.tasks(OutboxKind.CUSTOMER))


@pytest.fixture
async def desk(store: SqlStore, clock: SteppedClock) -> Desk:
    made = Desk(store, clock)
    await made.announce()
    return made


async def test_each_address_gets_the_words_that_were_approved(desk: Desk) -> None:
    await desk.send()
    assert sorted(desk.mailed) == CUSTOMERS
    assert {mail.text for mail in desk.mailbox.mails} == {"It's over.\n\nSorry."}
    assert len({mail.name for mail in desk.mailbox.mails}) == 2


async def test_nobody_is_mailed_twice(desk: Desk) -> None:
    """After a restart, or when sent again by a person: each address has its row."""
    await desk.send()
    await desk.announce()
    await desk.send()
    assert len(desk.mailed) == 2
    assert await desk.states() == [NotificationState.SENT] * 2


@pytest.mark.parametrize("failure", [Retry("busy"), Uncertain("lost")])
async def test_only_who_doesnt_have_it_is_tried_again(desk: Desk, failure: Result) -> None:
    await desk.send(Sent(), failure)
    await desk.clock.advance(60)
    await desk.send()
    assert len(desk.mailed) == 3
    assert desk.mailbox.mails[1].to == desk.mailbox.mails[2].to
    assert desk.mailbox.mails[1].name == desk.mailbox.mails[2].name
    assert await desk.states() == [NotificationState.SENT] * 2


async def test_a_refusal_stands_and_is_on_the_timeline_without_the_address(desk: Desk) -> None:
    await desk.send(Rejected("SMTP 550 no such user"))
    await desk.announce()
    await desk.clock.advance(3600)
    await desk.send()
    assert len(desk.mailed) == 2
    assert await desk.states() == [NotificationState.DEAD, NotificationState.SENT]
    (event,) = desk.events
    assert isinstance(event, Undelivered)
    assert (event.incident_id, event.channel, event.error) == (
        142,
        "customers",
        "SMTP 550 no such user",
    )
    assert "example.com" not in repr(event)


async def test_an_address_that_has_left_the_config_gets_nothing(desk: Desk) -> None:
    await desk.send(customers=CUSTOMERS[:1])
    assert desk.mailed == CUSTOMERS[:1]
    assert await desk.states() == [NotificationState.DEAD, NotificationState.SENT]


async def test_the_channels_rate_is_kept(desk: Desk) -> None:
    await desk.send(pace=RateLimit(1, 60.0))
    assert len(desk.mailed) == 1


def test_what_was_told_is_not_told_again() -> None:
    entry = Entry(142, START, Reason.ANNOUNCED, id=7)
    assert announced([entry], 6) == entry
    assert announced([entry], 7) is None

"""Mails to customers: each address once for an approval, whatever fails, in the words that were
approved.
"""

import pytest

from router.core.outbox.rate_limit import RateLimit
from router.engine.customers import CustomerPost, announced
from router.model.decision import Entry
from router.model.notification import Rejected, Result, Retry, Sent, Uncertain
from router.model.reason import Reason
from router.store import SqlStore
from tests.clock import SteppedClock
from tests.engine.subscribers.desk import Mailbox
from tests.senders.kit import NOW, make_letter

SAID = Entry(
    142,
    NOW,
    Reason.ANNOUNCED,
    "ana",
    {"title": "Over\r\nBcc: x@y.z", "text": "It's over.\n\nSorry."},
    id=7,
)


class Desk:
    """Two customers, and a mailer that answers by `script`."""

    def __init__(self, store: SqlStore, clock: SteppedClock) -> None:
        self.store, self.clock, self.mailbox = store, clock, Mailbox()

    async def send(self, *script: Result, pace: RateLimit | None = None) -> Result:
        """By a process that knows what is in the store, and nothing else."""
        self.mailbox.script.extend(script)
        post = CustomerPost(
            self.store, self.clock, self.mailbox, ["a@example.com", "b@example.com"], pace
        )
        return await post.send(make_letter(), SAID)

    @property
    def told(self) -> list[str]:
        return [mail.to for mail in self.mailbox.mails]


@pytest.fixture
def desk(store: SqlStore, clock: SteppedClock) -> Desk:
    return Desk(store, clock)


async def test_each_address_gets_the_words_that_were_approved(desk: Desk) -> None:
    assert await desk.send() == Sent()
    assert desk.told == ["a@example.com", "b@example.com"]
    assert {mail.text for mail in desk.mailbox.mails} == {"It's over.\n\nSorry."}
    assert len({mail.name for mail in desk.mailbox.mails}) == 2


async def test_nobody_is_mailed_twice(desk: Desk) -> None:
    """A restart, a re-sending by hand: who had it is on record."""
    await desk.send()
    assert await desk.send() == Sent()
    assert len(desk.told) == 2


@pytest.mark.parametrize("failure", [Retry("busy"), Uncertain("lost")])
async def test_only_who_doesnt_have_it_is_tried_again(desk: Desk, failure: Result) -> None:
    assert await desk.send(Sent(), failure) == failure
    assert await desk.send() == Sent()
    assert desk.told == ["a@example.com", "b@example.com", "b@example.com"]
    assert desk.mailbox.mails[1].name == desk.mailbox.mails[2].name


async def test_a_refusal_stands_and_is_told_if_nobody_took_it(desk: Desk) -> None:
    assert await desk.send(Rejected("no such user")) == Sent()
    assert await desk.send() == Sent()
    assert len(desk.told) == 2


async def test_if_all_refuse_it_failed(desk: Desk) -> None:
    refused = Rejected("no such user")
    assert await desk.send(refused, refused) == refused


async def test_the_channels_rate_is_kept(desk: Desk) -> None:
    result = await desk.send(pace=RateLimit(1, 60.0))
    assert isinstance(result, Retry)
    assert desk.told == ["a@example.com"]


def test_what_was_told_is_not_told_again() -> None:
    assert announced([SAID], 6) == SAID
    assert announced([SAID], 7) is None

"""Mails to subscribers: each update once, through any failure, and none lost."""

import asyncio

import pytest
from msgspec.structs import replace

from router.core.communication.status_page import ended
from router.core.incident.snapshot import Writes
from router.core.outbox.rate_limit import RateLimit
from router.core.text.plain import local
from router.engine.subscribers import subscriber_mail
from router.model.decision import Entry
from router.model.notification import Rejected, Retry, Sent, Uncertain
from router.model.reason import Reason
from router.model.statuspage import Maintenance, PublicMail, Subscriber
from router.records.records import Records
from router.store import SqlStore
from tests.clock import SteppedClock
from tests.engine.subscribers.mailing import URL, Mailbox, Mailing
from tests.faults import FaultyStore


@pytest.fixture
async def mailing(store: SqlStore, clock: SteppedClock) -> Mailing:
    """With two who subscribe."""
    made = Mailing(store, clock, Mailbox())
    for address in ("ana@example.com", "ben@example.com"):
        await made.subscribe(address)
    return made


def mailed(mailing: Mailing) -> list[tuple[str, str]]:
    """Sent mails as pairs of address and update, in no order."""
    return sorted((mail.to, mail.text.splitlines()[2]) for mail in mailing.mailbox.mails)


async def test_everybody_is_told_each_update_once(mailing: Mailing) -> None:
    await mailing.spreading.spread(await mailing.publish("First."))
    await mailing.deliver()
    await mailing.spreading.spread(await mailing.publish("Second.", "resolved"))
    await mailing.deliver()
    await mailing.deliver(3600)
    expected = [
        (address, text)
        for address in ("ana@example.com", "ben@example.com")
        for text in ("First.", "Second.")
    ]
    assert mailed(mailing) == expected
    assert mailing.outcomes[2:] == ["sent"] * 4
    assert len({mail.name for mail in mailing.mailbox.mails}) == 4
    assert len({mail.thread for mail in mailing.mailbox.mails}) == 1


async def test_a_mail_has_the_public_words_and_a_way_out_and_nothing_else(mailing: Mailing) -> None:
    await mailing.spreading.spread(await mailing.publish())
    await mailing.deliver()
    mail = mailing.mailbox.mails[0]
    assert mail.subject == "[Investigating] Payment problems"
    assert mail.unsubscribe.startswith(f"{URL}/unsubscribe/")
    assert mail.unsubscribe in mail.text
    assert "https://status.example.com/incidents/142.html" in mail.text
    assert "internal" not in repr(mail)


async def test_spread_twice_is_still_one_mail_each(mailing: Mailing) -> None:
    """After a crash the worker repeats the message, even when its mails were sent long ago."""
    message = await mailing.publish()
    await mailing.spreading.spread(message)
    await mailing.spreading.spread(message)
    await mailing.deliver()
    await mailing.restarted().spreading.spread(message)
    await mailing.deliver(3600)
    assert len(mailing.mailbox.mails) == 2


async def test_a_crash_while_spreading_loses_and_doubles_nobody(
    mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies after the first row; the next process adds the rest."""
    monkeypatch.setattr(subscriber_mail, "SPREAD", 1)
    mailing.store = FaultyStore(mailing.store)  # type: ignore[assignment,arg-type]
    message = await mailing.publish()
    broken = mailing.restarted().spreading
    mailing.store.plan["save"].extend([None, RuntimeError("killed")])  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError):
        await broken.spread(message)
    await mailing.deliver()
    assert len(mailing.mailbox.mails) == 1
    await mailing.restarted().spreading.spread(message)
    await mailing.deliver()
    assert len(mailed(mailing)) == len(set(mailed(mailing))) == 2


async def test_a_crash_in_the_middle_of_sending_sends_again_under_the_same_id(
    mailing: Mailing,
) -> None:
    """Nobody knows whether the mail arrived; a mail system can recognise the copy by its id."""

    def die(_: PublicMail) -> None:
        raise asyncio.CancelledError

    await mailing.spreading.spread(await mailing.publish())
    mailing.mailbox.on_mail = die
    await mailing.deliver()
    mailing.mailbox.on_mail = lambda _: None
    await mailing.store.recover()  # type: ignore[attr-defined]
    mailing.restarted()
    before = len(mailing.mailbox.mails)
    assert await mailing.deliver() == before == 2
    assert len({mail.name for mail in mailing.mailbox.mails}) == 2


@pytest.mark.parametrize("failure", [Retry("SMTP 451 later"), Uncertain("hung")])
async def test_what_may_pass_is_tried_again(mailing: Mailing, failure: Retry | Uncertain) -> None:
    """And only for the recipients for whom it failed."""
    mailing.mailbox.script.extend([failure, Sent()])
    await mailing.spreading.spread(await mailing.publish())
    await mailing.deliver()
    assert len(mailing.mailbox.mails) == 2
    await mailing.deliver(10)
    await mailing.deliver(3600)
    assert len(mailing.mailbox.mails) == 3
    assert {mail.to for mail in mailing.mailbox.mails} == {"ana@example.com", "ben@example.com"}


async def test_a_refusal_for_good_is_not_repeated(mailing: Mailing) -> None:
    mailing.mailbox.script.extend([Rejected("SMTP 550 no such user")])
    await mailing.spreading.spread(await mailing.publish())
    await mailing.deliver()
    await mailing.deliver(3600)
    assert len(mailing.mailbox.mails) == 2
    assert sorted(mailing.outcomes[2:]) == ["failed", "sent"]


async def test_it_gives_up_after_a_day(mailing: Mailing) -> None:
    mailing.mailbox.script.extend([Retry("SMTP 451 later")] * 10_000)
    await mailing.spreading.spread(await mailing.publish())
    for _ in range(27):
        await mailing.deliver(3600)
    given_up = len(mailing.mailbox.mails)
    await mailing.deliver(86_400)
    assert len(mailing.mailbox.mails) == given_up
    assert mailing.outcomes[2:] == ["failed", "failed"]


async def test_what_is_remembered_is_forgotten_in_the_end(mailing: Mailing) -> None:
    await mailing.spreading.spread(await mailing.publish())
    await mailing.deliver()
    assert await mailing.rows() == 4
    await mailing.store.prune(mailing.clock.now() + 1)
    assert await mailing.rows() == 0


async def test_who_confirmed_later_isnt_told_of_what_was_before(mailing: Mailing) -> None:
    message = await mailing.publish()
    await mailing.clock.advance(1)
    await mailing.subscribe("cleo@example.com")
    await mailing.spreading.spread(message)
    await mailing.deliver()
    assert {to for to, _ in mailed(mailing)} == {"ana@example.com", "ben@example.com"}


async def test_a_drill_is_never_mailed(mailing: Mailing) -> None:
    message = await mailing.publish()
    await mailing.spreading.spread(replace(message, incident=replace(message.incident, drill=True)))
    assert await mailing.deliver() == 0


async def test_two_routers_send_one_mail(mailing: Mailing) -> None:
    """The router that claims it first."""
    one = (mailing.spreading, mailing.worker)
    other = mailing.restarted()
    message = await mailing.publish()
    await asyncio.gather(one[0].spread(message), other.spreading.spread(message))
    await mailing.clock.advance(1)
    await asyncio.gather(one[1].round(), other.worker.round())
    await mailing.clock.settle(lambda: not one[1]._sending and not other.worker._sending)
    assert len(mailed(mailing)) == len(set(mailed(mailing))) == 2


async def test_the_pace_of_the_channel_is_kept(store: SqlStore, clock: SteppedClock) -> None:
    mailing = Mailing(store, clock, Mailbox(), RateLimit(1, 60.0))
    for address in ("ana@example.com", "ben@example.com"):
        await mailing.subscribe(address)
        await clock.advance(60)
    await mailing.spreading.spread(await mailing.publish())
    assert [await mailing.deliver(), await mailing.deliver(), await mailing.deliver(60)] == [
        1,
        0,
        1,
    ]


@pytest.mark.slow
async def test_many_are_told_in_few_transactions(store: SqlStore, clock: SteppedClock) -> None:
    """A transaction each would keep the alerts waiting."""
    mailing = Mailing(FaultyStore(store), clock, Mailbox())  # type: ignore[arg-type]
    now = clock.now()
    for number in range(1200):
        await mailing.roll.subscribers.add(
            f"s{number}", Subscriber(f"{number}@example.com", now, now), now
        )
    message = await mailing.publish()
    before = mailing.store.calls["save"]  # type: ignore[attr-defined]
    await mailing.spreading.spread(message)
    assert mailing.store.calls["save"] - before == 3  # type: ignore[attr-defined]
    assert await mailing.rows() == 1200


async def test_what_is_announced_is_mailed_to_who_subscribes_in_the_words_that_were_approved(
    mailing: Mailing,
) -> None:
    """With a way out, and once."""
    await mailing.publish()
    said = {"title": "Over", "text": "It's over.\n\nSorry."}
    await mailing.store.save(
        Writes(entries=[Entry(142, mailing.clock.now(), Reason.ANNOUNCED, "ana", said)])
    )
    entry = (await mailing.store.timeline(142))[-1]
    for _ in range(2):
        await mailing.spreading.queue(entry)
        await mailing.deliver()
    assert sorted(mail.to for mail in mailing.mailbox.mails) == [
        "ana@example.com",
        "ben@example.com",
    ]
    mail = mailing.mailbox.mails[0]
    assert (mail.subject, mail.text.splitlines()[:3]) == ("Over", ["It's over.", "", "Sorry."])
    assert mail.unsubscribe.startswith(f"{URL}/unsubscribe/")
    assert mail.text.endswith(mail.unsubscribe)


async def test_maintenance_is_mailed_by_the_companys_clock(mailing: Mailing) -> None:
    """Once to everybody who had confirmed, with the window and the components."""
    start = mailing.clock.now() + 3600
    maintenance = Maintenance(
        "m1", "Upgrade", "Read-only.", start, start + 600, mailing.clock.now(), 0.0, ("payments",)
    )
    await announced(mailing, maintenance, "m1")
    assert await mailing.deliver() == 2
    mail = mailing.mailbox.mails[0]
    assert mail.subject == "[Maintenance] Upgrade"
    assert f"From {local(start, 'UTC')} to {local(start + 600, 'UTC')}" in mail.text
    assert "/unsubscribe/" in mail.unsubscribe
    assert await mailing.deliver(3600) == 0


@pytest.mark.parametrize("begun", [False, True])
async def test_the_end_of_maintenance_is_mailed(mailing: Mailing, begun: bool) -> None:
    """Cancelled before it began, or ended early. Nothing is announced that is cancelled by then."""
    now = mailing.clock.now()
    start = now - 600 if begun else now + 600
    maintenance = Maintenance("m1", "Upgrade", "", start, start + 3600, now - 900, now - 900)
    await announced(mailing, maintenance, "m1")
    if begun:
        assert await mailing.deliver() == 2
    await announced(mailing, ended(maintenance, now), "m1/ended" if begun else "m1/cancelled")
    await mailing.deliver()
    mails = mailing.mailbox.mails[-2:]
    how, line = (
        ("completed", f"It began at {local(start, 'UTC')}, and ended at {local(now, 'UTC')}.")
        if begun
        else ("cancelled", "It is cancelled. It was planned from")
    )
    assert {mail.to for mail in mails} == {"ana@example.com", "ben@example.com"}
    assert all(mail.subject == f"[Maintenance {how}] Upgrade" for mail in mails)
    assert all(line in mail.text for mail in mails)
    assert len(mailing.mailbox.mails) == (4 if begun else 2)


async def announced(mailing: Mailing, maintenance: Maintenance, subject: str) -> None:
    """Store maintenance and queue its mail, as the router does."""
    queued = await mailing.spreading.about_maintenance(subject, mailing.clock.now())
    records = Records(mailing.store, "maintenance", Maintenance)
    await records.change(maintenance.id, lambda _: maintenance, maintenance.starts_at, queued)


async def test_an_address_that_keeps_being_refused_is_dropped(mailing: Mailing) -> None:
    """Three refusals in a row; a mail that arrives starts the count again, and so does nothing
    else, such as a relay that is away.
    """
    refused = Rejected("SMTP 550 no such user", address=True)
    for result in (refused, refused, Rejected("SMTP 535 authentication refused"), refused):
        mailing.mailbox.answers["ana@example.com"] = result
        await mailing.spreading.spread(await mailing.publish())
        await mailing.deliver()
    assert len(await mailing.roll.confirmed(mailing.clock.now())) == 1


async def test_an_address_that_works_again_stays(mailing: Mailing) -> None:
    refused = Rejected("SMTP 550 no such user", address=True)
    for result in (refused, refused, Sent(), refused, refused):
        mailing.mailbox.script.extend([result, result])
        await mailing.spreading.spread(await mailing.publish())
        await mailing.deliver()
    assert len(await mailing.roll.confirmed(mailing.clock.now())) == 2

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
from tests.engine.subscribers.desk import URL, Desk, Mailbox
from tests.faults import FaultyStore


@pytest.fixture
async def desk(store: SqlStore, clock: SteppedClock) -> Desk:
    """With two who subscribe."""
    made = Desk(store, clock, Mailbox())
    for address in ("ana@example.com", "ben@example.com"):
        await made.subscribe(address)
    return made


def mailed(desk: Desk) -> list[tuple[str, str]]:
    """Sent mails as pairs of address and update, in no order."""
    return sorted((mail.to, mail.text.splitlines()[2]) for mail in desk.mailbox.mails)


async def test_everybody_is_told_each_update_once(desk: Desk) -> None:
    await desk.post.spread(await desk.publish("First."))
    await desk.deliver()
    await desk.post.spread(await desk.publish("Second.", "resolved"))
    await desk.deliver()
    await desk.deliver(3600)
    expected = [
        (address, text)
        for address in ("ana@example.com", "ben@example.com")
        for text in ("First.", "Second.")
    ]
    assert mailed(desk) == expected
    assert desk.outcomes[2:] == ["sent"] * 4
    assert len({mail.name for mail in desk.mailbox.mails}) == 4
    assert len({mail.thread for mail in desk.mailbox.mails}) == 1


async def test_a_mail_has_the_public_words_and_a_way_out_and_nothing_else(desk: Desk) -> None:
    await desk.post.spread(await desk.publish())
    await desk.deliver()
    mail = desk.mailbox.mails[0]
    assert mail.subject == "[Investigating] Payment problems"
    assert mail.unsubscribe.startswith(f"{URL}/unsubscribe/")
    assert mail.unsubscribe in mail.text
    assert "https://status.example.com/incidents/142.html" in mail.text
    assert "internal" not in repr(mail)


async def test_spread_twice_is_still_one_mail_each(desk: Desk) -> None:
    """After a crash the worker repeats the message, even when its mails were sent long ago."""
    message = await desk.publish()
    await desk.post.spread(message)
    await desk.post.spread(message)
    await desk.deliver()
    await desk.restarted().post.spread(message)
    await desk.deliver(3600)
    assert len(desk.mailbox.mails) == 2


async def test_a_crash_while_spreading_loses_and_doubles_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies after the first row; the next process adds the rest."""
    monkeypatch.setattr(subscriber_mail, "SPREAD", 1)
    desk.store = FaultyStore(desk.store)  # type: ignore[assignment,arg-type]
    message = await desk.publish()
    broken = desk.restarted().post
    desk.store.plan["save"].extend([None, RuntimeError("killed")])  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError):
        await broken.spread(message)
    await desk.deliver()
    assert len(desk.mailbox.mails) == 1
    await desk.restarted().post.spread(message)
    await desk.deliver()
    assert len(mailed(desk)) == len(set(mailed(desk))) == 2


async def test_a_crash_in_the_middle_of_sending_sends_again_under_the_same_id(desk: Desk) -> None:
    """Nobody knows whether the mail arrived; a mail system can recognise the copy by its id."""

    def die(_: PublicMail) -> None:
        raise asyncio.CancelledError

    await desk.post.spread(await desk.publish())
    desk.mailbox.on_mail = die
    await desk.deliver()
    desk.mailbox.on_mail = lambda _: None
    await desk.store.recover()  # type: ignore[attr-defined]
    desk.restarted()
    before = len(desk.mailbox.mails)
    assert await desk.deliver() == before == 2
    assert len({mail.name for mail in desk.mailbox.mails}) == 2


@pytest.mark.parametrize("failure", [Retry("SMTP 451 later"), Uncertain("hung")])
async def test_what_may_pass_is_tried_again(desk: Desk, failure: Retry | Uncertain) -> None:
    """And only for the recipients for whom it failed."""
    desk.mailbox.script.extend([failure, Sent()])
    await desk.post.spread(await desk.publish())
    await desk.deliver()
    assert len(desk.mailbox.mails) == 2
    await desk.deliver(10)
    await desk.deliver(3600)
    assert len(desk.mailbox.mails) == 3
    assert {mail.to for mail in desk.mailbox.mails} == {"ana@example.com", "ben@example.com"}


async def test_a_refusal_for_good_is_not_repeated(desk: Desk) -> None:
    desk.mailbox.script.extend([Rejected("SMTP 550 no such user")])
    await desk.post.spread(await desk.publish())
    await desk.deliver()
    await desk.deliver(3600)
    assert len(desk.mailbox.mails) == 2
    assert sorted(desk.outcomes[2:]) == ["failed", "sent"]


async def test_it_gives_up_after_a_day(desk: Desk) -> None:
    desk.mailbox.script.extend([Retry("SMTP 451 later")] * 10_000)
    await desk.post.spread(await desk.publish())
    for _ in range(27):
        await desk.deliver(3600)
    given_up = len(desk.mailbox.mails)
    await desk.deliver(86_400)
    assert len(desk.mailbox.mails) == given_up
    assert desk.outcomes[2:] == ["failed", "failed"]


async def test_what_is_remembered_is_forgotten_in_the_end(desk: Desk) -> None:
    await desk.post.spread(await desk.publish())
    await desk.deliver()
    assert await desk.rows() == 4
    await desk.store.prune(desk.clock.now() + 1)
    assert await desk.rows() == 0


async def test_who_confirmed_later_isnt_told_of_what_was_before(desk: Desk) -> None:
    message = await desk.publish()
    await desk.clock.advance(1)
    await desk.subscribe("cleo@example.com")
    await desk.post.spread(message)
    await desk.deliver()
    assert {to for to, _ in mailed(desk)} == {"ana@example.com", "ben@example.com"}


async def test_a_drill_is_never_mailed(desk: Desk) -> None:
    message = await desk.publish()
    await desk.post.spread(replace(message, incident=replace(message.incident, drill=True)))
    assert await desk.deliver() == 0


async def test_two_routers_send_one_mail(desk: Desk) -> None:
    """The router that claims it first."""
    one = (desk.post, desk.worker)
    other = desk.restarted()
    message = await desk.publish()
    await asyncio.gather(one[0].spread(message), other.post.spread(message))
    await desk.clock.advance(1)
    await asyncio.gather(one[1].round(), other.worker.round())
    await desk.clock.settle(lambda: not one[1]._sending and not other.worker._sending)
    assert len(mailed(desk)) == len(set(mailed(desk))) == 2


async def test_the_pace_of_the_channel_is_kept(store: SqlStore, clock: SteppedClock) -> None:
    desk = Desk(store, clock, Mailbox(), RateLimit(1, 60.0))
    for address in ("ana@example.com", "ben@example.com"):
        await desk.subscribe(address)
        await clock.advance(60)
    await desk.post.spread(await desk.publish())
    assert [await desk.deliver(), await desk.deliver(), await desk.deliver(60)] == [1, 0, 1]


@pytest.mark.slow
async def test_many_are_told_in_few_transactions(store: SqlStore, clock: SteppedClock) -> None:
    """A transaction each would keep the alerts waiting."""
    desk = Desk(FaultyStore(store), clock, Mailbox())  # type: ignore[arg-type]
    now = clock.now()
    for number in range(1200):
        await desk.roll.subscribers.add(
            f"s{number}", Subscriber(f"{number}@example.com", now, now), now
        )
    message = await desk.publish()
    before = desk.store.calls["save"]  # type: ignore[attr-defined]
    await desk.post.spread(message)
    assert desk.store.calls["save"] - before == 3  # type: ignore[attr-defined]
    assert await desk.rows() == 1200


async def test_what_is_announced_is_mailed_to_who_subscribes_in_the_words_that_were_approved(
    desk: Desk,
) -> None:
    """With a way out, and once."""
    await desk.publish()
    said = {"title": "Over", "text": "It's over.\n\nSorry."}
    await desk.store.save(
        Writes(entries=[Entry(142, desk.clock.now(), Reason.ANNOUNCED, "ana", said)])
    )
    entry = (await desk.store.timeline(142))[-1]
    for _ in range(2):
        await desk.post.queue(entry)
        await desk.deliver()
    assert sorted(mail.to for mail in desk.mailbox.mails) == ["ana@example.com", "ben@example.com"]
    mail = desk.mailbox.mails[0]
    assert (mail.subject, mail.text.splitlines()[:3]) == ("Over", ["It's over.", "", "Sorry."])
    assert mail.unsubscribe.startswith(f"{URL}/unsubscribe/")
    assert mail.text.endswith(mail.unsubscribe)


async def test_maintenance_is_mailed_by_the_companys_clock(desk: Desk) -> None:
    """Once to everybody who had confirmed, with the window and the components."""
    start = desk.clock.now() + 3600
    maintenance = Maintenance(
        "m1", "Upgrade", "Read-only.", start, start + 600, desk.clock.now(), 0.0, ("payments",)
    )
    await announced(desk, maintenance, "m1")
    assert await desk.deliver() == 2
    mail = desk.mailbox.mails[0]
    assert mail.subject == "[Maintenance] Upgrade"
    assert f"From {local(start, 'UTC')} to {local(start + 600, 'UTC')}" in mail.text
    assert "/unsubscribe/" in mail.unsubscribe
    assert await desk.deliver(3600) == 0


@pytest.mark.parametrize("begun", [False, True])
async def test_the_end_of_maintenance_is_mailed(desk: Desk, begun: bool) -> None:
    """Cancelled before it began, or ended early. Nothing is announced that is cancelled by then."""
    now = desk.clock.now()
    start = now - 600 if begun else now + 600
    maintenance = Maintenance("m1", "Upgrade", "", start, start + 3600, now - 900, now - 900)
    await announced(desk, maintenance, "m1")
    if begun:
        assert await desk.deliver() == 2
    await announced(desk, ended(maintenance, now), "m1/ended" if begun else "m1/cancelled")
    await desk.deliver()
    mails = desk.mailbox.mails[-2:]
    how, line = (
        ("completed", f"It began at {local(start, 'UTC')}, and ended at {local(now, 'UTC')}.")
        if begun
        else ("cancelled", "It is cancelled. It was planned from")
    )
    assert {mail.to for mail in mails} == {"ana@example.com", "ben@example.com"}
    assert all(mail.subject == f"[Maintenance {how}] Upgrade" for mail in mails)
    assert all(line in mail.text for mail in mails)
    assert len(desk.mailbox.mails) == (4 if begun else 2)


async def announced(desk: Desk, maintenance: Maintenance, subject: str) -> None:
    """Store maintenance and queue its mail, as the router does."""
    queued = await desk.post.about_maintenance(subject, desk.clock.now())
    records = Records(desk.store, "maintenance", Maintenance)
    await records.change(maintenance.id, lambda _: maintenance, maintenance.starts_at, queued)


async def test_an_address_that_keeps_being_refused_is_dropped(desk: Desk) -> None:
    """Three refusals in a row; a mail that arrives starts the count again, and so does nothing
    else, such as a relay that is away.
    """
    refused = Rejected("SMTP 550 no such user", address=True)
    for result in (refused, refused, Rejected("SMTP 535 authentication refused"), refused):
        desk.mailbox.answers["ana@example.com"] = result
        await desk.post.spread(await desk.publish())
        await desk.deliver()
    assert len(await desk.roll.confirmed(desk.clock.now())) == 1


async def test_an_address_that_works_again_stays(desk: Desk) -> None:
    refused = Rejected("SMTP 550 no such user", address=True)
    for result in (refused, refused, Sent(), refused, refused):
        desk.mailbox.script.extend([result, result])
        await desk.post.spread(await desk.publish())
        await desk.deliver()
    assert len(await desk.roll.confirmed(desk.clock.now())) == 2

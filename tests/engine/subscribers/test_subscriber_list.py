"""Asking for updates, confirming, leaving."""

from router.engine.subscribers.subscriber_list import CONFIRM_WITHIN
from router.store import SqlStore
from tests.clock import SteppedClock
from tests.engine.subscribers.mailing import URL, Mailbox, Mailing


async def test_who_asked_is_told_nothing_until_they_confirm(
    store: SqlStore, clock: SteppedClock
) -> None:
    mailing = Mailing(store, clock, Mailbox())
    assert await mailing.roll.ask("ana@example.com", "192.0.2.1")
    await mailing.deliver()
    (mail,) = mailing.mailbox.mails
    assert (mail.to, mail.subject) == ("ana@example.com", "Confirm updates of VintStreet status")
    assert f"{URL}/confirm/" in mail.text
    await mailing.spreading.spread(await mailing.publish())
    await mailing.deliver()
    assert len(mailing.mailbox.mails) == 1
    token = mailing.mailbox.link("confirm")
    assert await mailing.roll.confirmable(token)
    assert await mailing.roll.confirmed(clock.now()) == [], "looking at the page confirms nothing"
    assert await mailing.roll.confirm(token)
    assert len(await mailing.roll.confirmed(clock.now())) == 1


async def test_a_link_to_confirm_expires_and_whoever_did_not_is_forgotten(
    store: SqlStore, clock: SteppedClock
) -> None:
    mailing = Mailing(store, clock, Mailbox())
    await mailing.subscribe("ben@example.com")
    await mailing.roll.ask("ana@example.com", "192.0.2.1")
    await mailing.deliver()
    token = mailing.mailbox.link("confirm")
    await clock.advance(CONFIRM_WITHIN + 1)
    assert not await mailing.roll.confirm(token)
    await mailing.roll.forget_unconfirmed(clock.now())
    assert [one.address for _, one in await mailing.roll.subscribers.find()] == ["ben@example.com"]


async def test_who_subscribed_already_hears_that_by_mail_and_nobody_else_does(
    store: SqlStore, clock: SteppedClock
) -> None:
    """The form's answer is the same."""
    mailing = Mailing(store, clock, Mailbox())
    await mailing.subscribe("ana@example.com")
    assert await mailing.roll.ask("ANA@example.com", "192.0.2.1")
    await mailing.deliver()
    (mail,) = mailing.mailbox.mails
    assert mail.subject == "You are already subscribed to updates of VintStreet status"
    assert len(await mailing.roll.confirmed(clock.now())) == 1


async def test_one_address_isnt_flooded_and_the_answer_doesnt_say(
    store: SqlStore, clock: SteppedClock
) -> None:
    """Three an hour, from wherever they're asked for."""
    mailing = Mailing(store, clock, Mailbox())
    for number in range(10):
        assert await mailing.roll.ask("ana@example.com", f"192.0.2.{number}")
        await mailing.deliver(1)
    assert len(mailing.mailbox.mails) == 3


async def test_one_caller_may_not_ask_without_end(store: SqlStore, clock: SteppedClock) -> None:
    mailing = Mailing(store, clock, Mailbox())
    asked = [await mailing.roll.ask(f"{number}@example.com", "192.0.2.1") for number in range(25)]
    assert asked == [True] * 20 + [False] * 5
    assert await mailing.roll.ask("ana@example.com", "192.0.2.2")


async def test_who_leaves_is_forgotten_and_may_leave_twice(
    store: SqlStore, clock: SteppedClock
) -> None:
    """Mails still queued for them aren't sent."""
    mailing = Mailing(store, clock, Mailbox())
    await mailing.subscribe("ana@example.com")
    await mailing.spreading.spread(await mailing.publish())
    await mailing.deliver()
    token = mailing.mailbox.link("unsubscribe")
    await mailing.spreading.spread(await mailing.publish("More."))
    assert await mailing.roll.leave(token)
    assert await mailing.roll.leave(token)
    assert await mailing.roll.subscribers.find() == []
    await mailing.deliver()
    assert len(mailing.mailbox.mails) == 1

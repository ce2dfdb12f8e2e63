"""Asking for updates, confirming, leaving."""

from router.engine.subscribers.subscriber_list import CONFIRM_WITHIN
from router.store import SqlStore
from tests.clock import SteppedClock
from tests.engine.subscribers.desk import URL, Desk, Mailbox


async def test_who_asked_is_told_nothing_until_they_confirm(
    store: SqlStore, clock: SteppedClock
) -> None:
    desk = Desk(store, clock, Mailbox())
    assert await desk.roll.ask("ana@example.com", "192.0.2.1")
    await desk.deliver()
    (mail,) = desk.mailbox.mails
    assert (mail.to, mail.subject) == ("ana@example.com", "Confirm updates of VintStreet status")
    assert f"{URL}/confirm/" in mail.text
    await desk.post.spread(await desk.publish())
    await desk.deliver()
    assert len(desk.mailbox.mails) == 1
    token = desk.mailbox.link("confirm")
    assert await desk.roll.confirmable(token)
    assert await desk.roll.confirmed(clock.now()) == [], "looking at the page confirms nothing"
    assert await desk.roll.confirm(token)
    assert len(await desk.roll.confirmed(clock.now())) == 1


async def test_a_link_to_confirm_expires_and_whoever_did_not_is_forgotten(
    store: SqlStore, clock: SteppedClock
) -> None:
    desk = Desk(store, clock, Mailbox())
    await desk.subscribe("ben@example.com")
    await desk.roll.ask("ana@example.com", "192.0.2.1")
    await desk.deliver()
    token = desk.mailbox.link("confirm")
    await clock.advance(CONFIRM_WITHIN + 1)
    assert not await desk.roll.confirm(token)
    await desk.roll.forget_unconfirmed(clock.now())
    assert [one.address for _, one in await desk.roll.subscribers.find()] == ["ben@example.com"]


async def test_who_subscribed_already_hears_that_by_mail_and_nobody_else_does(
    store: SqlStore, clock: SteppedClock
) -> None:
    """The form's answer is the same."""
    desk = Desk(store, clock, Mailbox())
    await desk.subscribe("ana@example.com")
    assert await desk.roll.ask("ANA@example.com", "192.0.2.1")
    await desk.deliver()
    (mail,) = desk.mailbox.mails
    assert mail.subject == "You get updates of VintStreet status"
    assert len(await desk.roll.confirmed(clock.now())) == 1


async def test_one_address_isnt_flooded_and_the_answer_doesnt_say(
    store: SqlStore, clock: SteppedClock
) -> None:
    """Three an hour, from wherever they're asked for."""
    desk = Desk(store, clock, Mailbox())
    for number in range(10):
        assert await desk.roll.ask("ana@example.com", f"192.0.2.{number}")
        await desk.deliver(1)
    assert len(desk.mailbox.mails) == 3


async def test_one_caller_may_not_ask_without_end(store: SqlStore, clock: SteppedClock) -> None:
    desk = Desk(store, clock, Mailbox())
    asked = [await desk.roll.ask(f"{number}@example.com", "192.0.2.1") for number in range(25)]
    assert asked == [True] * 20 + [False] * 5
    assert await desk.roll.ask("ana@example.com", "192.0.2.2")


async def test_who_leaves_is_forgotten_and_may_leave_twice(
    store: SqlStore, clock: SteppedClock
) -> None:
    """Mails still queued for them aren't sent."""
    desk = Desk(store, clock, Mailbox())
    await desk.subscribe("ana@example.com")
    await desk.post.spread(await desk.publish())
    await desk.deliver()
    token = desk.mailbox.link("unsubscribe")
    await desk.post.spread(await desk.publish("More."))
    assert await desk.roll.leave(token)
    assert await desk.roll.leave(token)
    assert await desk.roll.subscribers.find() == []
    await desk.deliver()
    assert len(desk.mailbox.mails) == 1

"""Lease, send, settle: results for any behaviour of senders and any crash."""

import asyncio
from dataclasses import replace

import pytest
import structlog

from router.chart import ImageFormat
from router.core.messages.context_links import Window
from router.core.outbox.rate_limit import RateLimit
from router.engine.deliver import ATTEMPTS, PATIENCE
from router.model.event import Command
from router.model.incident import Incident, Status
from router.model.notification import (
    Message,
    NotificationState,
    Rejected,
    Result,
    Retry,
    Sent,
    Uncertain,
)
from router.model.reason import Reason
from router.ports.errors import Overloaded, StoreUnavailable
from router.ports.write_guard import check_write
from tests.clock import START, turn
from tests.engine.office import WORDS, Office, ScriptedSender, command, seen

PENDING, SENT, DEAD = NotificationState.PENDING, NotificationState.SENT, NotificationState.DEAD


# --- one message


async def test_a_message_is_leased_then_sent_then_settled(office: Office) -> None:
    """During the sending the outbox still holds it, with its lease; only afterwards it's done."""
    hook = office.open("hook")
    hook.gate.clear()
    await office.submit(seen())
    await office.until_sent(hook, 1)
    held = await office.row()
    assert (held.state, held.lease.startswith("me:")) == (PENDING, True)
    assert held.lease_until == START + office.workers["hook"].channel.lease
    hook.gate.set()
    row = await office.until(SENT)
    assert (row.ref, row.sent, row.attempts, row.error, row.may_be_doubled) == (
        "ref-1",
        1,
        1,
        "",
        False,
    )
    assert await office.timeline() == [Reason.OPENED, Reason.DELIVERED]


async def test_the_letter_has_all_that_a_sender_needs(office: Office) -> None:
    """The incident as it is now, its timeline, a sample of its alerts, and where to look."""
    hook = office.open("hook")
    await office.submit(seen())
    await office.until(SENT)
    (message,) = hook.messages
    assert (message.channel, message.seq, message.sent, message.ref, message.reason) == (
        "hook",
        1,
        0,
        "",
        Reason.OPENED,
    )
    assert message.incident == await office.store.incident(1)
    assert [entry.what for entry in message.unseen_entries] == [Reason.OPENED]
    assert [alert.labels["alertname"] for alert in message.alerts] == ["PaymentFailures"]
    assert (message.url, message.company) == ("http://router.example.com/incidents/1", "VintStreet")
    assert message.elsewhere == (("Logs", f"https://logs.example/api?from={START - 60 - 900:.0f}"),)


async def test_the_next_letter_goes_on_where_the_last_ended(office: Office) -> None:
    """It carries the service's handle, how many went before, and as news only what is new."""
    hook = office.open("hook", Sent("ts-1"), Sent())
    await office.submit(seen())
    await office.until(SENT)
    await office.submit(command(Command.ACKNOWLEDGE))
    await office.until_sent(hook, 2)
    message = hook.messages[1]
    assert (message.seq, message.sent, message.ref) == (2, 1, "ts-1")
    assert [entry.what for entry in message.unseen_entries] == [
        Reason.DELIVERED,
        Reason.ACKNOWLEDGED,
    ]
    assert (await office.until(SENT)).ref == "ts-1", (
        "a sender that returns no handle keeps the last one"
    )


# --- trying again


async def test_a_short_failure_is_tried_again_at_once(office: Office) -> None:
    """Within the lease, as the same message; the outbox is updated once."""
    hook = office.open("hook", Retry("503"), Retry("503"))
    await office.submit(seen())
    row = await office.until(SENT)
    assert [message.seq for message in hook.messages] == [1, 1, 1]
    assert row.attempts == 3
    assert await office.timeline() == [Reason.OPENED, Reason.DELIVERED]
    attempts = office.metrics.registry.get_sample_value
    for outcome, count in (("retry", 2), ("sent", 1)):
        labels = {"channel": "hook", "outcome": outcome}
        assert attempts("alert_router_delivery_attempts_total", labels) == count


async def test_a_short_retry_after_is_waited_out(office: Office) -> None:
    """The service said when: not before."""
    hook = office.open("hook", Retry("429", after=3.0))
    await office.submit(seen())
    await office.until_sent(hook, 1)
    await office.clock.advance(2.9)
    await turn()
    assert len(hook.messages) == 1
    await office.clock.advance(0.2)
    await office.until_sent(hook, 2)


async def test_a_long_retry_after_goes_back_to_the_outbox(office: Office) -> None:
    """Nobody holds a lease for minutes: it's a row that is due later, and then sent."""
    hook = office.open("hook", Retry("429", after=PATIENCE + 115))
    await office.submit(seen())
    await office.clock.settle(lambda: office.applier._waiting == 0 and len(hook.messages) == 1)

    async def waits() -> bool:
        row = await office.row()
        return not row.lease and row.due_at >= START + 120

    await office.clock.settle(waits)
    row = await office.row()
    assert (row.state, row.attempts, row.error) == (PENDING, 1, "429")
    await office.clock.advance(119)
    await turn()
    assert len(hook.messages) == 1
    await office.clock.advance(2)
    await office.until(SENT)
    retried = [Reason.DELIVERY_RETRIED, Reason.FALLBACK]
    assert await office.timeline() == [Reason.OPENED, *retried, Reason.DELIVERED], (
        "too late for the stand-in to wait"
    )


async def test_after_a_few_attempts_it_goes_back_to_the_outbox(office: Office) -> None:
    """A channel that is down doesn't keep a place busy; the pauses between the rounds grow."""
    hook = office.open("hook", *[Retry("503")] * 2 * ATTEMPTS)
    await office.submit(seen())
    row = await office.until(SENT)
    assert (len(hook.messages), row.attempts) == (2 * ATTEMPTS + 1, 2 * ATTEMPTS + 1)
    retried = [Reason.DELIVERY_RETRIED] * 2
    assert await office.timeline() == [Reason.OPENED, *retried, Reason.DELIVERED]


async def test_an_uncertain_message_is_sent_again_and_marked(office: Office) -> None:
    """It may have arrived, so it's retried later, and the timeline says that it may be
    duplicated.
    """
    hook = office.open("hook", Uncertain("no answer"))
    await office.submit(seen())
    await office.until(SENT)
    assert len(hook.messages) == 2
    entries = await office.store.timeline(1)
    assert [entry.what for entry in entries] == [
        Reason.OPENED,
        Reason.DELIVERY_UNCERTAIN,
        Reason.DELIVERED,
    ]
    assert [entry.data.get("may_be_doubled") for entry in entries[1:]] == [None, True]


@pytest.mark.parametrize("lost", [Uncertain("no answer"), Retry("cut off", may_have_arrived=True)])
async def test_a_changed_state_after_an_uncertain_attempt_is_marked(
    office: Office, lost: Result
) -> None:
    """It's another message, and repeats what the lost one may have said. The next is unmarked."""
    hook = office.open("hook", lost, *[Retry("503", after=30)] * 2)
    await office.submit(seen())
    await office.until_sent(hook, 1)
    await office.submit(command(Command.ACKNOWLEDGE))
    await office.until(SENT, step=1)
    sent = hook.messages[-1]
    assert (sent.seq, sent.may_be_doubled) == (2, True)
    assert sent.attempt > 1
    await office.submit(command(Command.RESOLVE))
    await office.until_sent(hook, len(hook.messages) + 1, step=0.1)
    assert (hook.messages[-1].seq, hook.messages[-1].may_be_doubled) == (3, False)


async def test_a_channel_that_is_down_for_two_minutes_has_a_stand_in(office: Office) -> None:
    """The policy's fallback is notified once, while the first channel is still being tried."""
    hook, spare = office.open("hook", *[Retry("503")] * 60), office.open("spare")
    await office.submit(seen())
    await office.clock.settle(lambda: spare.messages, "the stand-in being told", step=1)
    assert spare.messages[0].reason is Reason.FALLBACK
    assert len(hook.messages) > ATTEMPTS, "it wasn't the first failure"
    assert office.clock.now() - START <= 120 + 1
    await office.clock.settle(lambda: len(hook.messages) > 50, "the channel being tried", step=20)
    assert len(spare.messages) == 1


# --- giving up


async def test_a_rejected_message_is_dead_and_the_stand_in_is_told(office: Office) -> None:
    """A permanent error isn't retried; the fallback is notified at once."""
    hook, spare = office.open("hook", Rejected("no such channel")), office.open("spare")
    await office.submit(seen())
    row = await office.until(DEAD)
    assert (row.attempts, row.error, row.fallen_back) == (1, "no such channel", True)
    await office.until(SENT, "spare")
    assert [len(hook.messages), len(spare.messages)] == [1, 1]
    assert (await office.timeline())[:3] == [Reason.OPENED, Reason.DELIVERY_FAILED, Reason.FALLBACK]


async def test_a_message_given_up_is_an_error_in_the_log(office: Office) -> None:
    """With the channel and the reason; and it's counted."""
    office.open("hook", Rejected("no such channel"))
    with structlog.testing.capture_logs() as logs:
        await office.submit(seen())
        await office.until(DEAD)
    (error,) = [line for line in logs if line["log_level"] == "error"]
    assert (error["event"], error["channel"], error["error"]) == (
        "delivery_failed", "hook", "no such channel",
    )  # fmt: skip
    dead = office.applier._metrics.registry.get_sample_value(
        "alert_router_notifications_total", {"channel": "hook", "outcome": "dead"}
    )
    assert dead == 1


async def test_in_the_end_it_is_given_up(office: Office) -> None:
    """A message that nobody takes for `give_up_after` is dead: visible, and no longer tried."""
    office.applier.settings = replace(office.applier.settings, give_up_after=600.0)
    hook = office.open("hook", *[Retry("503")] * 1000)
    await office.submit(seen())
    row = await office.until(DEAD, step=1)
    assert (row.error, row.attempts) == ("503", len(hook.messages))
    assert office.clock.now() >= START + 600
    await office.clock.advance(3600)
    await turn()
    assert len(hook.messages) == row.attempts


async def test_a_dead_message_that_is_queued_again_is_sent(office: Office) -> None:
    """News for a channel that refused the last message is tried as if nothing had been."""
    hook = office.open("hook", Rejected("archived"))
    await office.submit(seen())
    await office.until(DEAD)
    await office.submit(command(Command.ACKNOWLEDGE))
    row = await office.until(SENT)
    assert (len(hook.messages), row.error) == (2, "")


async def test_a_fault_in_a_sender_is_a_failed_attempt(office: Office) -> None:
    """It's tried again like any other, and what it said, which may be a secret, is kept out of the
    outbox.
    """
    hook = office.open("hook", *[ValueError("https://hooks.example.com/s3cr3t")] * ATTEMPTS)
    await office.submit(seen())
    await office.until(SENT)
    assert len(hook.messages) == ATTEMPTS + 1
    entries = await office.store.timeline(1)
    assert entries[1].what is Reason.DELIVERY_RETRIED
    assert entries[1].data["error"] == "fault in the sender: ValueError"


# --- side by side


async def test_a_slow_channel_delays_no_other(office: Office) -> None:
    """While one never answers the others have their messages."""
    hook, other = office.open("hook", concurrency=1), office.open("other")
    hook.gate.clear()
    await office.submit(*(seen(service=f"s{i}") for i in range(10)))
    await office.submit(*(seen("DiskFull", instance=f"i{i}") for i in range(10)))
    await office.until_sent(other, 10)
    assert len(hook.messages) == 1


async def test_no_more_at_once_than_the_channel_takes(office: Office) -> None:
    """Its concurrency is the limit, and it's made use of; all arrive, each once."""
    hook = office.open("hook", concurrency=3)
    hook.gate.clear()
    await office.submit(*(seen(service=f"s{i}") for i in range(10)))
    await office.until_sent(hook, 3)
    await office.clock.advance(5)
    await turn()
    assert len(hook.messages) == 3
    hook.gate.set()
    await office.until_sent(hook, 10)
    assert hook.most == 3
    assert sorted(message.incident.id for message in hook.messages) == list(range(1, 11))


async def test_the_end_of_a_delivery_is_seen_at_once(office: Office) -> None:
    """A worker that is woken finds the room, and doesn't wait for its next poll."""
    hook = ScriptedSender()
    worker = office.workers["hook"] = office.worker("hook", hook, concurrency=1)
    hook.gate.clear()
    await office.submit(seen(service="a"), seen(service="b"))
    await worker.round()
    worker.wake.clear()
    hook.gate.set()
    await worker.wake.wait()
    await worker.round()
    await office.until_sent(hook, 2)


async def test_the_most_overdue_go_first(office: Office) -> None:
    """A recovered channel sends its messages oldest first."""
    for i in range(5):
        await office.submit(seen(service=f"s{i}", at=START - 100 + i))
    hook = office.open("hook", concurrency=1)
    await office.until_sent(hook, 5)
    assert [message.incident.id for message in hook.messages] == [1, 2, 3, 4, 5]


async def test_no_faster_than_the_rate(office: Office) -> None:
    """Two in ten seconds, whatever is waiting."""
    hook = office.open("hook", pace=RateLimit(2, 10.0))
    await office.submit(*(seen(service=f"s{i}") for i in range(5)))
    for count in (2, 4, 5):
        await office.until_sent(hook, count)
        await office.clock.advance(9.9)
        await turn()
        assert len(hook.messages) == count
        await office.clock.advance(0.2)


async def test_an_attempt_again_counts_against_the_rate(office: Office) -> None:
    """A service counts the requests it refused, too: a message that fails doesn't get around the
    limit.
    """
    hook = office.open("hook", *[Retry("429")] * 2, pace=RateLimit(1, 60.0))
    await office.submit(seen())
    await office.until_sent(hook, 1)
    await office.clock.advance(59)
    await turn()
    assert len(hook.messages) == 1
    await office.until_sent(hook, 3, step=1)
    assert office.clock.now() >= START + 120


# --- coalescing


async def test_what_changes_before_it_is_sent_is_one_message(office: Office) -> None:
    """A recovered channel sends the current state once, without the states in between."""
    await office.submit(seen())
    await office.submit(command(Command.ACKNOWLEDGE))
    await office.submit(seen(status="resolved"))
    hook = office.open("hook")
    await office.until(SENT)
    (message,) = hook.messages
    assert message.incident.status is Status.RESOLVED
    assert (message.reason, message.seq) == (Reason.RESOLVED, 3)
    assert [entry.what for entry in message.unseen_entries][-2:] == [
        Reason.RESOLVED,
        Reason.POSTMORTEM_DUE,
    ]


async def test_what_changes_while_it_is_sent_is_one_more_message(office: Office) -> None:
    """All changes during a slow send are in the one message after it."""
    hook = office.open("hook")
    hook.gate.clear()
    await office.submit(seen())
    await office.until_sent(hook, 1)
    await office.submit(command(Command.ACKNOWLEDGE))
    await office.submit(seen(status="resolved"))
    assert len(hook.messages) == 1, (
        "two messages about one incident are never on their way to one channel"
    )
    hook.gate.set()
    await office.until_sent(hook, 2)
    row = await office.until(SENT)
    assert [message.incident.status for message in hook.messages] == [
        Status.INVESTIGATING,
        Status.RESOLVED,
    ]
    assert (len(hook.messages), row.sent, row.seq) == (2, 2, 3)


async def test_what_changes_while_it_fails_is_in_the_next_attempt(office: Office) -> None:
    """A failed message isn't sent later as it was then."""
    hook = office.open("hook", Retry("429", after=60.0))
    hook.gate.clear()
    await office.submit(seen())
    await office.until_sent(hook, 1)
    await office.submit(seen(status="resolved"))
    hook.gate.set()
    await office.until_sent(hook, 2, step=1)
    await office.until(SENT)
    assert [message.incident.status for message in hook.messages] == [
        Status.INVESTIGATING,
        Status.RESOLVED,
    ]
    assert office.clock.now() >= START + 60, "and the service's Retry-After holds for it, too"


# --- when something dies


async def test_who_lost_the_lease_settles_nothing(office: Office) -> None:
    """A worker returns after its lease ran out: the newer result stands, marked as a possible
    duplicate.
    """
    slow, quick = ScriptedSender(Rejected("too late to say")), ScriptedSender()
    slow.gate.clear()
    late, heir = office.worker("hook", slow), office.worker("hook", quick)
    await office.submit(seen())
    await late.round()
    await office.until_sent(slow, 1)
    await heir.round()
    assert quick.messages == [], "the lease holds"
    await office.clock.advance(late.channel.lease + 1)
    await heir.round()
    await office.until(SENT)
    slow.gate.set()
    late.close()
    await late.run()
    row = await office.row()
    assert (row.state, row.sent, row.ref, row.error) == (SENT, 1, "ref-1", "")
    delivered = [
        entry for entry in await office.store.timeline(1) if entry.what is Reason.DELIVERED
    ]
    assert [entry.data.get("may_be_doubled") for entry in delivered] == [True]


class Connecting(ScriptedSender):
    """Connects while its gate is shut, and then writes."""

    connecting = False

    async def send(self, message: Message) -> Result:
        self.connecting = True
        await self.gate.wait()
        check_write()
        return await super().send(message)


async def test_a_lease_that_ends_while_the_sender_connects_sends_nothing(office: Office) -> None:
    """As in a process that is stopped there: another sends it meanwhile."""
    slow, quick = Connecting(), ScriptedSender()
    slow.gate.clear()
    late, heir = office.worker("hook", slow), office.worker("hook", quick)
    await office.submit(seen())
    await late.round()
    await office.clock.settle(lambda: slow.connecting)
    await office.clock.advance(late.channel.lease + 1)
    await heir.round()
    await office.until(SENT)
    slow.gate.set()
    late.close()
    with structlog.testing.capture_logs() as logs:
        await late.run()
    assert (len(slow.messages), len(quick.messages)) == (0, 1)
    assert [line["event"] for line in logs] == ["delivery_lease_lost"]


async def test_a_store_that_is_down_when_it_is_to_be_settled(office: Office) -> None:
    """Sent but not recorded: it's sent again when the lease has run out, and marked."""
    hook = office.open("hook")
    hook.gate.clear()
    await office.submit(seen())
    await office.until_sent(hook, 1)
    office.store.down = True
    hook.gate.set()
    await office.clock.settle(lambda: not office.workers["hook"]._sending, "giving up", step=1)
    office.store.down = False
    await office.until_sent(hook, 2, step=1)
    assert office.clock.now() >= START + office.workers["hook"].channel.lease
    row = await office.until(SENT)
    assert row.sent == 1
    entries = [entry for entry in await office.store.timeline(1) if entry.what is Reason.DELIVERED]
    assert [entry.data.get("may_be_doubled") for entry in entries] == [True]


async def test_a_store_that_is_down_when_there_is_something_to_send(office: Office) -> None:
    """The channel's loop lives on, and the message goes out once the store is back."""
    hook = office.open("hook")
    await office.clock.settle(lambda: office.clock.parked)
    await office.submit(seen())
    office.store.down = True
    await office.clock.settle(lambda: office.store.calls["claim_notifications"] > 5, step=1)
    assert hook.messages == []
    office.store.down = False
    await office.until_sent(hook, 1, step=1)


async def test_a_store_that_is_down_when_the_letter_is_written(office: Office) -> None:
    """The lease was taken, nothing was sent: that is made up for when the lease has run out."""
    hook = office.open("hook")
    office.store.plan["messages"].append(StoreUnavailable("gone"))
    await office.submit(seen())
    await office.until_sent(hook, 1, step=1)


async def test_an_overloaded_router_settles_a_little_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is recorded as soon as there is room, and the message isn't sent twice."""
    hook = office.open("hook")
    hook.gate.clear()
    await office.submit(seen())
    await office.until_sent(hook, 1)
    refusals = [Overloaded("full")] * 3
    submit = office.applier.submit

    async def refuse(events: object) -> object:
        if refusals:
            raise refusals.pop()
        return await submit(events)  # type: ignore[arg-type]

    monkeypatch.setattr(office.applier, "submit", refuse)
    hook.gate.set()
    await office.until(SENT)
    assert len(hook.messages) == 1
    assert refusals == []


async def test_a_loop_that_ends_leaves_its_message_to_the_next(office: Office) -> None:
    """A channel that is taken out of service in the middle of claiming has nothing that only it may
    send.
    """
    first = office.open("hook")
    await office.clock.settle(lambda: office.clock.parked)
    await office.submit(seen())
    await office.clock.settle(lambda: office.store.calls["claim_notifications"] >= 2)
    office.workers.pop("hook").close()
    second = office.open("hook")
    row = await office.until(SENT)
    assert len(first.messages) + len(second.messages) == 1
    assert office.clock.now() < START + 10
    assert not row.may_be_doubled


async def test_a_channel_that_closes_finishes_what_is_under_way(office: Office) -> None:
    """A stop claims no more and lets go of nothing that has been started."""
    hook = office.open("hook", concurrency=1)
    hook.gate.clear()
    await office.submit(seen(service="a"), seen(service="b"))
    await office.until_sent(hook, 1)
    (loop,) = (task for task in office._loops if task.get_name() == "hook")
    office.workers["hook"].close()
    await office.clock.advance(10)
    assert not loop.done()
    hook.gate.set()
    await loop
    assert [(await office.row(incident_id=i)).state for i in (1, 2)] == [SENT, PENDING]


class Painter:
    """Charts that take their time. `asked` are the forms wanted."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.asked: list[ImageFormat] = []

    def there(self, _incident: Incident) -> bool:
        return True

    async def draw(
        self, _incident: Incident, _seen: Window, form: ImageFormat, zone: str = ""
    ) -> bytes:
        self.asked.append(form)
        await self.done.wait()
        return b"picture"


async def test_a_page_goes_out_without_a_chart_that_is_slow(office: Office) -> None:
    """It waits half a second at most; the next message has the chart."""
    painter = Painter()
    office.words = replace(WORDS, charts=painter)
    hook = office.open("hook", pictures=True)
    await office.submit(seen())
    await office.until(SENT)
    painter.done.set()
    await office.submit(command(Command.ACKNOWLEDGE))
    await office.clock.settle(lambda: len(hook.messages) == 2)
    assert [message.picture for message in hook.messages] == [b"", b"picture"]
    assert painter.asked == [ImageFormat.PNG] * 2


async def test_a_channel_without_pictures_asks_for_none(office: Office) -> None:
    """A text message has nowhere to show one, and shouldn't wait at all."""
    painter = Painter()
    office.words = replace(WORDS, charts=painter)
    office.open("hook")
    await office.submit(seen())
    await office.until(SENT)
    assert painter.asked == []

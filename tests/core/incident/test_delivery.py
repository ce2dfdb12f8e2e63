"""Settling a message after its sender is done."""

import math
from dataclasses import replace as with_fields
from typing import Any

import pytest
from msgspec.structs import replace

from router.core.incident.delivery import (
    ARRIVES_WITHIN,
    GIVE_UP_AFTER,
    settle,
    settle_task,
)
from router.model.event import DeliverySettled
from router.model.notification import (
    Attempt,
    Notification,
    NotificationState,
    Rejected,
    Result,
    Retry,
    Sent,
    Uncertain,
)
from router.model.reason import Reason
from tests.world import NOW, settings

PENDING, SENT, DEAD = NotificationState.PENDING, NotificationState.SENT, NotificationState.DEAD
DELIVERED, RETRIED, UNCERTAIN, FAILED = (
    Reason.DELIVERED,
    Reason.DELIVERY_RETRIED,
    Reason.DELIVERY_UNCERTAIN,
    Reason.DELIVERY_FAILED,
)
CONFIG = settings(fallback_after=120.0, give_up_after=3600.0)
HELD = Notification(
    1, "slack", 3, PENDING, Reason.OPENED, NOW, NOW,
    sent=2, ref="ts-1", seen_entry=5, error="503 before", lease="me", lease_until=NOW + 60,
)  # fmt: skip


def settled(
    late: float, *results: Result, seen_entry: int = 9, jitter: float = 0.0
) -> DeliverySettled:
    """State after these attempts, the last of them `late` seconds after the message was due."""
    attempts = tuple(Attempt(NOW + late, 0.1, result) for result in results)
    return DeliverySettled(NOW + late, HELD, attempts, seen_entry, jitter)


@pytest.mark.parametrize(
    ("late", "result", "state", "what", "falls_back"),
    [
        (1, Sent(), SENT, DELIVERED, False),
        (9999, Sent(), SENT, DELIVERED, False),
        (1, Retry("503"), PENDING, RETRIED, False),
        (119, Retry("503"), PENDING, RETRIED, False),
        (120, Retry("503"), PENDING, RETRIED, True),
        (3599, Retry("503"), PENDING, RETRIED, True),
        (3600, Retry("503"), DEAD, FAILED, True),
        (1, Uncertain("reset"), PENDING, UNCERTAIN, False),
        (120, Uncertain("reset"), PENDING, UNCERTAIN, True),
        (3600, Uncertain("reset"), DEAD, FAILED, True),
        (1, Rejected("no such channel"), DEAD, FAILED, True),
    ],
)
def test_the_last_attempt_and_how_late_it_is_decide(
    late: float, result: Result, state: NotificationState, what: Reason, falls_back: bool
) -> None:
    """Lateness is measured from when it was due.

    A delivered message never triggers the fallback.
    """
    outcome = settle(settled(late, result), CONFIG)
    after = outcome.notification
    assert (after.state, outcome.entry.what, outcome.falls_back) == (state, what, falls_back)
    assert (after.lease, after.lease_until, after.attempts) == ("", 0.0, 1)


def test_the_fallback_is_called_once_for_a_message() -> None:
    """Later attempts at the same message don't trigger it again, not even the last one."""
    fallen = replace(settled(200, Retry("503")), notification=replace(HELD, fallen_back=True))
    assert not settle(fallen, CONFIG).falls_back
    assert settle(fallen, CONFIG).notification.fallen_back
    assert not settle(replace(fallen, at=NOW + 9999), CONFIG).falls_back


@pytest.mark.parametrize("result", [Retry("429", after=121), Retry("429", after=3600)])
def test_the_fallback_isnt_kept_waiting_for_a_try_that_will_be_too_late(result: Result) -> None:
    """The service asked for more patience than the fallback has: it's called now, not after the
    next failure.
    """
    assert settle(settled(1, result), CONFIG).falls_back
    assert not settle(settled(1, Retry("429", after=30)), CONFIG).falls_back


def test_what_was_sent_is_remembered() -> None:
    """The service's handle, the last timeline entry sent, and the count of messages."""
    after = settle(settled(1, Sent("ts-2")), CONFIG).notification
    assert (after.sent, after.ref, after.seen_entry, after.error) == (3, "ts-2", 9, "")
    assert (after.seq, after.queued_at, after.reason) == (3, NOW, Reason.OPENED)


def test_a_handle_is_kept_if_there_is_no_newer() -> None:
    after = settle(settled(1, Sent(), seen_entry=2), CONFIG).notification
    assert (after.ref, after.seen_entry) == ("ts-1", 5)


@pytest.mark.parametrize("result", [Retry("503"), Uncertain("503"), Rejected("503")])
def test_what_wasnt_sent_tells_nothing(result: Result) -> None:
    """The channel's state is unchanged, and the row has the error."""
    after = settle(settled(1, result), CONFIG).notification
    assert (after.sent, after.ref, after.seen_entry, after.error) == (2, "ts-1", 5, "503")


@pytest.mark.parametrize(
    ("attempts", "result", "jitter", "wait"),
    [
        (0, Retry("503"), 0.0, 0.5),
        (0, Retry("503"), 0.5, 0.75),
        (4, Uncertain("reset"), 0.0, 8.0),
        (0, Retry("429", after=30.0), 0.0, 30.0),
        (0, Retry("429", after=math.inf), 0.0, 3600.0),
        (4, Retry("429", after=1.0), 0.0, 8.0),
    ],
)
def test_the_next_try_waits_longer_each_time(
    attempts: int, result: Result, jitter: float, wait: float
) -> None:
    """And at least as long as the service asked for."""
    event = settled(1, result, jitter=jitter)
    after = settle(
        replace(event, notification=replace(HELD, attempts=attempts)), CONFIG
    ).notification
    assert after.due_at == NOW + 1 + wait


@pytest.mark.parametrize(
    ("before", "results", "said", "stored"),
    [
        (False, [Sent()], False, False),
        (False, [Uncertain("reset")], False, True),
        (False, [Uncertain("reset"), Sent()], True, False),
        (False, [Uncertain("reset"), Retry("503")], True, True),
        (True, [Sent()], True, False),
        (True, [Retry("503")], True, True),
        (True, [Rejected("gone")], True, True),
        (False, [Retry("503"), Sent()], False, False),
    ],
)
def test_a_message_that_may_have_arrived_before_is_marked(
    before: bool, results: list[Result], said: bool, stored: bool
) -> None:
    """On the timeline if it was sent again after that; on the row while it may yet be."""
    event = settled(1, *results)
    outcome = settle(replace(event, notification=replace(HELD, may_be_doubled=before)), CONFIG)
    assert outcome.entry.data.get("may_be_doubled", False) is said
    assert outcome.notification.may_be_doubled is stored
    assert outcome.notification.attempts == len(results)


def test_the_timeline_says_how_it_went() -> None:
    entry = settle(settled(7, Retry("no route"), Retry("503")), CONFIG).entry
    assert (entry.incident_id, entry.at) == (1, NOW + 7)
    assert entry.data == {
        "channel": "slack",
        "seq": 3,
        "reason": HELD.reason,
        "attempts": 2,
        "late": 7.0,
        "error": "503",
    }
    assert "error" not in settle(settled(7, Sent()), CONFIG).entry.data


def test_the_timeline_says_where_to_and_whether_it_was_for_a_stakeholder() -> None:
    """The digest of the destination, by which a number that has changed since is noticed."""
    config = with_fields(CONFIG, destinations={"slack": "ab12"})
    data = settle(settled(7, Sent()), config, stakeholder=True).entry.data
    assert (data["to"], data["stakeholder"]) == ("ab12", True)
    assert not {"to", "stakeholder"} & settle(settled(7, Sent()), CONFIG).entry.data.keys()


LATE = Retry("no answer in time", may_have_arrived=True)


@pytest.mark.parametrize("result", [Uncertain("reset"), LATE])
def test_an_attempt_that_may_arrive_late_is_remembered(result: Result) -> None:
    """With until when: what is sent before that may not be the last that arrives."""
    after = settle(settled(1, result), CONFIG).notification
    assert (after.uncertain, after.uncertain_until) == (HELD.seq, NOW + 1 + ARRIVES_WITHIN)


def test_what_may_have_arrived_long_ago_is_remembered_until_it_is_sent() -> None:
    """So the mark stays on an attempt that follows an hour of refusals."""
    held = replace(HELD, uncertain=HELD.seq, uncertain_until=NOW - 3600)
    after = settle(replace(settled(1, Retry("HTTP 503")), notification=held), CONFIG).notification
    assert after.uncertain == HELD.seq
    sent = settle(replace(settled(2, Sent()), notification=after), CONFIG).notification
    assert (sent.state, sent.uncertain) == (SENT, 0)


def test_a_newer_state_is_sent_once_more_when_the_older_can_no_longer_arrive() -> None:
    """As a separate message that isn't late and has no successor."""
    held = replace(HELD, uncertain=2, uncertain_until=NOW + 50)
    outcome = settle(replace(settled(1, Sent("ts-2")), notification=held), CONFIG)
    again = outcome.notification
    assert outcome.entry.what is DELIVERED
    assert not outcome.falls_back
    assert (again.state, again.seq, again.due_at, again.queued_at) == (
        PENDING,
        4,
        NOW + 50,
        NOW + 50,
    )
    assert (again.sent, again.ref, again.attempts, again.error) == (3, "ts-2", 0, "")
    then = replace(settled(51, Sent()), notification=again)
    assert settle(then, CONFIG).notification.state is SENT


def test_an_older_state_is_not_forgotten_while_the_newer_goes_back_to_the_outbox() -> None:
    """The newer was tried, too; what arrives last may still be the older."""
    event = replace(settled(1, LATE), notification=replace(HELD, seq=2))
    older = settle(event, CONFIG).notification
    newer = settle(replace(settled(3, LATE), notification=replace(older, seq=3)), CONFIG)
    assert newer.notification.state is PENDING
    again = settle(replace(settled(9, Sent()), notification=newer.notification), CONFIG)
    assert (again.notification.state, again.notification.due_at) == (PENDING, NOW + 63)


def test_a_service_that_may_take_longer_gets_the_state_twice_more() -> None:
    """A minute later, since most late messages arrive soon, and when none can arrive any more."""
    held = replace(HELD, uncertain=2, uncertain_until=NOW + 3600)
    attempt = Attempt(NOW + 1, 0.1, Sent(), arrives_within=3600)
    event = replace(settled(1, Sent()), notification=held, attempts=(attempt,))
    first = settle(event, CONFIG).notification
    assert (first.seq, first.due_at, first.may_have_arrived) == (4, NOW + 60, True)
    attempt = Attempt(NOW + 61, 0.1, Sent(), arrives_within=3600)
    event = DeliverySettled(NOW + 61, first, (attempt,), 9, 0.0)
    second = settle(event, CONFIG).notification
    assert (second.seq, second.due_at) == (5, NOW + 3600)
    attempt = Attempt(NOW + 3601, 0.1, Sent(), arrives_within=3600)
    event = DeliverySettled(NOW + 3601, second, (attempt,), 9, 0.0)
    last = settle(event, CONFIG).notification
    assert (last.state, last.uncertain, last.may_have_arrived) == (SENT, 0, False)


@pytest.mark.parametrize("result", [Uncertain("reset"), LATE])
def test_what_may_have_arrived_since_the_last_delivery_is_kept(result: Result) -> None:
    after = settle(settled(1, result), CONFIG).notification
    assert after.may_have_arrived
    then = settle(replace(settled(2, Sent()), notification=after), CONFIG).notification
    assert not then.may_have_arrived


def test_an_older_state_is_not_forgotten_for_an_uncertain_attempt_at_the_newer() -> None:
    held = replace(HELD, uncertain=2, uncertain_until=NOW + 50)
    event = replace(settled(1, LATE, Sent("ts-2")), notification=held)
    again = settle(event, CONFIG).notification
    assert (again.state, again.seq, again.due_at) == (PENDING, 4, again.uncertain_until)


@pytest.mark.parametrize(
    "changed",
    [
        {"uncertain": 3, "uncertain_until": NOW + 50},  # the same state again
        {"uncertain": 2, "uncertain_until": NOW + 1},  # too long ago to arrive
        {"uncertain": 2, "uncertain_until": NOW + 50, "channel": "sms/ana"},  # would wake somebody
    ],
)
def test_nothing_is_sent_once_more_without_need(changed: dict[str, Any]) -> None:
    held = replace(HELD, **changed)
    event = replace(settled(1, Sent()), notification=held)
    assert settle(event, CONFIG).notification.state is SENT


def test_rows_of_other_kinds_are_settled_alike() -> None:
    """With the same states and pauses, and given up after a day."""
    assert settle_task(HELD, Attempt(NOW + 1, 0.1, Sent()), 0.0).state is SENT
    again = settle_task(HELD, Attempt(NOW + 1, 0.1, Retry("451")), 0.0)
    assert (again.state, again.due_at, again.error) == (PENDING, NOW + 1.5, "451")
    late = Attempt(NOW + GIVE_UP_AFTER, 0.1, Retry("451"))
    assert settle_task(HELD, late, 0.0).state is DEAD

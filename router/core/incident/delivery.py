"""The state of an outbox row after an attempt: sent, pending for a retry, or dead.

pending --Sent--------------------> sent
pending --Retry, Uncertain--------> pending, due later     until it is `give_up_after` late: dead
pending --Rejected----------------> dead
sent, dead --queued again-----------> pending
sent --an older one may arrive----> pending, due in a minute, and again when it no longer can
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from router.core.incident.settings import Settings
from router.core.outbox.backoff import next_delay
from router.model.decision import Entry
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
    person_of,
)
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

_ARRIVED = having(Trait.ARRIVED)

ARRIVES_WITHIN = 60.0
"""Seconds after an uncertain attempt in which the service may still process it.

Channels with a slower service have a longer `Capabilities.arrives_within`.
"""

GIVE_UP_AFTER = 86_400.0
"""Seconds after which a row that isn't about an incident's state is given up as outdated."""


class Settlement(Struct, frozen=True):
    """The row to store, its timeline entry, and the fallback decision."""

    notification: Notification
    entry: Entry
    falls_back: bool


def settle(event: DeliverySettled, settings: Settings, *, stakeholder: bool = False) -> Settlement:
    """Settle a message about an incident by the last of its attempts.

    `stakeholder`: it is for a stakeholder, who is not paged.
    """
    before = replace(event.notification, queued_at=event.notification.queued_at + event.held)
    doubled = before.may_be_doubled or any(
        isinstance(attempt.result, Uncertain) for attempt in event.attempts[:-1]
    )
    after, what = _next_state(
        before, event.attempts, event.at, event.jitter, settings.give_up_after
    )
    if isinstance(event.attempts[-1].result, Sent):
        after = replace(after, seen_entry=max(event.seen_entry, before.seen_entry))
        if event.bundle[1:] and event.bundle[0] != before.incident_id:
            what = Reason.BUNDLED
    # Don't wait for a retry that would be too late (a service may ask for an hour): fall back now.
    too_late = after.attempts > 0 and after.due_at - before.queued_at >= settings.fallback_after
    too_late = too_late and after.state is NotificationState.PENDING
    falls_back = (too_late or what is Reason.DELIVERY_FAILED) and not before.fallen_back
    if falls_back:
        after = replace(after, fallen_back=True)
    entry = _entry(event, before, after, what, doubled=doubled)
    if stakeholder:
        entry.data["stakeholder"] = True
    if to := settings.destinations.get(after.channel):
        entry.data["to"] = to
    if event.bundle:  # later changes of one incident must not overwrite the summary of all
        after = replace(after, ref=before.ref)
    return Settlement(after, entry, falls_back)


def may_arrive_late(result: Result) -> bool:
    """Return whether the service may still process this attempt, after later ones."""
    return isinstance(result, Uncertain) or (isinstance(result, Retry) and result.may_have_arrived)


def progress_after(result: Result, before: str) -> str:
    """Return the progress for the next attempt at the same message; "" if there is none."""
    return (result.progress or before) if isinstance(result, Retry | Uncertain) else ""


def settle_task(before: Notification, attempt: Attempt, jitter: float) -> Notification:
    """Settle a row that isn't about an incident: no timeline entry, no fallback."""
    after, _ = _next_state(before, (attempt,), attempt.at, jitter, GIVE_UP_AFTER)
    return after


def _next_state(
    before: Notification,
    attempts: Sequence[Attempt],
    at: float,
    jitter: float,
    give_up_after: float,
) -> tuple[Notification, Reason]:
    """The row after these attempts under one lease, and its timeline entry."""
    tried = before.attempts + len(attempts)
    progress = progress_after(attempts[-1].result, before.progress)
    after = replace(before, attempts=tried, lease="", lease_until=0.0, progress=progress)
    if any(isinstance(attempt.result, Uncertain) for attempt in attempts):
        after = replace(after, may_be_doubled=True)
    if any(may_arrive_late(attempt.result) for attempt in attempts):
        older = before.uncertain if before.uncertain_until > attempts[0].at else 0
        until = at + attempts[-1].arrives_within
        after = replace(
            after,
            uncertain=older or before.seq,
            uncertain_until=max(until, before.uncertain_until),
            may_have_arrived=True,
        )
    elif after.uncertain_until <= at and isinstance(attempts[-1].result, Sent):
        # Keep the mark until the row is sent: even an attempt an hour ago may have arrived.
        after = replace(after, uncertain=0, uncertain_until=0.0)
    in_time = at - before.queued_at < give_up_after
    match attempts[-1].result:
        case Sent(ref=ref):
            sent = replace(after, ref=ref or before.ref)
            return _sent(sent, at, attempts[-1].arrives_within), Reason.DELIVERED
        case Retry(reason=error, after=asked) if in_time:
            due_at = at + next_delay(tried, retry_after=asked, jitter=jitter)
            return replace(after, due_at=due_at, error=error), Reason.DELIVERY_RETRIED
        case Uncertain(reason=error) if in_time:
            due_at = at + next_delay(tried, retry_after=None, jitter=jitter)
            return replace(after, due_at=due_at, error=error), Reason.DELIVERY_UNCERTAIN
        case Retry(reason=error) | Uncertain(reason=error) | Rejected(reason=error):
            return replace(after, state=NotificationState.DEAD, error=error), Reason.DELIVERY_FAILED


def _sent(row: Notification, at: float, arrives_within: float) -> Notification:
    """Mark the row as sent, or as due again if an older message may still arrive after this one.

    It's due again after a minute, as most late messages arrive soon, and once more when no older
    message can arrive any more.
    """
    row = replace(row, sent=row.sent + 1, error="", may_be_doubled=False, may_have_arrived=False)
    older = row.uncertain not in {0, row.seq} and row.uncertain_until > at
    if not older or person_of(row.channel):  # don't page a person twice only to correct the order
        return replace(row, state=NotificationState.SENT)
    soon = row.uncertain_until - arrives_within + ARRIVES_WITHIN
    due = soon if soon > at else row.uncertain_until
    again = replace(row, seq=row.seq + 1, queued_at=due, due_at=due, attempts=0, fallen_back=False)
    return replace(again, may_have_arrived=True)


def _entry(
    event: DeliverySettled,
    before: Notification,
    after: Notification,
    what: Reason,
    *,
    doubled: bool,
) -> Entry:
    attempts = before.attempts + len(event.attempts)
    data = {
        "channel": before.channel,
        "seq": before.seq,
        "reason": before.reason,
        "attempts": attempts,
        "late": event.at - before.queued_at,
    }
    if after.error:
        data["error"] = after.error
    if what in _ARRIVED and after.ref:
        data["ref"] = after.ref
    if doubled:
        data["may_be_doubled"] = True
    if event.held:
        data["held"] = event.held
    if others := [f"INC-{number}" for number in event.bundle if number != after.incident_id]:
        data["with"] = others[:1] if what is Reason.BUNDLED else others
    if isinstance(result := event.attempts[-1].result, Sent) and result.silent:
        data["silent"] = True
    return Entry(after.incident_id, event.at, what, data=data)

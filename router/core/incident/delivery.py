"""What becomes of a notification once its sender is done with it: sent, tried again later, or dead.

pending --Sent--------------------> sent
pending --Retry, Uncertain--------> pending, due later     until it is `give_up_after` late: dead
pending --Rejected----------------> dead
sent, dead --owed again-----------> pending
"""

from msgspec import Struct
from msgspec.structs import replace

from router.core.incident.settings import Settings
from router.core.outbox.backoff import next_delay
from router.model.decision import Entry
from router.model.event import DeliverySettled
from router.model.notification import (
    Notification,
    NotificationState,
    Rejected,
    Retry,
    Sent,
    Uncertain,
)
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

_ARRIVED = having(Trait.ARRIVED)


class Settlement(Struct, frozen=True):
    """The notification as it should be stored, its line of the timeline, and whether the fallback
    is called for.
    """

    notification: Notification
    entry: Entry
    falls_back: bool


def settle(event: DeliverySettled, settings: Settings, *, onlooker: bool = False) -> Settlement:
    """The notification after its attempts.

    `onlooker`: it is for a stakeholder, who is not paged.
    """
    before = event.notification
    result = event.attempts[-1].result
    attempts = before.attempts + len(event.attempts)
    doubled = before.may_be_doubled or any(
        isinstance(attempt.result, Uncertain) for attempt in event.attempts[:-1]
    )
    after = replace(before, attempts=attempts, lease="", lease_until=0.0, may_be_doubled=doubled)
    owed_at = before.owed_at + event.held
    after = replace(after, owed_at=owed_at)
    late = event.at - owed_at
    match result:
        case Sent(ref=ref):
            after = replace(
                after,
                state=NotificationState.SENT,
                sent=before.sent + 1,
                ref=ref or before.ref,
                told=max(event.told, before.told),
                error="",
                may_be_doubled=False,
            )
            what = (
                Reason.BUNDLED
                if event.bundle[1:] and event.bundle[0] != before.incident_id
                else Reason.DELIVERED
            )
        case Retry(reason=error, after=retry_after) if late < settings.give_up_after:
            due_at = event.at + next_delay(attempts, retry_after=retry_after, jitter=event.jitter)
            after = replace(after, due_at=due_at, error=error)
            what = Reason.DELIVERY_RETRIED
        case Uncertain(reason=error) if late < settings.give_up_after:
            due_at = event.at + next_delay(attempts, retry_after=None, jitter=event.jitter)
            after = replace(after, due_at=due_at, error=error, may_be_doubled=True)
            what = Reason.DELIVERY_UNCERTAIN
        case Retry(reason=error) | Uncertain(reason=error) | Rejected(reason=error):
            after = replace(after, state=NotificationState.DEAD, error=error)
            what = Reason.DELIVERY_FAILED
    # The fallback doesn't wait for a next try that comes too late anyhow: a service may ask for an
    # hour's patience.
    too_late = (
        after.state is NotificationState.PENDING
        and after.due_at - owed_at >= settings.fallback_after
    )
    falls_back = (too_late or what is Reason.DELIVERY_FAILED) and not before.fallen_back
    after = replace(after, fallen_back=before.fallen_back or falls_back)
    entry = _entry(event, after, what, doubled=doubled)
    if onlooker:
        entry.data["stakeholder"] = True
    if to := settings.destinations.get(after.channel):
        entry.data["to"] = to
    return Settlement(after, entry, falls_back)


def _entry(event: DeliverySettled, after: Notification, what: Reason, *, doubled: bool) -> Entry:
    before = event.notification
    data = {
        "channel": after.channel,
        "seq": after.seq,
        "reason": before.reason,
        "attempts": after.attempts,
        "late": event.at - after.owed_at,
    }
    if after.error:
        data["error"] = after.error
    if what in _ARRIVED and after.ref:
        data["ref"] = after.ref
    if doubled:
        data["may_be_doubled"] = True
    if event.held:
        data["held"] = event.held
    if others := [f"INC-{one}" for one in event.bundle if one != after.incident_id]:
        data["with"] = others[:1] if what is Reason.BUNDLED else others
    if isinstance(result := event.attempts[-1].result, Sent) and result.silent:
        data["silent"] = True
    return Entry(after.incident_id, event.at, what, data=data)

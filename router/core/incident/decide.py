"""The life cycle of one incident: `decide(incident, event, settings)` returns the decision.

Invariant: an incident is open or closed. Alerts open it, keep it open and raise its severity; only
a person or the end of its alerts closes it. An open incident that nobody has answered always has a
deadline for the next step, or a timeline entry that the escalation has ended. An event that arrives
too late changes nothing, but is noted.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from router.core.incident.actions import act
from router.core.incident.commands import commanded
from router.core.incident.deadlines import Muted, timer_due
from router.core.incident.escalation import edited, noted, notify
from router.core.incident.expiry import Expired, expired
from router.core.incident.fired import Fired
from router.core.incident.follow_up import item_put, postmortem_shared
from router.core.incident.lifecycle import Cleared, cleared, fired
from router.core.incident.relations import Absorbed, Related, absorbed
from router.core.incident.settings import Settings
from router.core.incident.suspects import deployed
from router.core.incident.transaction import Decision, Transaction
from router.core.incident.transitions import later
from router.core.oncall.recipients import Recipients
from router.model.event import (
    ActionAnswered,
    ActionEvent,
    ActionRan,
    ActionRequested,
    Commanded,
    Deployed,
    FollowUp,
    ItemPut,
    PostMortemShared,
    Recorded,
    Resent,
    TimerDue,
)
from router.model.incident import Incident
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

__all__ = ["PAGES", "Cleared", "DeliveryFailed", "Fired", "IncidentEvent", "Muted", "decide"]


class DeliveryFailed(Struct, frozen=True):
    """A message to a channel has failed for too long, or permanently.

    `reason` is the reason of the message.
    """

    at: float
    channel: str
    reason: Reason


PAGES = having(Trait.PAGES)
"""Reasons of messages that may go to only a few of an incident's recipients."""

AroundIt = DeliveryFailed | Resent | Recorded | Deployed | Related | Absorbed | Expired
IncidentEvent = Fired | Cleared | Commanded | TimerDue | Muted | AroundIt | ActionEvent | FollowUp


def decide(
    incident: Incident | None, event: IncidentEvent, settings: Settings
) -> Decision | Reason:
    """Decide on an event for `incident`, which is None if none has that key.

    Return only the reason if nothing changes.
    """
    if isinstance(event, Fired):
        return fired(incident, event, settings)
    if incident is None:
        return Reason.UNKNOWN_INCIDENT
    return _HANDLERS[type(event)](incident, event, settings)


def happen(tx: Transaction, incident_id: int, event: IncidentEvent) -> Reason:
    """Apply the event to the incident."""
    return tx.follow(decide(tx.view.incidents.get(incident_id), event, tx.settings))


def _related(incident: Incident, event: Related, settings: Settings) -> Decision | Reason:
    return commanded(incident, event.command, settings, event.other)


def _delivery_failed(
    incident: Incident, event: DeliveryFailed, settings: Settings
) -> Decision | Reason:
    policy = settings.policy_of(incident)
    # Other messages go to everybody who was notified, so the loss of one does little harm. A page
    # goes to few people, so somebody must be notified of its loss.
    knowing = (event.channel,) if event.reason in PAGES else incident.notified
    reached = settings.people.reach(policy.fallback, incident.severity, event.at).without(knowing)
    if reached == Recipients():
        return Reason.DELIVERY_FAILED
    decision = Decision(Reason.FALLBACK, later(incident, event.at))
    decision.note(
        event.at,
        Reason.FALLBACK,
        channel=event.channel,
        **noted(reached, incident),
        policy=policy.name,
        duties=settings.people.duties(policy.fallback, event.at),
    )
    notify(decision, event.at, Reason.FALLBACK, reached)
    return decision


def _resent(incident: Incident, event: Resent, _settings: Settings) -> Decision:
    decision = Decision(Reason.RESENT, later(incident, event.at))
    decision.note(event.at, Reason.RESENT, event.by, channel=event.channel)
    decision.queue(event.at, Reason.RESENT, (event.channel,))
    return decision


def _recorded(incident: Incident, event: Recorded, settings: Settings) -> Decision:
    decision = Decision(event.what, later(incident, event.at))
    decision.note(event.at, event.what, event.by, **event.data)
    decision.queue(event.at, event.what, edited(incident, settings))
    return decision


_HANDLERS: dict[type[Any], Callable[[Incident, Any, Settings], Decision | Reason]] = {
    Cleared: cleared,
    Commanded: commanded,
    Related: _related,
    Absorbed: absorbed,
    Expired: expired,
    Deployed: deployed,
    TimerDue: timer_due,
    Muted: timer_due,
    DeliveryFailed: _delivery_failed,
    Resent: _resent,
    Recorded: _recorded,
    PostMortemShared: postmortem_shared,
    ItemPut: item_put,
    ActionRequested: act,
    ActionAnswered: act,
    ActionRan: act,
}
"""The handler of each event that happens to an incident."""

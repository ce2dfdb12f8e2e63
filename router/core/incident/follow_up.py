"""Follow-up of a closed incident: the post-mortem, and its action items.

Invariant: a closed incident has only these deadlines: one for its post-mortem, if its severity
needs one, until that is shared; and one for each action item until it's done. People are reminded
over their least urgent contact method, as a reminder isn't a page. Timers of overdue items have
another name, so that the metrics can count them.
"""

from typing import Any

from msgspec.structs import replace

from router.core.incident.escalation import edited, notify
from router.core.incident.settings import Settings
from router.core.incident.transaction import Decision
from router.core.oncall.recipients import Recipients
from router.core.text.plain import plain, utc
from router.model.event import ItemPut, PostMortemShared, TimerDue
from router.model.incident import Incident, Severity
from router.model.notification import person_of
from router.model.postmortem import Item
from router.model.reason import Reason

POSTMORTEM = "postmortem"
POSTMORTEM_OVERDUE = "postmortem-overdue"
ITEM = "item"
ITEM_OVERDUE = "item-overdue"

TIMERS = (POSTMORTEM, POSTMORTEM_OVERDUE, ITEM, ITEM_OVERDUE)
"""Names of the timers. An item's timer ends with its number: `item:3`."""

LONGEST_SUMMARY = 500
"""Characters of the summary that a message shows."""


def is_follow_up(timer: str) -> bool:
    return timer.partition(":")[0] in TIMERS


def find_item(incident: Incident, number: int) -> Item | None:
    return next((item for item in incident.items if item.number == number), None)


# --- the post-mortem


def call_for_postmortem(decision: Decision, at: float, settings: Settings) -> None:
    """Set the deadline when the incident is resolved."""
    incident, plan = decision.incident, settings.postmortems
    if incident.drill or incident.severity not in plan.severities:
        return
    due_at = at + plan.due
    decision.change(postmortem_due=due_at)
    decision.note(at, Reason.POSTMORTEM_DUE, due=utc(due_at))
    decision.set_timer(POSTMORTEM, min(at + plan.remind, due_at))


def call_off_postmortem(decision: Decision) -> None:
    """Clear the deadline: the incident reopened, or its post-mortem was shared."""
    if decision.incident.postmortem_due is not None:
        decision.change(postmortem_due=None)
        decision.timers_cleared += [POSTMORTEM, POSTMORTEM_OVERDUE]


def postmortem_shared(
    incident: Incident, event: PostMortemShared, settings: Settings
) -> Decision | Reason:
    """Notify the channels each time somebody shares the post-mortem."""
    if incident.is_open:
        return Reason.STILL_OPEN
    if event.waived:
        return _waived(incident, event)
    at = event.at
    decision = Decision(
        Reason.POSTMORTEM_SHARED, replace(incident, updated_at=at, postmortem_shared_at=at)
    )
    call_off_postmortem(decision)
    decision.note(
        at, Reason.POSTMORTEM_SHARED, event.by, text=plain(event.summary)[:LONGEST_SUMMARY]
    )
    notify(
        decision,
        at,
        Reason.POSTMORTEM_SHARED,
        Recipients(settings.postmortems.share or _channels(incident)),
    )
    return decision


def _waived(incident: Incident, event: PostMortemShared) -> Decision | Reason:
    """Clear the deadline of a waived post-mortem."""
    if incident.postmortem_due is None:
        return Reason.ALREADY_DONE
    decision = Decision(Reason.POSTMORTEM_WAIVED, replace(incident, updated_at=event.at))
    call_off_postmortem(decision)
    text = plain(event.waived)[:LONGEST_SUMMARY]
    decision.note(event.at, Reason.POSTMORTEM_WAIVED, event.by, text=text)
    return decision


# --- action items


def item_put(incident: Incident, event: ItemPut, settings: Settings) -> Decision | Reason:
    """Add an item, or change an item's text, owner, date or state."""
    if not event.number:
        return _item_added(incident, event, settings)
    before = find_item(incident, event.number)
    if before is None:
        return Reason.UNKNOWN_ITEM
    after = _changed(before, event)
    if after == before:
        return Reason.ALREADY_DONE
    items = tuple(after if item.number == after.number else item for item in incident.items)
    reason = Reason.ITEM_DONE if before.is_open and not after.is_open else Reason.ITEM_CHANGED
    decision = _with_items(incident, items, after, event, reason, settings)
    decision.timers_cleared += [f"{name}:{after.number}" for name in (ITEM, ITEM_OVERDUE)]
    if after.is_open:
        _watch(decision, event.at, after, settings)
        if after.owner != before.owner:
            _tell_owner(decision, event, after, settings)
    return decision


def _item_added(incident: Incident, event: ItemPut, settings: Settings) -> Decision | Reason:
    if event.key and any(item.key == event.key for item in incident.items):
        return Reason.ALREADY_DONE
    assert event.due_at is not None, "checked where the command arrives"
    item = Item(
        number=len(incident.items) + 1,
        text=event.text or "",
        owner=event.owner or event.by,
        due_at=event.due_at,
        added_by=event.by,
        added_at=event.at,
        key=event.key,
    )
    decision = _with_items(
        incident, (*incident.items, item), item, event, Reason.ITEM_ADDED, settings
    )
    _watch(decision, event.at, item, settings)
    _tell_owner(decision, event, item, settings)
    return decision


def _changed(item: Item, event: ItemPut) -> Item:
    given = {name: getattr(event, name) for name in ("text", "owner", "due_at")}
    after = replace(item, **{name: value for name, value in given.items() if value is not None})
    if event.done is None or event.done is not after.is_open:
        return after
    return (
        replace(after, done_at=event.at, done_by=event.by)
        if event.done
        else replace(after, done_at=None, done_by="")
    )


def _with_items(  # noqa: PLR0913, PLR0917 - each is a different fact about one change
    incident: Incident,
    items: tuple[Item, ...],
    item: Item,
    event: ItemPut,
    reason: Reason,
    settings: Settings,
) -> Decision:
    decision = Decision(reason, replace(incident, updated_at=event.at, items=items))
    decision.note(event.at, reason, event.by, **_facts(item))
    decision.queue(event.at, reason, edited(incident, settings))
    notify(decision, event.at, reason, Recipients(settings.postmortems.tickets))
    return decision


def _watch(decision: Decision, at: float, item: Item, settings: Settings) -> None:
    """Set the deadline of an open item: a while before it's due or, if that's past, then."""
    early = item.due_at - settings.postmortems.remind
    decision.set_timer(f"{ITEM}:{item.number}", early if early > at else max(at, item.due_at))


def _tell_owner(decision: Decision, event: ItemPut, item: Item, settings: Settings) -> None:
    owner = settings.people.find(item.owner)
    if owner and item.owner != event.by:
        notify(
            decision,
            event.at,
            decision.reason,
            by_quietest_method((f"contact:{owner}",), event.at, settings),
        )


def _facts(item: Item) -> dict[str, Any]:
    return {"number": item.number, "text": item.text, "owner": item.owner, "due": utc(item.due_at)}


# --- reminders


def reminded(incident: Incident, event: TimerDue, settings: Settings) -> Decision | Reason:
    """Handle a deadline of the follow-up."""
    kind, _, number = event.name.partition(":")
    if kind in (POSTMORTEM, POSTMORTEM_OVERDUE):
        due_at = incident.postmortem_due
        # The timer may have been claimed just before it was cancelled or set anew.
        if due_at is None or incident.closed_at is None or event.due_at <= incident.closed_at:
            return Reason.TIMER_OUTDATED
        who = incident.lead or incident.acknowledged_by
        names, facts = (POSTMORTEM, POSTMORTEM_OVERDUE), {"due": utc(due_at), "lead": who}
        reasons = (Reason.POSTMORTEM_REMINDED, Reason.POSTMORTEM_OVERDUE)
    else:
        item = find_item(incident, int(number))
        if item is None or not item.is_open:
            return Reason.TIMER_OUTDATED
        due_at, who = item.due_at, item.owner
        names, facts = (f"{ITEM}:{number}", f"{ITEM_OVERDUE}:{number}"), _facts(item)
        reasons = (Reason.ITEM_REMINDED, Reason.ITEM_OVERDUE)
    overdue = event.at >= due_at
    decision = Decision(reasons[overdue], replace(incident, updated_at=event.at))
    decision.note(event.at, decision.reason, **facts)
    decision.set_timer(names[overdue], event.at + settings.postmortems.again if overdue else due_at)
    notify(decision, event.at, decision.reason, _responsible(who, incident, event.at, settings))
    return decision


def _responsible(name: str, incident: Incident, at: float, settings: Settings) -> Recipients:
    """The lead or the item's owner; if not in the config, the `owners`, else the channels."""
    contact = settings.people.find(name)
    targets = (f"contact:{contact}",) if contact else settings.postmortems.owners
    return by_quietest_method(targets, at, settings) if targets else Recipients(_channels(incident))


def by_quietest_method(targets: tuple[str, ...], at: float, settings: Settings) -> Recipients:
    """Each target over its first contact method at the least severity that has one."""
    found: dict[str, None] = {}
    problems: list[tuple[str, str]] = []
    for target in targets:
        people = settings.people.people(target, at) if ":" in target else ()
        for each in [f"contact:{contact}" for contact in people] or [target]:
            ways = [settings.people.reach((each,), severity, at) for severity in reversed(Severity)]
            first = next((way.addresses[0] for way in ways if way.addresses), None)
            if first is None:
                problems += ways[0].problems
            else:
                found[first] = None
    return Recipients(tuple(found), problems=tuple(problems))


def _channels(incident: Incident) -> tuple[str, ...]:
    return tuple(address for address in incident.notified if not person_of(address))

"""Maintain a ticket for an incident: open it once, comment changes, close and reopen it.

The comment is written before the state is changed. Before each write, the tracker is asked whether
an earlier attempt has already written it. So an attempt may stop anywhere, and the next continues.
"""

from router.model.notification import Message, Result, Sent
from router.senders.calls import Failed
from router.senders.tickets.items import track
from router.senders.tickets.text import unseen
from router.senders.tickets.tracker import ItemTracker, Ticket, Tracker


async def keep(tracker: Tracker, message: Message, items: ItemTracker | None = None) -> Result:
    """Bring the incident's ticket up to date, and with `items` the tickets of its action items.

    The result's `ref` has the refs of all tickets, like `12 1:15 2:16`.
    """
    try:
        ticket = await _bring_up_to_date(tracker, message)
        return Sent(ticket.ref + (await track(items, ticket, message) if items else ""))
    except Failed as failure:
        return failure.result


async def _bring_up_to_date(tracker: Tracker, message: Message) -> Ticket:
    """Raises: Failed."""
    incident, ref = message.incident, message.ref.partition(" ")[0]
    ticket = (await tracker.known(ref, incident) if ref else None) or await tracker.find(incident)
    if ticket is None:
        ticket = await tracker.open(message)
    else:
        await _comment(tracker, ticket, message)
    if incident.is_open and not ticket.is_open:
        await tracker.reopen(ticket)
    elif ticket.is_open and not incident.is_open:
        await tracker.close(ticket, incident)
    return ticket


async def _comment(tracker: Tracker, ticket: Ticket, message: Message) -> None:
    """Comment with the entries that the ticket doesn't have yet. Raises: Failed."""
    seen_entry = max(message.seen_entry, ticket.seen_entry)
    if not unseen(message, seen_entry).updates:
        return
    since = min(entry.at for entry in message.timeline if entry.id > seen_entry)
    seen_entry = max(seen_entry, await tracker.newest(ticket, since))
    if unseen(message, seen_entry).updates:
        await tracker.comment(ticket, message, seen_entry)

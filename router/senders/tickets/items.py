"""A ticket for each action item of an incident: opened with it, and closed when it's done.

A ticket that people closed isn't reopened.
"""

import re

from router.model.notification import Message
from router.senders.tickets.tracker import ItemTracker, Ticket

KNOWN = re.compile(r" ([0-9]{1,6}):(\S{1,200})")
"""Part of a `ref`: the number of an item, and the ref of its ticket."""


async def track(tracker: ItemTracker, ticket: Ticket, message: Message) -> str:
    """Bring the tickets of all items up to date. Returns their part of `ref`. Raises: Failed.

    `ticket` is the incident's ticket.
    """
    incident, refs, kept = message.incident, dict(KNOWN.findall(message.ref)), ""
    for item in incident.items:
        ref = refs.get(str(item.number), "")
        found = await tracker.known_item(ref, incident, item) if ref else None
        found = found or await tracker.find_item(incident, item)
        if found is None and item.is_open:
            found = await tracker.open_item(message, item, ticket)
        if found is None:
            continue
        if found.is_open and not item.is_open:
            await tracker.close_item(found)
        kept += f" {item.number}:{found.ref}"
    return kept

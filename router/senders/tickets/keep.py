"""Keep a ticket for an incident: open it once, comment what is new, close and reopen it.

The comment comes first, then the state. So an attempt may stop anywhere, and the next one
continues: before anything is written, the tracker is asked if an earlier attempt wrote it.
"""

from typing import Protocol

from msgspec import Struct

from router.model.incident import Incident
from router.model.notification import Message, Result, Sent
from router.senders.calls import Failed
from router.senders.tickets.text import unseen


class Ticket(Struct, frozen=True):
    """A ticket of a tracker.

    ref: its number or key. seen_entry: the newest timeline entry in its text, 0 if unknown.
    author: the router's user id there; 0 where a comment's mark can't be forged.
    """

    ref: str
    is_open: bool
    seen_entry: int = 0
    author: int = 0


class Tracker(Protocol):
    """The calls of one attempt. All methods raise `Failed`."""

    async def known(self, ref: str, incident: Incident) -> Ticket | None:
        """Return the ticket of this ref, if it still exists and is this incident's."""
        ...

    async def find(self, incident: Incident) -> Ticket | None:
        """Find the incident's ticket when its ref is lost; the oldest of several."""
        ...

    async def open(self, message: Message) -> Ticket: ...

    async def newest(self, ticket: Ticket, since: float) -> int:
        """Return the newest timeline entry in the router's comments since then; 0 for none."""
        ...

    async def comment(self, ticket: Ticket, message: Message, seen_entry: int) -> None:
        """Comment the entries after `seen_entry`."""
        ...

    async def close(self, ticket: Ticket, incident: Incident) -> None: ...

    async def reopen(self, ticket: Ticket) -> None: ...


async def keep(tracker: Tracker, message: Message) -> Result:
    """Bring the incident's ticket up to date. The result's `ref` is the ticket's."""
    try:
        return Sent((await bring_up_to_date(tracker, message)).ref)
    except Failed as failure:
        return failure.result


async def bring_up_to_date(tracker: Tracker, message: Message) -> Ticket:
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
    """Comment the entries that the ticket doesn't have. Raises: Failed."""
    seen_entry = max(message.seen_entry, ticket.seen_entry)
    if not unseen(message, seen_entry).updates:
        return
    since = min(entry.at for entry in message.timeline if entry.id > seen_entry)
    seen_entry = max(seen_entry, await tracker.newest(ticket, since))
    if unseen(message, seen_entry).updates:
        await tracker.comment(ticket, message, seen_entry)

"""Interfaces of ticket services: the calls of one attempt, about incidents and action items."""

from typing import Protocol

from msgspec import Struct

from router.model.incident import Incident
from router.model.notification import Message
from router.model.postmortem import Item


class Ticket(Struct, frozen=True):
    """A ticket in an issue tracker.

    ref: its number or key. seen_entry: the newest timeline entry in its text, 0 if unknown.
    author: the router's user id there; 0 if the mark of a comment can't be forged anyway.
    """

    ref: str
    is_open: bool
    seen_entry: int = 0
    author: int = 0


class Tracker(Protocol):
    """The calls of one attempt. All methods raise `Failed`."""

    async def known(self, ref: str, incident: Incident) -> Ticket | None:
        """Return the ticket with this ref, if it still exists and is about this incident."""
        ...

    async def find(self, incident: Incident) -> Ticket | None:
        """Find the incident's ticket without its ref. Returns the oldest if there are several."""
        ...

    async def open(self, message: Message) -> Ticket: ...

    async def newest(self, ticket: Ticket, since: float) -> int:
        """Return the newest timeline entry that the router commented after `since`; 0 for none."""
        ...

    async def comment(self, ticket: Ticket, message: Message, seen_entry: int) -> None:
        """Add a comment with the timeline entries after `seen_entry`."""
        ...

    async def close(self, ticket: Ticket, incident: Incident) -> None: ...

    async def reopen(self, ticket: Ticket) -> None: ...


class ItemTracker(Protocol):
    """The calls of one attempt about action items. All methods raise `Failed`."""

    async def known_item(self, ref: str, incident: Incident, item: Item) -> Ticket | None:
        """Return the ticket with this ref, if it still exists and is about this item."""
        ...

    async def find_item(self, incident: Incident, item: Item) -> Ticket | None:
        """Find the item's ticket without its ref. Returns the oldest if there are several."""
        ...

    async def open_item(self, message: Message, item: Item, ticket: Ticket) -> Ticket:
        """Open the item's ticket; `ticket` is the incident's."""
        ...

    async def close_item(self, ticket: Ticket) -> None: ...

"""Compares tickets with the incidents that they are about."""

from collections.abc import Callable, Sequence

from router.model.difference import DifferenceKind
from router.ports.reconcile import CompareFailed, Mismatch, Shown
from router.senders.calls import Failed
from router.senders.tickets.tracker import Ticket, Tracker


async def compare_tickets(
    tracker: Callable[[], Tracker], shown: Sequence[Shown]
) -> Sequence[Mismatch]:
    """Tickets that are gone, or whose state isn't their incident's.

    `tracker` creates a tracker for each ticket, since each has only little time. Raises:
    CompareFailed.
    """
    try:
        tickets = [
            await tracker().known(message.ref.partition(" ")[0], message.incident)
            for message in shown
        ]
    except Failed as failure:
        raise CompareFailed(getattr(failure.result, "reason", "no answer")) from None
    found = (compared(message, ticket) for message, ticket in zip(shown, tickets, strict=True))
    return [mismatch for mismatch in found if mismatch]


def compared(shown: Shown, ticket: Ticket | None) -> Mismatch | None:
    """The difference between an incident and its ticket; None if they agree."""
    incident = shown.incident
    if ticket is None:
        return Mismatch(incident.id, DifferenceKind.GONE) if incident.is_open else None
    if incident.is_open == ticket.is_open:
        return None
    kind = DifferenceKind.CLOSED_THERE if incident.is_open else DifferenceKind.OPEN_THERE
    return Mismatch(incident.id, kind)

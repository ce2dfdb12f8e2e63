"""Compares incidents at Statuspage with the router's published updates."""

from collections.abc import Sequence

from router.model.difference import DifferenceKind
from router.model.incident import OPEN
from router.ports.reconcile import CompareFailed, Mismatch, Shown
from router.senders.calls import Failed
from router.senders.statuspage.api import PER_PAGE, Api, Remote


async def compare_incidents(api: Api, shown: Sequence[Shown]) -> Sequence[Mismatch]:
    """Incidents that are gone, or whose state isn't the published state. Raises: CompareFailed.

    A state that a person changed there is only reported: the next update will set it.
    """
    try:
        there = {incident.id: incident for incident in await api.incidents(PER_PAGE)}
        found = [await _compared(api, message, there) for message in shown]
    except Failed as failure:
        raise CompareFailed(getattr(failure.result, "reason", "no answer")) from None
    return [mismatch for mismatch in found if mismatch]


async def _compared(api: Api, shown: Shown, there: dict[str, Remote]) -> Mismatch | None:
    incident = shown.incident
    if incident.public_status is None:
        return None
    is_open = incident.public_status in OPEN
    remote = there.get(shown.ref) or await api.incident(shown.ref)
    if remote is None:
        return Mismatch(incident.id, DifferenceKind.GONE) if is_open else None
    if remote.is_open == is_open:
        return None
    kind = DifferenceKind.CLOSED_THERE if is_open else DifferenceKind.OPEN_THERE
    return Mismatch(incident.id, kind, resend=False)

"""Maintenance at Statuspage: scheduled there, and completed when a person ends or cancels it.

https://developer.statuspage.io/#operation/postPagesPageIdIncidents. Statuspage itself starts and
completes it at the scheduled times, and changes the components' states.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from router.core.communication.notice import clean, paragraphs
from router.model.statuspage import ComponentState, Maintenance
from router.senders.statuspage.api import PER_PAGE, Api, Remote
from router.senders.statuspage.mark import kept, marked, worst

MAX_NAME = 255
MAX_BODY = 25_000

CANCELLED = "This maintenance was cancelled."
ENDED = "This maintenance has ended."


async def mirror(
    api: Api, maintenance: Maintenance, ids: Sequence[str], now: float, *, notify: bool
) -> str:
    """Update the maintenance at Statuspage. Returns its id there; "" for none. Raises: Failed.

    `ids` are the ids of its components there.
    """
    key, updated = f"maintenance.{maintenance.id}", int(maintenance.updated_at * 1000)
    there = await api.incidents(PER_PAGE)
    ours = next((each for each in there if kept(each).incident == key), None)
    over = maintenance.cancelled or maintenance.ends_at <= now
    if ours is None and over:
        return ""
    if ours and (ours.status == "completed" or (not over and kept(ours).seen >= updated)):
        return ours.id
    others = [each for each in there if each.is_open]
    said = _over(maintenance, ids, others) if over else _planned(maintenance, ids, others, now)
    said |= {"deliver_notifications": notify, "metadata": marked(ours, key, updated)}
    return await api.write(ours.id if ours else "", {"incident": said})


def _planned(
    maintenance: Maintenance, ids: Sequence[str], others: Sequence[Remote], now: float
) -> dict[str, Any]:
    begun = maintenance.starts_at <= now
    states = _states(ids, others, ComponentState.MAINTENANCE) if begun else {}
    return {
        "name": clean(maintenance.title)[:MAX_NAME],
        "status": "in_progress" if begun else "scheduled",
        "impact_override": "maintenance",
        "body": ("\n".join(paragraphs(maintenance.text)) or clean(maintenance.title))[:MAX_BODY],
        "scheduled_for": _time(maintenance.starts_at),
        "scheduled_until": _time(maintenance.ends_at),
        "scheduled_auto_in_progress": True,
        "scheduled_auto_completed": True,
        "auto_transition_to_maintenance_state": True,
        "auto_transition_to_operational_state": True,
        "component_ids": list(ids),
        **({"components": states} if states else {}),
    }


def _over(maintenance: Maintenance, ids: Sequence[str], others: Sequence[Remote]) -> dict[str, Any]:
    """The content that completes the maintenance, and restores the components if it had begun."""
    begun = not maintenance.cancelled
    restored = _states(ids, others, ComponentState.OPERATIONAL) if begun else {}
    return {
        "status": "completed",
        "component_ids": list(ids),
        "body": CANCELLED if maintenance.cancelled else ENDED,
        **({"components": restored} if restored else {}),
    }


def _states(
    ids: Sequence[str], others: Sequence[Remote], own: ComponentState
) -> Mapping[str, ComponentState]:
    return {number: worst(number, others, own) for number in ids}


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

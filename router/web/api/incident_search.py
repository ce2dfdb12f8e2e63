"""Find incidents by text, person and more, for the API, the list and the command palette."""

import re
from collections.abc import Sequence

from msgspec import Struct

from router.model.incident import Incident, Severity, Status
from router.ports.store import Store
from router.web.api import content
from router.web.api.content import MAX_PAGE

COUNTED = 10_000
"""Matching incidents that a search counts; beyond, it only looks for those that it shows."""

_PLAIN = re.compile(r"[a-z0-9]+")


class IncidentFilter(Struct, frozen=True, kw_only=True):
    """The filters; an empty one matches every incident.

    `text` has words that must all occur. `person` leads or acknowledged the incident. `drill`:
    only drills, or none.
    """

    statuses: tuple[Status, ...] = ()
    severities: tuple[Severity, ...] = ()
    service: str = ""
    text: str = ""
    person: str = ""
    unacknowledged: bool = False
    drill: bool | None = None

    @property
    def is_indexed(self) -> bool:
        """Report whether the store alone can find them."""
        return self == IncidentFilter(statuses=self.statuses, severities=self.severities)


class Found(Struct, frozen=True):
    """A page of incidents. `total`: those that match, `COUNTED` at most. `next`: see `search`."""

    incidents: Sequence[Incident]
    total: int
    next: int | None


def service_of(incident: Incident) -> str:
    """Return the service that an incident is about; "" if no label or component says it."""
    return incident.labels.get("service", "") or incident.component


def matches(incident: Incident, wanted: IncidentFilter) -> bool:
    """Check all filters but statuses and severities, which the store checks."""
    people = {incident.lead.casefold(), incident.acknowledged_by.casefold()}
    return (
        (not wanted.service or wanted.service == service_of(incident))
        and (not wanted.person or wanted.person.casefold() in people)
        and not (wanted.unacknowledged and incident.acknowledged_at is not None)
        and wanted.drill in {None, incident.drill}
        and _has(incident, wanted.text)
    )


def by_urgency(incident: Incident) -> tuple[str, bool, float, int]:
    """Sort the worst first, then those that nobody has acknowledged, then the newest."""
    answered = incident.acknowledged_at is not None
    return incident.severity.value, answered, -incident.opened_at, -incident.id


async def search(
    store: Store, wanted: IncidentFilter, *, before: int, limit: int, counted: int = COUNTED
) -> Found:
    """Return the newest incidents that match, numbered below `before`.

    It stops at `counted` matches, once the page is full. Raises: StoreUnavailable.
    """
    if wanted.is_indexed:
        return await _indexed(store, wanted, before, limit)
    found: list[Incident] = []
    total = place = 0
    while True:
        some, place = await store.scan_incidents(
            _words(wanted),
            statuses=wanted.statuses,
            severities=wanted.severities,
            before=place,
            limit=MAX_PAGE,
        )
        matching = [incident for incident in some if matches(incident, wanted)]
        total += len(matching)
        found += [incident for incident in matching if not before or incident.id < before]
        if not place or (total >= counted and len(found) > limit):
            break
        if total >= counted and before:
            place = min(place, before)
    following = found[limit - 1].id if len(found) > limit else None
    return Found(found[:limit], min(total, COUNTED), following)


def _words(wanted: IncidentFilter) -> list[str]:
    """Return words that the data of every match has: letters and digits look the same in JSON."""
    given = f"{wanted.text} {wanted.service} {wanted.person}"
    # The store has `142`, not `INC-142`: don't look for "inc".
    return [part for part in _PLAIN.findall(given.lower()) if part not in "inc"]


async def open_incidents(store: Store) -> list[Incident]:
    """Return all open incidents, the most urgent first. Raises: StoreUnavailable."""
    return sorted([incident async for incident in content.open_incidents(store)], key=by_urgency)


async def _indexed(store: Store, wanted: IncidentFilter, before: int, limit: int) -> Found:
    statuses, severities = wanted.statuses, wanted.severities
    incidents = await store.incidents(
        statuses=statuses, severities=severities, before=before, limit=limit + 1
    )
    counts = await store.count_incidents(statuses=statuses, severities=severities)
    shown = incidents[:limit]
    return Found(shown, sum(counts.values()), shown[-1].id if len(incidents) > limit else None)


def _has(incident: Incident, text: str) -> bool:
    words = text.casefold().split()
    if not words:
        return True
    parts = (
        incident.name,
        incident.title,
        incident.key,
        incident.lead,
        incident.component,
        *incident.labels.values(),
        *incident.annotations.values(),
    )
    everything = "\n".join(parts).casefold()
    return all(word in everything for word in words)

"""Find incidents by more than the store's columns: for the API, the list and the palette."""

from collections.abc import AsyncIterator, Sequence

from msgspec import Struct

from router.model.incident import OPEN, Incident, Severity, Status
from router.ports.store import Store
from router.web.api.content import MAX_PAGE

SEARCHED = 20_000
"""The newest incidents that a search looks at."""


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
    """A page of incidents: `total` counts all that match, `next` is the `before` of the next."""

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


def by_urgency(incident: Incident) -> tuple[str, bool, float]:
    """Sort the worst first, then those that nobody has acknowledged, then the newest."""
    return incident.severity.value, incident.acknowledged_at is not None, -incident.opened_at


async def search(store: Store, wanted: IncidentFilter, *, before: int, limit: int) -> Found:
    """Return the newest incidents that match, numbered below `before`. Raises: StoreUnavailable."""
    if wanted.is_indexed:
        return await _indexed(store, wanted, before, limit)
    matching = [one async for one in _each(store, wanted) if matches(one, wanted)]
    rest = [one for one in matching if not before or one.id < before]
    return Found(rest[:limit], len(matching), rest[limit - 1].id if len(rest) > limit else None)


async def open_incidents(store: Store) -> list[Incident]:
    """Return all open incidents, the most urgent first. Raises: StoreUnavailable."""
    every = IncidentFilter(statuses=OPEN)
    return sorted([one async for one in _each(store, every)], key=by_urgency)


async def _indexed(store: Store, wanted: IncidentFilter, before: int, limit: int) -> Found:
    statuses, severities = wanted.statuses, wanted.severities
    incidents = await store.incidents(
        statuses=statuses, severities=severities, before=before, limit=limit + 1
    )
    counts = await store.count_incidents(statuses=statuses, severities=severities)
    shown = incidents[:limit]
    return Found(shown, sum(counts.values()), shown[-1].id if len(incidents) > limit else None)


async def _each(store: Store, wanted: IncidentFilter) -> AsyncIterator[Incident]:
    """Yield incidents with these statuses and severities, newest first."""
    before = seen = 0
    while seen < SEARCHED or wanted.statuses == OPEN:
        some = await store.incidents(
            statuses=wanted.statuses,
            severities=wanted.severities,
            before=before,
            limit=MAX_PAGE,
        )
        for one in some:
            yield one
        if len(some) < MAX_PAGE:
            return
        before, seen = some[-1].id, seen + len(some)


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

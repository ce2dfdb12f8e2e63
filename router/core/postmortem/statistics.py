"""Statistics of incidents over a period: times to acknowledge and resolve, and pages per person.

Drills and false positives don't count. A merged incident is part of another one: only its pages
count. An incident counts in the week in which it opened, in the company's time zone.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from statistics import mean, median
from zoneinfo import ZoneInfo

from msgspec import Struct

from router.model.decision import Entry
from router.model.incident import Incident, Status
from router.model.notification import person_of
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

NIGHT = (22, 7)
"""Hours of the night, from 22:00 to 07:00 in the paged person's time zone."""


class Times(Struct, frozen=True):
    """The number of incidents, and the seconds to acknowledge and resolve them; None without data.

    A single very long incident changes the mean, but hardly the median. Nine of ten incidents took
    at most the 90th percentile (`p90`).
    """

    incidents: int
    acknowledge_mean: float | None
    acknowledge_median: float | None
    resolve_mean: float | None
    resolve_median: float | None
    acknowledge_p90: float | None = None
    resolve_p90: float | None = None


class Pages(Struct, frozen=True):
    """The messages to a person before anybody acknowledged, and how many of them were at night."""

    pages: int
    night: int


class Statistics(Struct, frozen=True):
    """`by_service` groups by the label `service`.

    `by_week` has each week from the first to the last, by its Monday: `2026-11-23`.
    """

    total: Times
    by_severity: dict[str, Times]
    by_rule: dict[str, Times]
    by_service: dict[str, Times]
    by_week: dict[str, Times]
    pages: dict[str, Pages]


class IncidentFacts(Struct, frozen=True):
    """An incident with its timeline entries of the reasons `WANTED`, in order."""

    incident: Incident
    entries: Sequence[Entry]


WAITS = having(Trait.WAITS)
"""Reasons after which an incident waits for an acknowledgement."""

ANSWERED = having(Trait.ANSWERS)
WANTED = (*sorted(WAITS | ANSWERED), Reason.DELIVERED)
"""The timeline entries that the statistics need."""


def statistics(
    stories: Iterable[IncidentFacts], *, zone: str, zones: Mapping[str, str]
) -> Statistics:
    """Count incidents. `zone` is the company's time zone, `zones` those of contacts by name."""
    real = [story for story in stories if _is_real(story.incident)]
    counted = [story for story in real if story.incident.status is not Status.MERGED]
    by_week = _grouped(counted, lambda incident: week(incident.opened_at, zone))
    return Statistics(
        total=_times(counted),
        by_severity=_grouped(counted, lambda incident: incident.severity.value),
        by_rule=_grouped(counted, lambda incident: incident.rule),
        by_service=_grouped(counted, service),
        by_week={name: by_week.get(name, _times(())) for name in _weeks(by_week)},
        pages=_pages(real, zone, zones),
    )


def service(incident: Incident) -> str:
    """Return the label `service`, or else the label `component`; "" without both."""
    return incident.labels.get("service") or incident.component


def week(at: float, zone: str) -> str:
    """Return the Monday of the week."""
    day = datetime.fromtimestamp(at, ZoneInfo(zone)).date()
    return f"{day - timedelta(days=day.weekday())}"


def is_night(at: float, zone: str) -> bool:
    begins, ends = NIGHT
    hour = datetime.fromtimestamp(at, ZoneInfo(zone)).hour
    return hour >= begins or hour < ends


def _is_real(incident: Incident) -> bool:
    return not incident.drill and incident.status is not Status.FALSE_POSITIVE


def _grouped(counted: Sequence[IncidentFacts], key: Callable[[Incident], str]) -> dict[str, Times]:
    groups: defaultdict[str, list[IncidentFacts]] = defaultdict(list)
    for story in counted:
        groups[key(story.incident)].append(story)
    return {name: _times(groups[name]) for name in sorted(groups)}


def _weeks(known: Iterable[str]) -> list[str]:
    """Return all weeks from the first to the last."""
    if not (mondays := sorted(known)):
        return []
    first, last = (datetime.fromisoformat(monday).date() for monday in (mondays[0], mondays[-1]))
    return [f"{first + timedelta(weeks=count)}" for count in range((last - first).days // 7 + 1)]


def _times(counted: Sequence[IncidentFacts]) -> Times:
    answered = [took for story in counted if (took := _acknowledged(story)) is not None]
    ended = [
        incident.closed_at - incident.opened_at
        for story in counted
        if (incident := story.incident).closed_at is not None
    ]
    return Times(
        incidents=len(counted),
        acknowledge_mean=mean(answered) if answered else None,
        acknowledge_median=median(answered) if answered else None,
        resolve_mean=mean(ended) if ended else None,
        resolve_median=median(ended) if ended else None,
        acknowledge_p90=p90(answered),
        resolve_p90=p90(ended),
    )


def p90(values: Iterable[float]) -> float | None:
    """Return the 90th percentile, which is one of the values; None without values."""
    ordered = sorted(values)
    return ordered[ceil(0.9 * len(ordered)) - 1] if ordered else None


def _acknowledged(story: IncidentFacts) -> float | None:
    """Return the seconds to the first acknowledgement. Later ones answer later pages."""
    times = [
        entry.at - story.incident.opened_at
        for entry in story.entries
        if entry.what is Reason.ACKNOWLEDGED
    ]
    return min(times, default=None)


def _pages(real: Iterable[IncidentFacts], zone: str, zones: Mapping[str, str]) -> dict[str, Pages]:
    pages: Counter[str] = Counter()
    night: Counter[str] = Counter()
    for story in real:
        for at, person in _paged(story.entries):
            pages[person] += 1
            night[person] += is_night(at, zones.get(person, zone))
    return {person: Pages(pages[person], night[person]) for person in sorted(pages)}


def _paged(entries: Iterable[Entry]) -> Iterator[tuple[float, str]]:
    """Yield time and person of each page. Messages after an acknowledgement are not pages."""
    waits = True
    for entry in entries:
        if entry.what in WAITS or entry.what in ANSWERED:
            waits = entry.what in WAITS
        elif entry.data.get("stakeholder"):
            continue  # informed, not paged
        elif waits and (person := person_of(str(entry.data.get("channel", "")))):
            yield entry.at, person

"""The difference between a replay and the past: incidents, severities, and pages by person."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from router.core.replay.history import History, Page, pages
from router.core.replay.replay import Replay
from router.model.decision import Entry
from router.model.incident import Incident, Severity
from router.model.notification import person_of


class Regrouped(Struct, frozen=True):
    """Alerts that belonged to the incidents `then` belong to the incidents `now` in the replay."""

    then: tuple[Incident, ...]
    now: tuple[Incident, ...]


class Count(Struct, frozen=True):
    """Messages to one recipient, in the past and in the replay: `more` new, `fewer` missing."""

    then: int
    now: int
    more: int
    fewer: int


class Lost(Struct, frozen=True):
    """A person receives fewer messages about a past incident.

    `acted`: in the past, somebody acted on the incident.
    """

    who: str
    incident: Incident
    times: int
    acted: bool


class ReplayDiff(Struct, frozen=True):
    """`people` and `channels` are by name.

    An incident is in one list only, except for `severity`.
    """

    events: int
    appeared: tuple[Incident, ...]
    vanished: tuple[Incident, ...]
    merged: tuple[Regrouped, ...]
    split: tuple[Regrouped, ...]
    severity: tuple[tuple[Incident, Incident], ...]
    people: Mapping[str, Count]
    channels: Mapping[str, Count]
    lost: tuple[Lost, ...]

    @property
    def more(self) -> int:
        """The number of new pages, which are messages to people."""
        return sum(count.more for count in self.people.values())

    @property
    def fewer(self) -> int:
        return sum(count.fewer for count in self.people.values())

    def missed(self, severity: Severity) -> int:
        """Missing pages about an incident that somebody acted on."""
        return sum(
            lost.times for lost in self.lost if lost.acted and lost.incident.severity is severity
        )

    def __bool__(self) -> bool:
        incidents = self.appeared or self.vanished or self.merged or self.split or self.severity
        counts = (*self.people.values(), *self.channels.values())
        return bool(incidents) or any(count.more or count.fewer for count in counts)


def difference(past: History, replay: Replay, since: float) -> ReplayDiff:
    """Compare the past with its replay, from `since` (UTC epoch seconds) on."""
    then = {incident.id: incident for incident in past.incidents if _is_in(incident, past, since)}
    now = {
        incident.id: incident
        for incident in replay.memory.incidents.values()
        if incident.opened_at >= since
    }
    groups = [*replay.links.groups(then, now)]
    replayed = [
        Page(delivery.at, delivery.incident.id, delivery.address) for delivery in replay.delivered
    ]
    before, after = _by_incident(pages(past.entries), since), _by_incident(replayed, since)
    pairs = [
        Regrouped(tuple(then[i] for i in old if i in then), tuple(now[i] for i in new if i in now))
        for old, new in groups
    ]
    tallies = [(_tally(before, old), _tally(after, new)) for old, new in groups]
    return ReplayDiff(
        events=sum(event.at >= since for event in past.events),
        appeared=tuple(incident for pair in pairs if not pair.then for incident in pair.now),
        vanished=tuple(incident for pair in pairs if not pair.now for incident in pair.then),
        merged=tuple(pair for pair in pairs if 0 < len(pair.now) < len(pair.then)),
        split=tuple(pair for pair in pairs if 0 < len(pair.then) < len(pair.now)),
        severity=tuple(
            (pair.then[0], pair.now[0])
            for pair in pairs
            if len(pair.then) == len(pair.now) == 1
            and pair.then[0].severity is not pair.now[0].severity
        ),
        people=_counts(tallies, people=True),
        channels=_counts(tallies, people=False),
        lost=tuple(_lost(pairs, tallies, acted_on(past.entries))),
    )


def acted_on(entries: Iterable[Entry]) -> set[int]:
    """The incidents that a person acted on."""
    return {
        entry.incident_id for entry in entries if entry.by and not entry.by.startswith("source:")
    }


def _is_in(incident: Incident, past: History, since: float) -> bool:
    """Check if the incident's opening is recorded. The replay can't know older incidents."""
    return (
        incident.opened_at >= since
        and bool(past.events)
        and incident.opened_at >= past.events[0].at
    )


def _by_incident(paged: Iterable[Page], since: float) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = {}
    for page in paged:
        if page.at >= since:
            found.setdefault(page.incident_id, Counter())[page.address] += 1
    return found


def _tally(counts: Mapping[int, Counter[str]], incidents: Iterable[int]) -> Counter[str]:
    total: Counter[str] = Counter()
    for number in incidents:
        total.update(counts.get(number, {}))
    return total


Tallies = Sequence[tuple[Counter[str], Counter[str]]]


def _counts(tallies: Tallies, *, people: bool) -> dict[str, Count]:
    """Counts by person, over all contact methods, or by channel."""
    sums: dict[str, list[int]] = {}
    for then, now in tallies:
        for address in then.keys() | now.keys():
            if bool(person_of(address)) is people:
                old, new = then[address], now[address]
                row = sums.setdefault(person_of(address) or address, [0, 0, 0, 0])
                for position, value in enumerate((old, new, max(0, new - old), max(0, old - new))):
                    row[position] += value
    return {who: Count(*row) for who, row in sorted(sums.items())}


def _lost(pairs: Sequence[Regrouped], tallies: Tallies, acted: set[int]) -> Iterable[Lost]:
    for pair, (then, now) in zip(pairs, tallies, strict=True):
        worst = min(pair.then, key=lambda incident: incident.severity, default=None)
        if worst is None:
            continue
        missed: Counter[str] = Counter()
        for address, times in (then - now).items():
            missed[person_of(address)] += times
        for who in sorted(filter(None, missed)):
            yield Lost(who, worst, missed[who], any(incident.id in acted for incident in pair.then))

"""The public view of one incident: only what was published."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from router.core.text.plain import plain
from router.model.decision import Entry
from router.model.incident import OPEN, Incident, Severity, Status
from router.model.statuspage import ComponentState, Published

IMPACT = {
    Severity.P0: ComponentState.MAJOR,
    Severity.P1: ComponentState.PARTIAL,
    Severity.P2: ComponentState.DEGRADED,
    Severity.P3: ComponentState.OPERATIONAL,
}
"""Effect of a severity on customers. By definition, customers don't notice a P3."""

INDICATORS = {
    ComponentState.OPERATIONAL: "none",
    ComponentState.MAINTENANCE: "maintenance",
    ComponentState.DEGRADED: "minor",
    ComponentState.PARTIAL: "major",
    ComponentState.MAJOR: "critical",
}
"""Statuspage's name for each impact."""

UNTITLED = "Service disruption"
"""The title of an incident that was published without one; its own title is internal."""

_SHOWN = {status.value: status for status in (*OPEN, Status.RESOLVED)} | {
    Status.FALSE_POSITIVE.value: Status.RESOLVED
}
"""The published statuses as they are shown. A false positive is shown as resolved."""

_NO_CHARACTERS = {0xFFFE: None, 0xFFFF: None}
"""Characters that XML does not allow."""


class Update(Struct, frozen=True):
    """One published update. `paragraphs` are plain text on single lines."""

    id: int
    at: float
    status: Status
    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.paragraphs)


class Span(Struct, frozen=True):
    """A time from `start` to `end` (UTC seconds); `end` is None while it lasts."""

    start: float
    end: float | None


class Notice(Struct, frozen=True):
    """An incident as the public sees it. `updates` are newest first; `spans` are its open times."""

    id: int
    title: str
    status: Status
    impact: ComponentState
    components: tuple[str, ...]
    started_at: float
    updates: tuple[Update, ...]
    spans: tuple[Span, ...]

    @property
    def is_open(self) -> bool:
        return self.status is not Status.RESOLVED

    @property
    def published_at(self) -> float:
        return self.updates[-1].at

    @property
    def updated_at(self) -> float:
        return self.updates[0].at

    def reached(self, status: Status) -> float | None:
        """Return when `status` was last published; None if it wasn't, or is no longer reached."""
        if status is Status.RESOLVED and self.is_open:
            return None
        return next((update.at for update in self.updates if update.status is status), None)


def clean(text: str) -> str:
    """Return `text` on one line, with characters that every format allows."""
    return plain(text).translate(_NO_CHARACTERS)


def paragraphs(text: str) -> tuple[str, ...]:
    """Return the lines of `text` that are not blank, cleaned."""
    return tuple(line for written in text.splitlines() if (line := clean(written)))


def notice(published: Published) -> Notice | None:
    """Return the public view; None if nothing is public. A drill never is."""
    incident, entries = published.incident, published.entries
    if incident.drill or not entries:
        return None
    ordered = sorted(entries, key=lambda entry: (entry.at, entry.id))
    updates = tuple(_update(entry) for entry in ordered)
    named = [clean(str(entry.data.get("title") or "")) for entry in reversed(ordered)]
    spans = tuple(_spans(incident, updates))
    return Notice(
        id=incident.id,
        title=next(filter(None, named), "") or UNTITLED,
        status=updates[-1].status,
        impact=ComponentState.OPERATIONAL if _withdrawn(ordered[-1]) else IMPACT[incident.severity],
        components=tuple(
            dict.fromkeys(str(name) for entry in ordered if (name := entry.data.get("component")))
        ),
        started_at=spans[0].start,
        updates=updates[::-1],
        spans=spans,
    )


def _update(entry: Entry) -> Update:
    status = _SHOWN.get(str(entry.data.get("status")), Status.INVESTIGATING)
    return Update(entry.id, entry.at, status, paragraphs(str(entry.data.get("text") or "")))


def _withdrawn(last: Entry) -> bool:
    """Check if the last update reports a false positive, which doesn't count as downtime."""
    return last.data.get("status") == Status.FALSE_POSITIVE


def _spans(incident: Incident, updates: Sequence[Update]) -> Iterator[Span]:
    """Yield the open times. The first starts with the incident, not with its first update."""
    begun: float | None = min(incident.opened_at, updates[0].at)
    for update in updates:
        if update.status is not Status.RESOLVED:
            begun = update.at if begun is None else begun
        elif begun is not None:
            yield Span(begun, update.at)
            begun = None
    if begun is not None:
        yield Span(begun, None)

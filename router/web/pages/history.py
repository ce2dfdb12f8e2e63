"""The timeline of an incident for readers: newest first, with deliveries folded."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Literal

from msgspec import Struct

from router.core.oncall.recipients import People
from router.model.decision import Entry
from router.model.incident import LEAD, Incident
from router.model.notification import person_of
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

DELIVERIES = having(Trait.ATTEMPT)
FAILED = having(Trait.FAILED)
ALERTS = having(Trait.ALERT_ENTERS) | {Reason.CLEARED}

Kind = Literal["person", "alert", "delivery", "router"]


class Group(Struct, frozen=True):
    """Entries of one kind in a row, newest first. Only deliveries and alerts are grouped."""

    kind: Kind
    entries: list[Entry]

    @property
    def failed(self) -> int:
        """Count the deliveries that failed."""
        return sum(entry.what in FAILED for entry in self.entries)


def kind_of(entry: Entry) -> Kind:
    """Return the originator of an entry: a person, an alert, a delivery or the router itself."""
    if entry.what in DELIVERIES:
        return "delivery"
    if entry.by.startswith("source:"):
        return "alert"
    return "person" if entry.by else "router"


def grouped(timeline: Sequence[Entry]) -> list[Group]:
    """Return the timeline as groups, newest first."""
    return [*_groups(reversed(timeline))]


def responders(
    incident: Incident, timeline: Sequence[Entry], people: People
) -> list[tuple[str, str]]:
    """Return the people around an incident, each with what they do: the lead first.

    A contact is listed once, under whichever name.
    """
    found: dict[str, list[str]] = {}
    names: dict[str, str] = {}

    def say(name: str, role: str) -> None:
        shown = names.setdefault(people.find(name) or name, name)
        roles = found.setdefault(shown, []) if name else []
        if role not in roles and not (role == "took part" and roles):
            roles.append(role)

    for role, person in incident.assigned.items():
        say(person, "leads" if role == LEAD else role)
    say(incident.acknowledged_by, "acknowledged")
    for entry in timeline:
        if kind_of(entry) == "person":
            say(entry.by, "took part")
    for address in incident.notified:
        say(person_of(address), "notified")
    return [(name, ", ".join(roles)) for name, roles in found.items()]


def _groups(entries: Iterable[Entry]) -> Iterator[Group]:
    for kind, some in groupby(entries, key=kind_of):
        if kind in {"delivery", "alert"}:
            yield Group(kind, [*some])
        else:
            yield from (Group(kind, [entry]) for entry in some)

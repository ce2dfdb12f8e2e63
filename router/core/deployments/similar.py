"""Find similar past incidents and the notes about their fixes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from router.model.decision import Entry
from router.model.incident import Incident
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

MOST = 5
LEAST = 0.4
"""The lowest score that is shown."""

_SAME_RULE = 0.4
_SAME_COMPONENT = 0.1
_CLOSED = having(Trait.ENDS_BY_PERSON)


Same = Literal["key", "rule", "labels"]


@dataclass(frozen=True, slots=True)
class Similar:
    """A past incident and its similarity: a score from 0 to 1, where 1 is the same key.

    `same` is the strongest match, `labels` are the names of the equal labels.
    """

    incident: Incident
    score: float
    same: Same
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fix:
    """The note of the person who closed the incident, or else the last note."""

    text: str
    by: str
    at: float


def similar(incident: Incident, others: Iterable[Incident]) -> list[Similar]:
    """Return earlier closed incidents that are similar, without drills: the most similar first."""
    past = (
        other
        for other in others
        if other.id < incident.id and not other.is_open and not other.drill
    )
    found = [mismatch for other in past if (mismatch := _compared(incident, other)).score >= LEAST]
    return sorted(
        found, key=lambda match: (-match.score, -match.incident.opened_at, -match.incident.id)
    )[:MOST]


def what_fixed(timeline: Sequence[Entry]) -> Fix | None:
    """Return the fix from a whole timeline, oldest entry first; None without a note."""
    written = [(entry, str(entry.data["text"])) for entry in timeline if entry.data.get("text")]
    closing = [(entry, text) for entry, text in written if entry.what in _CLOSED]
    notes = [(entry, text) for entry, text in written if entry.what is Reason.NOTED]
    for entry, text in (closing or notes)[-1:]:
        return Fix(text, entry.by, entry.at)
    return None


def _compared(incident: Incident, other: Incident) -> Similar:
    labels = tuple(
        sorted(name for name, value in incident.labels.items() if other.labels.get(name) == value)
    )
    if incident.key == other.key:
        return Similar(other, 1.0, "key", labels)
    names = incident.labels.keys() | other.labels.keys()
    alike = len(labels) / len(names) if names else 0.0
    rest = 1 - _SAME_RULE - _SAME_COMPONENT
    same_rule = (
        incident.rule == other.rule and incident.rule != "default"
    )  # the default rule doesn't identify the problem
    score = (
        rest * alike
        + _SAME_RULE * same_rule
        + _SAME_COMPONENT * bool(incident.component == other.component != "")
    )
    return Similar(other, round(score, 3), "rule" if same_rule else "labels", labels)

"""The durations of an incident: to detect, acknowledge, mitigate and resolve it."""

from collections.abc import Iterable
from dataclasses import dataclass

from router.model.decision import Entry
from router.model.incident import Incident, Status
from router.model.reason import Reason


@dataclass(frozen=True, slots=True)
class Durations:
    """Durations in seconds: `detect` from the onset to the opening, the others from the opening.

    None if the event did not happen.

    """

    detect: float
    acknowledge: float | None
    mitigate: float | None
    resolve: float | None


def durations(incident: Incident, timeline: Iterable[Entry]) -> Durations:
    """Return the durations, by the first acknowledgement and the first status `monitoring`."""
    answered: float | None = None
    mitigated: float | None = None
    for entry in timeline:
        since = entry.at - incident.opened_at
        if entry.what is Reason.ACKNOWLEDGED and answered is None:
            answered = since
        if (
            entry.what is Reason.STATUS_SET
            and entry.data.get("status") == Status.MONITORING
            and mitigated is None
        ):
            mitigated = since
    closed = None if incident.closed_at is None else incident.closed_at - incident.opened_at
    onset = incident.onset or incident.opened_at
    return Durations(max(0.0, incident.opened_at - onset), answered, mitigated, closed)


def in_words(seconds: float) -> str:
    """Return a duration as the plan writes it: `1 hour 5 minutes`."""
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "hour"), (minutes, "minute")]
    words = [f"{count} {unit}{'s' * (count != 1)}" for count, unit in parts if count]
    return " ".join(words) or "under a minute"

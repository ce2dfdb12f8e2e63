"""Suppression: the current mute of an alert, and the time of its next check.

A muted alert has no incident, so its deadline isn't stored with one, and is named after the alert:
`recheck/FINGERPRINT RULE`. When it's due, the alert is evaluated as if it had been reported again.
So it opens its incident when nothing mutes it any more, even if its source doesn't repeat it.
"""

from collections.abc import Iterable

from msgspec import Struct

from router.core.incident.settings import Settings
from router.core.suppression.inhibition import inhibitor
from router.model.decision import Timer
from router.model.event import TimerDue
from router.model.incident import Incident
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

SUPPRESSED = having(Trait.MUTES)

NO_INCIDENT = 0
"""The incident id of a deadline without an incident."""

RECHECK = "recheck/"

INHIBITED_FOR = 300.0
"""Seconds after which an inhibited alert is checked again, unless the inhibition ends earlier."""

HELD_FOR = 60.0
"""Seconds after which the delayed pages of an open incident are checked again."""


class Suppression(Struct, frozen=True):
    """A mute: `by` names the silence or the incident; `until` is the next check (UTC seconds)."""

    reason: Reason
    by: str
    until: float


def suppression(
    settings: Settings, labels: dict[str, str], at: float, incidents: Iterable[Incident]
) -> Suppression | None:
    """The silence or inhibition that mutes these labels, given the open `incidents`."""
    if silenced := silencing(settings, labels, at):
        return silenced
    if incident := inhibitor(settings.mutes.targeting(labels), labels, incidents):
        return inhibiting(incident, at)
    return None


def silencing(settings: Settings, labels: dict[str, str], at: float) -> Suppression | None:
    """The silence that mutes an alert with these labels."""
    if muted := settings.mutes.silence(labels, at):
        silence, until = muted
        return Suppression(Reason.SILENCED, silence.name, until)
    return None


def inhibiting(incident: Incident, at: float) -> Suppression:
    return Suppression(Reason.INHIBITED, incident.name, at + INHIBITED_FOR)


def may_be_inhibited(settings: Settings, labels: dict[str, str]) -> bool:
    """Check if an open incident could mute an alert with these labels."""
    return bool(settings.mutes.targeting(labels))


def recheck(fingerprint: str, rule: str, due_at: float) -> Timer:
    """The deadline for checking the rule's match of the alert again."""
    return Timer(NO_INCIDENT, f"{RECHECK}{fingerprint} {rule}", due_at)


def rechecked(due: TimerDue) -> tuple[str, str]:
    """The fingerprint and the rule of a due recheck; empty for any other deadline."""
    if not due.name.startswith(RECHECK):
        return "", ""
    fingerprint, _, rule = due.name.removeprefix(RECHECK).partition(" ")
    return fingerprint, rule

"""Suppression: what mutes an alert now, and when to look at the alert again.

A muted alert has no incident that could have a deadline. So its deadline belongs to no incident,
and is named after the alert: `recheck/FINGERPRINT RULE`. When it's due the alert is looked at as if
it had come again, and opens its incident if nothing mutes it any more, whether or not its source
repeats it.
"""

from collections.abc import Iterable

from msgspec import Struct

from router.core.incident.settings import Settings
from router.core.suppression.inhibition import inhibitor
from router.model.decision import Timer
from router.model.event import Event, TimerDue
from router.model.incident import Incident
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

SUPPRESSED = having(Trait.MUTES)

NO_INCIDENT = 0
"""The incident of a deadline that belongs to none."""

RECHECK = "recheck/"

INHIBITED_FOR = 300.0
"""Seconds after which an inhibited alert is looked at again, if the cause hasn't ended by then."""

HELD_FOR = 60.0
"""Seconds after which the put-off pages of an open incident are looked at again."""


class Suppression(Struct, frozen=True):
    """Silenced or inhibited; `by` names the silence or the incident; `until` is when to look again
    (UTC seconds).
    """

    reason: Reason
    by: str
    until: float


def suppression(
    settings: Settings, labels: dict[str, str], at: float, incidents: Iterable[Incident]
) -> Suppression | None:
    """The silence or inhibition that mutes an alert with these labels, given the open `incidents`."""
    if silenced := silencing(settings, labels, at):
        return silenced
    if incident := inhibitor(settings.mutes.targeting(labels), labels, incidents):
        return inhibiting(incident, at)
    return None


def silencing(settings: Settings, labels: dict[str, str], at: float) -> Suppression | None:
    """The silence that mutes an alert with these labels."""
    if found := settings.mutes.silence(labels, at):
        silence, until = found
        return Suppression(Reason.SILENCED, silence.name, until)
    return None


def inhibiting(incident: Incident, at: float) -> Suppression:
    return Suppression(Reason.INHIBITED, incident.name, at + INHIBITED_FOR)


def may_be_inhibited(settings: Settings, labels: dict[str, str]) -> bool:
    """An open incident could mute an alert with these labels."""
    return bool(settings.mutes.targeting(labels))


def recheck(fingerprint: str, rule: str, due_at: float) -> Timer:
    """The deadline by which the rule's match of the alert is looked at again."""
    return Timer(NO_INCIDENT, f"{RECHECK}{fingerprint} {rule}", due_at)


def rechecked(event: Event) -> tuple[str, str]:
    """The fingerprint and the rule of such a deadline that is due; empty for any other event."""
    if not isinstance(event, TimerDue) or not event.name.startswith(RECHECK):
        return "", ""
    fingerprint, _, rule = event.name.removeprefix(RECHECK).partition(" ")
    return fingerprint, rule

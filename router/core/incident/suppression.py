"""What keeps an alert quiet just now, and when to look at it again.

An alert that is kept quiet has no incident that could have a deadline. So its deadline is of no
incident, and named
after it: `recheck/FINGERPRINT RULE`. When that's due the alert is looked at as if it had come
again, and opens its incident if nothing keeps it quiet any more; that depends on no source to
repeat it.
"""

from collections.abc import Iterable

from msgspec import Struct

from router.core.incident.settings import Settings
from router.core.rules.matcher import takes
from router.core.suppression.inhibition import inhibitor
from router.model.decision import Timer
from router.model.event import Event, TimerDue
from router.model.incident import Incident
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

SUPPRESSED = having(Trait.MUTES)

NO_INCIDENT = 0
"""The incident of a deadline that is of none."""

RECHECK = "recheck/"

INHIBITED_FOR = 300.0
"""After how many seconds an inhibited alert is looked at again, if what inhibits it hasn't ended by
then.
"""

HELD_FOR = 60.0
"""After how many seconds the pages of an open incident that are held back are looked at again."""


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
    """What keeps an alert with these labels quiet, while `incidents` are those that may inhibit it."""
    for silence in settings.silences:
        if (until := silence.until(labels, at)) is not None:
            return Suppression(Reason.SILENCED, silence.name, until)
    if incident := inhibitor(settings.inhibitions, labels, incidents):
        return Suppression(Reason.INHIBITED, incident.name, at + INHIBITED_FOR)
    return None


def may_be_inhibited(settings: Settings, labels: dict[str, str]) -> bool:
    """Does it depend on the open incidents whether an alert with these labels is kept quiet?"""
    return any(takes(inhibition.target, labels) for inhibition in settings.inhibitions)


def recheck(fingerprint: str, rule: str, due_at: float) -> Timer:
    """The deadline by which what the rule made of the alert is looked at again."""
    return Timer(NO_INCIDENT, f"{RECHECK}{fingerprint} {rule}", due_at)


def rechecked(event: Event) -> tuple[str, str]:
    """The fingerprint and the rule of such a deadline that has come; empty if the event is another."""
    if not isinstance(event, TimerDue) or not event.name.startswith(RECHECK):
        return "", ""
    fingerprint, _, rule = event.name.removeprefix(RECHECK).partition(" ")
    return fingerprint, rule

"""Relations of two incidents: one is merged into the other, or both are linked.

A merged incident is closed, and its alerts hold the other one open. A drill and a real incident are
never related.
"""

from msgspec import Struct

from router.core.incident import flapping
from router.core.incident.escalation import edited
from router.core.incident.settings import Settings
from router.core.incident.transaction import Decision
from router.core.incident.transitions import RESOLVE, close, later, set_severity
from router.model.event import Commanded
from router.model.incident import Incident, Status
from router.model.reason import Reason


class Related(Struct, frozen=True):
    """A command that involves a second incident, `other`; None if there is no such incident.

    For the command to reopen, `other` is the open incident with the same key.
    """

    command: Commanded
    other: Incident | None


class Absorbed(Struct, frozen=True):
    """Another incident was merged into this one, or linked with it, by `command`."""

    command: Commanded
    other: Incident


def merged(incident: Incident, event: Commanded, other: Incident, settings: Settings) -> Decision:
    """Close the incident: `other` takes over its alerts."""
    decision = Decision(
        Reason.MERGED, later(incident, event.at, merged_into=other.id, news_at=event.at)
    )
    close(
        decision, event.at, Status.MERGED, settings, by=event.by, into=other.name, text=event.text
    )
    decision.change(firing=0)
    return decision


def absorbed(incident: Incident, event: Absorbed, settings: Settings) -> Decision:
    """Note a merge or a link on the other incident."""
    command, other = event.command, event.other
    if other.merged_into != incident.id:
        return linked(incident, command, other, settings)
    at = command.at
    joined = later(
        incident,
        at,
        firing=incident.firing + other.firing,
        alerts=incident.alerts + other.alerts,
        quiet_since=None if other.firing else incident.quiet_since,
    )
    decision = Decision(Reason.ABSORBED, joined)
    decision.note(at, Reason.ABSORBED, command.by, merged=other.name, title=other.title)
    decision.queue(at, Reason.ABSORBED, edited(incident, settings))
    if other.firing and incident.quiet_since is not None:
        decision.timers_cleared.append(RESOLVE)
        flapping.watch(decision, settings)
    if other.severity.worse_than(incident.severity):
        decision.reason = Reason.SEVERITY_RAISED
        set_severity(decision, other.severity, at, settings, by=command.by)
        decision.reason = Reason.ABSORBED
    return decision


def linked(incident: Incident, event: Commanded, other: Incident, settings: Settings) -> Decision:
    """Note that the two are linked."""
    decision = Decision(
        Reason.LINKED, later(incident, event.at, related=(*incident.related, other.id))
    )
    decision.note(
        event.at, Reason.LINKED, event.by, other=other.name, title=other.title, text=event.text
    )
    decision.queue(event.at, Reason.LINKED, edited(incident, settings))
    return decision


def not_mergeable(incident: Incident, other: Incident) -> str:
    """The reason why the incident can't be merged into the other; "" if it can."""
    if not other.is_open:
        return f"{other.name} is closed"
    return unrelated(incident, other)


def unrelated(incident: Incident, other: Incident) -> str:
    """The reason why the two can't be related; "" if they can."""
    if incident.id == other.id:
        return "it's the same incident"
    return "a drill and a real incident can't be related" if incident.drill != other.drill else ""

"""Replies to people's commands: one plain sentence about the decision."""

from collections.abc import Callable, Mapping

from router.core.messages.timeline import fill
from router.model.event import Command
from router.model.incident import Incident, Status
from router.model.reason import Reason
from router.model.reasons import row


def reply(reason: Reason | None, command: Command | None, incident: Incident) -> str:
    """The outcome of `command`: the reason's reply, or else the state of the incident."""
    if reason is Reason.ALREADY_CLOSED:
        return _already_closed(incident)
    if reason is Reason.ALREADY_DONE and command in _DONE_ALREADY:
        return _DONE_ALREADY[command](incident)
    reply = row(reason).reply if reason else ""
    return fill(reply, _known(incident)) if reply else current_state(incident)


def current_state(incident: Incident) -> str:
    """The state of the incident."""
    if incident.status is Status.FALSE_POSITIVE:
        return f"{incident.name} was marked as a false positive{_by(incident.closed_by)}."
    if incident.status is Status.MERGED:
        return f"{incident.name} is part of INC-{incident.merged_into} now."
    if not incident.is_open:
        return f"{incident.name} was resolved{_by(incident.closed_by)}."
    if incident.acknowledged_at is not None:
        return f"{incident.name} is acknowledged{_by(incident.acknowledged_by)}."
    return f"{incident.name} is open, and nobody has acknowledged it."


def _known(incident: Incident) -> dict[str, str]:
    known = {
        "name": incident.name,
        "severity": incident.severity.value,
        "status": incident.status.value,
        "lead": incident.lead,
        "roles": _roles(incident),
        "public_title": incident.public_title,
        "acknowledged_by": incident.acknowledged_by,
        "state": current_state(incident),
        "escalated_by": incident.escalated_by,
        "into": f"INC-{incident.merged_into}" if incident.merged_into else "",
        "linked": f"INC-{incident.related[-1]}" if incident.related else "",
    }
    return {name: text for name, text in known.items() if text}


def _already_closed(incident: Incident) -> str:
    if incident.status is Status.FALSE_POSITIVE:
        return f"{incident.name} is already marked as a false positive{_by(incident.closed_by)}."
    if incident.status is Status.MERGED:
        return current_state(incident)
    # A reopening clears who closed it.
    return f"{incident.name} is already resolved{_by(incident.closed_by)}."


def _roles(incident: Incident) -> str:
    return ", ".join(f"{role} {person}" for role, person in incident.assigned.items())


def _by(name: str) -> str:
    return f" by {name}" if name else ""


_DONE_ALREADY: Mapping[Command | None, Callable[[Incident], str]] = {
    Command.UNACKNOWLEDGE: lambda incident: f"Nobody has acknowledged {incident.name}.",
    Command.SNOOZE: lambda incident: f"{incident.name} is already snoozed until then.",
    Command.REOPEN: lambda incident: f"{incident.name} is already open.",
    Command.LINK: lambda incident: f"{incident.name} is already linked with that incident.",
    Command.ESCALATE: lambda incident: (
        f"{incident.name} has reached the last step of its policy: there is nobody else to notify."
    ),
    Command.ASSIGN: lambda incident: f"Already assigned in {incident.name}: {_roles(incident)}.",
    Command.SEVERITY: lambda incident: f"{incident.name} is already {incident.severity}.",
    Command.STATUS: lambda incident: f"{incident.name} is already {incident.status}.",
    Command.PUBLISH: lambda incident: (
        f"The latest public update of {incident.name} already says this. Nothing was published."
    ),
    Command.ANNOUNCE: lambda incident: (
        f"Customers were already mailed about {incident.name}. They aren't mailed twice."
    ),
}
"""Replies to a command without an effect because the incident is already in that state."""

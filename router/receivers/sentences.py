"""What a person is told of what they asked: what was decided, and never more than that."""

from collections.abc import Callable, Mapping

from router.core.render import plain
from router.model.event import Command
from router.model.incident import Incident, Status
from router.model.reason import Reason
from router.ports import Handled


def sentence(handled: Handled) -> str:
    """One sentence, in plain text."""
    if handled.asked.incident_id is None:
        return _which(handled)
    incident, number = handled.incident, f"INC-{handled.asked.incident_id}"
    if incident is None or handled.reason is Reason.UNKNOWN_INCIDENT:
        return f"There's no {number}."
    if handled.reason is Reason.ALREADY_DONE and handled.asked.command is Command.ESCALATE:
        return f"{number} has reached its last step already: there's nobody further to tell."
    return _SENTENCES.get(handled.reason, standing)(incident)


def _which(handled: Handled) -> str:
    if not handled.open:
        return "No incident is open."
    shown = ", ".join(f"{one.name} ({one.severity}, {plain(one.title)})" for one in handled.open)
    return f"Say which: open are {shown}." if handled.asked.command else f"Open are {shown}."


def standing(incident: Incident) -> str:
    """How the incident is now."""
    if incident.status is Status.FALSE_POSITIVE:
        return f"{incident.name} was marked as a false positive{_by(incident.closed_by)}."
    if not incident.is_open:
        return f"{incident.name} was resolved{_by(incident.closed_by)}."
    if incident.acknowledged_at is not None:
        return f"{incident.name} is acknowledged{_by(incident.acknowledged_by)}."
    return f"{incident.name} is open, and nobody has acknowledged it."


def _already_done(incident: Incident) -> str:
    return f"{incident.name} is already acknowledged{_by(incident.acknowledged_by)}."


def _already_closed(incident: Incident) -> str:
    if incident.status is Status.FALSE_POSITIVE:
        return f"{incident.name} is marked as a false positive{_by(incident.closed_by)} already."
    # Who closed it isn't known any more if it has been reopened since.
    return f"{incident.name} is resolved{_by(incident.closed_by)} already."


def _by(name: str) -> str:
    return f" by {name}" if name else ""


_SENTENCES: Mapping[Reason | None, Callable[[Incident], str]] = {
    Reason.ACKNOWLEDGED: lambda incident: f"Acknowledged {incident.name}.",
    Reason.ESCALATED: lambda incident: f"Escalated {incident.name}: the next in line are told.",
    Reason.RESOLVED_BY_PERSON: lambda incident: f"Resolved {incident.name}.",
    Reason.FALSE_POSITIVE: lambda incident: f"Marked {incident.name} as a false positive.",
    Reason.NOTED: lambda incident: f"Noted on {incident.name}.",
    Reason.ALREADY_DONE: _already_done,
    Reason.ALREADY_CLOSED: _already_closed,
    Reason.COMMAND_OUTDATED: lambda incident: f"{incident.name} was reopened since: nothing done.",
}
"""Anything else, such as a message that came twice, gets `standing`."""

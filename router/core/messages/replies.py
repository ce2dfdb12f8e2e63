"""What a person is told of what they asked: what was decided, and never more than that.

One sentence, in plain text.
"""

from collections.abc import Callable, Mapping

from router.model.event import Command
from router.model.incident import Incident, Status
from router.model.reason import Reason


def told(reason: Reason | None, command: Command | None, incident: Incident) -> str:
    """What became of `command`, by what was decided, or else how the incident is now."""
    if reason is Reason.ALREADY_DONE and command is not None and command in _DONE_ALREADY:
        return _DONE_ALREADY[command](incident)
    return _SENTENCES.get(reason, standing)(incident)


def standing(incident: Incident) -> str:
    """How the incident is now."""
    if incident.status is Status.FALSE_POSITIVE:
        return f"{incident.name} was marked as a false positive{_by(incident.closed_by)}."
    if not incident.is_open:
        return f"{incident.name} was resolved{_by(incident.closed_by)}."
    if incident.acknowledged_at is not None:
        return f"{incident.name} is acknowledged{_by(incident.acknowledged_by)}."
    return f"{incident.name} is open, and nobody has acknowledged it."


def _already_closed(incident: Incident) -> str:
    if incident.status is Status.FALSE_POSITIVE:
        return f"{incident.name} is marked as a false positive{_by(incident.closed_by)} already."
    # Who closed it isn't known any more if it has been reopened since.
    return f"{incident.name} is resolved{_by(incident.closed_by)} already."


def _by(name: str) -> str:
    return f" by {name}" if name else ""


Sentence = Callable[[Incident], str]

_SENTENCES: Mapping[Reason | None, Sentence] = {
    Reason.ACKNOWLEDGED: lambda incident: f"Acknowledged {incident.name}.",
    Reason.ESCALATED: lambda incident: f"Escalated {incident.name}: the next in line are told.",
    Reason.RESOLVED_BY_PERSON: lambda incident: f"Resolved {incident.name}.",
    Reason.FALSE_POSITIVE: lambda incident: f"Marked {incident.name} as a false positive.",
    Reason.OPENED: lambda incident: f"Opened {incident.name} ({incident.severity}).",
    Reason.REOPENED: lambda incident: (
        f"Reopened {incident.name} ({incident.severity}), closed a short while ago."
    ),
    Reason.JOINED: lambda incident: f"It's open already: {standing(incident)}",
    Reason.CHANGED: lambda incident: f"It's open already: {standing(incident)}",
    Reason.SEVERITY_RAISED: lambda incident: (
        f"It's open already: {incident.name} is {incident.severity} now."
    ),
    Reason.NOTED: lambda incident: f"Noted on {incident.name}.",
    Reason.ASSIGNED: lambda incident: f"{incident.lead} leads {incident.name} now.",
    Reason.STATUS_SET: lambda incident: f"{incident.name} is {incident.status} now.",
    Reason.SEVERITY_SET: lambda incident: f"{incident.name} is {incident.severity} now.",
    Reason.ALREADY_DONE: lambda incident: (
        f"{incident.name} is already acknowledged{_by(incident.acknowledged_by)}."
    ),
    Reason.ALREADY_CLOSED: _already_closed,
    Reason.STATUS_SET: lambda incident: f"{incident.name} is {incident.status} now.",
    Reason.ASSIGNED: lambda incident: f"{incident.lead} leads {incident.name} now.",
    Reason.PUBLISHED: lambda incident: f"Published, as '{incident.public_title}'.",
    Reason.ANNOUNCED: lambda _: "Announced: customers are mailed.",
    Reason.NOT_PUBLIC: lambda incident: f"{incident.name} is a drill, which is never public.",
    Reason.NOT_RESOLVED: lambda incident: (
        f"{incident.name} isn't resolved: there's nothing to announce yet."
    ),
    Reason.NO_CUSTOMERS: lambda _: (
        "The config has no customers to announce it to (`communication`)."
    ),
    Reason.COMMAND_OUTDATED: lambda incident: f"{incident.name} was reopened since: nothing done.",
    Reason.COMMAND_OVERTAKEN: lambda incident: (
        f"Something newer is known of {incident.name}: nothing done."
    ),
}
"""Anything else, such as a message that came twice, gets `standing`."""

_DONE_ALREADY: Mapping[Command, Sentence] = {
    Command.ESCALATE: lambda incident: (
        f"{incident.name} has reached its last step already: there's nobody further to tell."
    ),
    Command.ASSIGN: lambda incident: f"{incident.lead} leads {incident.name} already.",
    Command.SEVERITY: lambda incident: f"{incident.name} is {incident.severity} already.",
    Command.STATUS: lambda incident: f"{incident.name} is {incident.status} already.",
    Command.ASSIGN: lambda incident: f"{incident.lead} leads {incident.name} already.",
    Command.ANNOUNCE: lambda incident: (
        f"{incident.name} has been announced already: nobody is mailed twice."
    ),
}

"""Replies to people's commands."""

from router.core.messages.replies import reply
from router.core.text.plain import plain
from router.model.reason import Reason
from router.ports.webhooks import CommandResult


def sentence(result: CommandResult) -> str:
    """One sentence, in plain text."""
    if result.request.incident_id is None:
        return (
            _which(result)
            if result.reason is None
            else "No rule matched, so no incident was opened."
        )
    if result.incident is None or result.reason is Reason.UNKNOWN_INCIDENT:
        return f"INC-{result.request.incident_id} doesn't exist."
    return reply(result.reason, result.request.command, result.incident)


def _which(result: CommandResult) -> str:
    if not result.open:
        return "No incident is open."
    shown = ", ".join(
        f"{incident.name} ({incident.severity}, {plain(incident.title)})"
        for incident in result.open
    )
    return f"Which incident? Open: {shown}." if result.request.command else f"Open: {shown}."

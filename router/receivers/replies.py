"""Replies to people's commands."""

from router.core.messages.replies import reply
from router.core.text.plain import plain
from router.model.reason import Reason
from router.ports.webhooks import CommandResult


def sentence(handled: CommandResult) -> str:
    """One sentence, in plain text."""
    if handled.asked.incident_id is None:
        return (
            _which(handled)
            if handled.reason is None
            else "No rule matched, so no incident was opened."
        )
    if handled.incident is None or handled.reason is Reason.UNKNOWN_INCIDENT:
        return f"There's no INC-{handled.asked.incident_id}."
    return reply(handled.reason, handled.asked.command, handled.incident)


def _which(handled: CommandResult) -> str:
    if not handled.open:
        return "No incident is open."
    shown = ", ".join(f"{one.name} ({one.severity}, {plain(one.title)})" for one in handled.open)
    return f"Say which: open are {shown}." if handled.asked.command else f"Open are {shown}."

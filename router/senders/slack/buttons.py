"""Buttons under a message in Slack, and the form that one of them opens.

https://docs.slack.dev/reference/block-kit/block-elements
"""

from collections.abc import Iterator
from typing import Any

from router.model.event import Command
from router.model.incident import Incident, Status
from router.ports.webhooks import Form

MAX_TITLE = 24
MAX_NOTE = 3000
"""Maximum characters of a modal's title, and of an input."""

SNOOZES = {"1 hour": 3600, "4 hours": 14_400, "24 hours": 86_400}
"""Seconds."""


def answers(incident: Incident) -> Iterator[dict[str, Any]]:
    """The buttons. Those that close or reopen the incident ask for confirmation."""
    name = incident.name
    if incident.status is Status.MERGED:
        return
    if not incident.is_open:
        again = "It reopens for everybody, and the policy starts from its first step."
        confirm = _confirm(f"Reopen {name}?", again, "Reopen")
        yield _answer(incident, Command.REOPEN, "Reopen", confirm=confirm)
        return
    if incident.acknowledged_at is None:
        yield _answer(incident, Command.ACKNOWLEDGE, "Acknowledge", style="primary")
    yield _answer(incident, Command.ASSIGN, "Take the lead")
    yield _answer(incident, Command.ESCALATE, "Escalate")
    yield _answer(incident, Command.NOTE, "Add note")
    confirm = _confirm(f"Resolve {name}?", "It is closed for everybody.", "Resolve")
    yield _answer(incident, Command.RESOLVE, "Resolve", confirm=confirm)
    held = "It is closed for everybody, until the alert ends or its value becomes worse."
    confirm = _confirm(f"{name} is a false positive?", held, "False positive")
    yield _answer(incident, Command.FALSE_POSITIVE, "False positive", confirm=confirm)
    yield _menu(incident)


def _menu(incident: Incident) -> dict[str, Any]:
    """The less frequent commands."""
    unack = {"Undo acknowledgement": f"unack:{incident.id}"}
    options = {
        **(unack if incident.acknowledged_at is not None else {}),
        **{f"Snooze for {name}": f"snooze:{incident.id}:{time}" for name, time in SNOOZES.items()},
    }
    return {
        "type": "overflow",
        "action_id": "more",
        "options": [
            {"text": {"type": "plain_text", "text": label}, "value": value}
            for label, value in options.items()
        ],
    }


def _answer(incident: Incident, command: Command, label: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "button",
        "action_id": command.value,
        "value": str(incident.id),
        "text": {"type": "plain_text", "text": label},
        **more,
    }


def build_form(form: Form) -> dict[str, Any]:
    """The modal for a note (https://docs.slack.dev/surfaces/modals)."""
    name = f"INC-{form.incident_id}"
    words = {"title": f"Note on {name}"[:MAX_TITLE], "submit": "Add note", "close": "Cancel"}
    field = {
        "type": "plain_text_input",
        "action_id": "text",
        "multiline": True,
        "max_length": MAX_NOTE,
    }
    label = {"type": "plain_text", "text": "Added to the timeline, which everybody can read"}
    return {
        "type": "modal",
        "callback_id": form.command.value,
        "private_metadata": str(form.incident_id),
        **{part: {"type": "plain_text", "text": text} for part, text in words.items()},
        "blocks": [{"type": "input", "block_id": "note", "element": field, "label": label}],
    }


def _confirm(question: str, text: str, label: str) -> dict[str, Any]:
    parts = {"title": question, "text": text, "confirm": label, "deny": "Cancel"}
    return {name: {"type": "plain_text", "text": words} for name, words in parts.items()}

"""Buttons under a chat message: the commands they offer, and the data that they carry."""

import re
from collections.abc import Iterator

from msgspec import Struct

from router.model.event import Command
from router.model.incident import Incident

LABELS = {
    Command.ACKNOWLEDGE: "Acknowledge",
    Command.ESCALATE: "Escalate",
    Command.RESOLVE: "Resolve",
}

_DATA = re.compile(r"([a-z]{2,20}):([0-9]{1,15}):([0-9]{1,6})")


class Press(Struct, frozen=True):
    """A pressed button. `reopened` is that of the incident when the message was written."""

    command: Command
    incident_id: int
    reopened: int


def offered(incident: Incident) -> Iterator[tuple[Command, str]]:
    """The commands that an incident's message offers, with their labels, while it is open."""
    for command, label in LABELS.items() if incident.is_open else ():
        if command is not Command.ACKNOWLEDGE or incident.acknowledged_at is None:
            yield command, label


def data(command: Command, incident: Incident) -> str:
    """The data of a button, such as `ack:142:0`. Every service allows at least 64 bytes."""
    return f"{command.value}:{incident.id}:{incident.reopened}"


def pressed(text: str) -> Press | None:
    """The button with this data; None if it isn't one of the router's."""
    match = _DATA.fullmatch(text)
    command = next((command for command in LABELS if match and command.value == match[1]), None)
    return Press(command, int(match[2]), int(match[3])) if match and command else None

"""Ids of messages, by which a service recognizes a repeated message."""

from hashlib import sha256

from router.model.incident import Incident
from router.model.notification import Message


def message_id(channel: str, message: Message) -> str:
    """Id of a message, the same for each attempt, and unique across channels and routers."""
    return f"msg_{message.incident.id}_{message.seq}_{origin(channel, message.incident)}"


def origin(channel: str, incident: Incident) -> str:
    """Sixteen hex digits that distinguish the incident in this channel from all others.

    A new database numbers incidents from 1 again, so the digits depend on the opening time, too.
    """
    return sha256(f"{incident.opened_at!r} {incident.key} {channel}".encode()).hexdigest()[:16]

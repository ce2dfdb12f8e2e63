"""Mentions in Slack: paged people, and the groups of the config.

Slack notifies for a mention in a new message or reply, and not for one in an edit. A person is
mentioned by the `slack` id of their contact
(https://docs.slack.dev/messaging/formatting-message-text).
"""

import re
from collections.abc import Iterable, Sequence

from router.core.text.plain import plain
from router.model.decision import Entry
from router.model.notification import Message, person_of
from router.model.reason_row import Trait
from router.model.reasons import having

ID = re.compile(r"[SUW][A-Z0-9]{2,20}")
"""The id of a user group (S), or of a user."""

MAX_PEOPLE = 20

_PAGES = having(Trait.PAGES)


def people(message: Message, entries: Iterable[Entry]) -> list[str]:
    """The contacts who were paged by these entries; for a first message, by all."""
    addresses = list(message.incident.notified) if message.sent == 0 else []
    for entry in entries:
        if entry.what in _PAGES:
            addresses += map(str, entry.data.get("channels", ()))
    return [name for name in dict.fromkeys(map(person_of, addresses)) if name]


def line(message: Message, names: Sequence[str], groups: Sequence[str]) -> str:
    """`Paged: <@U123>, ben`, in mrkdwn; "" for nobody. People without an id have plain names."""
    shown = [_person(name, message.mentions.get(name, "")) for name in names[:MAX_PEOPLE]]
    shown += [f"+{len(names) - MAX_PEOPLE}"] if len(names) > MAX_PEOPLE else []
    shown += [mention(group) for group in groups]
    return f"Paged: {', '.join(shown)}" if shown else ""


def mention(id_: str) -> str:
    """Notifies the user or the group of this id, which must match `ID`."""
    return f"<!subteam^{id_}>" if id_.startswith("S") else f"<@{id_}>"


def _person(name: str, id_: str) -> str:
    if ID.fullmatch(id_):
        return mention(id_)
    return plain(name).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

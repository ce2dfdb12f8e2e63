"""An incident in Jira's document format, in which text can't contain markup.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

from collections.abc import Sequence
from typing import Any

from router.core.messages.render import content
from router.core.text.plain import plain, utc
from router.model.notification import Message
from router.model.postmortem import Item
from router.senders.links import links
from router.senders.markup import PLAIN, cut, write
from router.senders.tickets.text import unseen

MAX_TEXT = 20_000
"""Maximum characters; Jira allows 32,767
(https://developer.atlassian.com/cloud/jira/platform/rest/v3/)."""


def described(message: Message) -> dict[str, Any]:
    """The incident in its current state."""
    lines = [[_text(line)] for line in write(message, PLAIN, MAX_TEXT).split("\n")]
    shown = [[_text(label, url)] for label, url in links(content(message))]
    return _document([*lines, *shown])


def described_item(message: Message, item: Item, ticket: str) -> dict[str, Any]:
    """An action item of the incident whose issue is `ticket`."""
    lines = {
        "Action item": plain(item.text),
        "Owner": plain(item.owner),
        "Due": utc(item.due_at),
        "Incident": f"{message.incident.name} ({ticket})",
    }
    shown = [[_text(cut(f"{name}: {text}", MAX_TEXT))] for name, text in lines.items()]
    link = [[_text("Post-mortem", message.postmortem)]] if message.postmortem else []
    return _document([*shown, *link])


def commented(message: Message, seen_entry: int) -> dict[str, Any]:
    """The entries after `seen_entry`."""
    unread = unseen(message, seen_entry)
    head = f"[{message.incident.severity}] {unread.status}"
    return _document([[_text(plain(line))] for line in (head, *map(" - ".join, unread.updates))])


def _document(lines: Sequence[Sequence[dict[str, Any]]]) -> dict[str, Any]:
    blocks = [{"type": "paragraph", "content": list(line)} for line in lines]
    return {"type": "doc", "version": 1, "content": blocks}


def _text(text: str, url: str = "") -> dict[str, Any]:
    marks = {"marks": [{"type": "link", "attrs": {"href": url}}]} if url else {}
    return {"type": "text", "text": text or " ", **marks}

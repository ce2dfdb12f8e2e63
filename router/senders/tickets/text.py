"""An incident as the Markdown of an issue and its comments, with the router's marks.

GitHub, GitLab and Linear interpret text: `@name` notifies somebody, `#12` adds a line to another
issue, a line that begins with `/` is a command, HTML and links are rendered. Backslashes can't
prevent all of that, so `code` wraps text from alerts and people.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec.structs import replace

from router.core.messages.render import Content, content
from router.core.text.plain import plain, utc
from router.model.incident import Incident
from router.model.notification import Message
from router.model.postmortem import Item
from router.senders.links import links
from router.senders.markup import cut

MAX_TITLE = 255
MAX_TEXT = 300
"""Maximum characters of one piece of text.

The body with all its pieces stays far below GitHub's 65,536 characters, even in bytes
(https://github.com/peter-evans/create-issue-from-file/issues/1049 quotes GitHub's error).
"""

MAX_LINES = 10
"""Maximum lines of one detail."""

SEEN_MARK = re.compile(r"^<!-- alert-router:told:([0-9]{1,18}) -->\s*\Z", re.MULTILINE)


def title(message: Message) -> str:
    """The issue's title. It needs no escaping: in titles, no service expands mentions or links."""
    return cut(content(message).subject, MAX_TITLE)


def body(message: Message) -> str:
    """The issue's text: the incident as it is now, and the marks."""
    return "\n".join([described(message), incident_mark(message.incident), seen_mark(message)])


def described(message: Message) -> str:
    """The incident as it is now, without marks."""
    return "\n".join(_body(message, content(message)))


def comment(message: Message, seen_entry: int) -> str:
    """The entries after `seen_entry`, and the mark."""
    return f"{commented(message, seen_entry)}\n\n{seen_mark(message)}"


def commented(message: Message, seen_entry: int) -> str:
    """The entries after `seen_entry`, without a mark."""
    said = unseen(message, seen_entry)
    head = f"**[{message.incident.severity}] {said.status}**"
    return "\n".join([head, "", *_updates(said)])


def unseen(message: Message, seen_entry: int) -> Content:
    """The texts about the entries after `seen_entry`. Without `updates`, no comment is needed."""
    news = tuple(entry for entry in message.timeline if entry.id > seen_entry)
    return content(replace(message, timeline=news))


def incident_mark(incident: Incident) -> str:
    """An invisible line of the issue that names the incident.

    The time distinguishes incidents that have the same number in different databases.
    """
    opened = datetime.fromtimestamp(incident.opened_at, UTC).isoformat(timespec="microseconds")
    return f"<!-- alert-router:{incident.name}:{opened.replace('+00:00', 'Z')} -->"


def item_title(incident: Incident, item: Item) -> str:
    return cut(f"[{incident.name}] {plain(item.text)}", MAX_TITLE)


def item_body(message: Message, item: Item, ticket: str) -> str:
    """The issue of an action item. `ticket` refers to the incident's issue."""
    return f"{described_item(message, item, ticket)}\n\n{item_mark(message.incident, item)}"


def described_item(message: Message, item: Item, ticket: str) -> str:
    """An action item, without a mark."""
    lines = [
        f"- **Action item:** {code(plain(item.text))}",
        f"- **Owner:** {code(plain(item.owner))}",
        f"- **Due:** {utc(item.due_at)}",
        f"- **Incident:** {ticket}",
        *([f"- [Post-mortem](<{message.postmortem}>)"] if message.postmortem else []),
    ]
    return "\n".join(lines)


def item_mark(incident: Incident, item: Item) -> str:
    """An item's mark, in the same form as the incident's mark."""
    return incident_mark(incident).replace(" -->", f":item:{item.number} -->")


def is_marked(text: str | None, incident: Incident) -> bool:
    """Check if this is the text of the incident's issue.

    A mark is a whole line, which an alert's text can't forge.
    """
    return incident_mark(incident) in (text or "").splitlines()


def is_of_item(text: str | None, incident: Incident, item: Item) -> bool:
    """Check if this is the text of the item's issue."""
    return item_mark(incident, item) in (text or "").splitlines()


def seen_entry_in(text: str | None) -> int:
    """The id of the newest timeline entry in the text, from the mark at its end; 0 for none."""
    mark = SEEN_MARK.search(text or "")
    return int(mark[1]) if mark else 0


def timestamp(at: float) -> str:
    """UTC seconds like `2026-01-01T12:00:00Z`."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def code(text: str) -> str:
    """Plain text, cut, as a code span (https://spec.commonmark.org/0.31.2/#code-spans).

    In a code span there are no mentions, references, links or HTML. A reply by e-mail quotes it as
    plain text, so a zero-width space keeps `@name` from notifying.
    """
    text = cut(text, MAX_TEXT).replace("@", "@\u200b")
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}" if text else ""


def _body(message: Message, said: Content) -> Iterator[str]:
    yield from (
        f"- **Severity:** {message.incident.severity}",
        f"- **Status:** {said.status}",
        f"- **Impact:** {code(said.impact)}",
        f"- **Started:** {said.started}",
        f"- **Incident Lead:** {code(said.lead)}",
        "",
    )
    if said.updates:
        yield from ("**Updates:**", "", *_updates(said), "")
    yield from (" · ".join(f"[{label}](<{url}>)" for label, url in links(said)), "")
    yield from (f"- {code(f'{name}: {value}')}" for name, value in said.facts)
    yield ""
    for name, text in said.details:
        # Each line has its own code span: in a code block, a line could forge a mark.
        lines = [line for line in text.split("\n") if line]
        left = [f"(+{len(lines) - MAX_LINES} more lines)"] if len(lines) > MAX_LINES else []
        yield f"- {code(name)}"
        yield from (f"  - {code(line)}" for line in lines[:MAX_LINES] + left)
    yield ""


def _updates(said: Content) -> Iterator[str]:
    return (f"- {when} - {code(what)}" for when, what in said.updates)


def seen_mark(message: Message) -> str:
    return f"<!-- alert-router:told:{newest(message)} -->"


def newest(message: Message) -> int:
    """The id of the newest entry in the message."""
    return max((entry.id for entry in message.timeline), default=message.seen_entry)

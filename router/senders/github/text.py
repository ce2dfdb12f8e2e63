"""An incident as the Markdown of a GitHub issue and its comments, with the marks by which the
router finds them again.

GitHub acts on what it reads: `@name` mails somebody, `#12` leaves a line on another issue, HTML and
links are rendered. A backslash stops neither of the first two, so whatever isn't the router's own
word goes through `code`.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec.structs import replace

from router.core.messages.render import Content, content
from router.core.text.plain import plain, utc
from router.model.incident import Incident
from router.model.notification import Letter
from router.model.postmortem import Item
from router.senders.links import links

MAX_TITLE = 256
MAX_TEXT = 300
"""Characters of one piece of text. The some 36 that a body has stay far under its 65,536
characters, even as bytes (https://github.com/peter-evans/create-issue-from-file/issues/1049 quotes
GitHub's refusal)."""

MAX_LINES = 10
"""Lines of one detail."""

TOLD = re.compile(r"^<!-- alert-router:told:([0-9]{1,18}) -->\s*\Z", re.MULTILINE)


def title(letter: Letter) -> str:
    """The issue's title, in which GitHub reads no mentions and no links."""
    return _cut(content(letter).subject, MAX_TITLE)


def body(letter: Letter) -> str:
    """The issue's text: the incident as it is now."""
    return "\n".join(
        [*_body(letter, content(letter)), incident_mark(letter.incident), _told_mark(letter)]
    )


def comment(letter: Letter, told: int) -> str | None:
    """What happened since the timeline's entry `told`; None if nothing is worth a comment."""
    news = tuple(entry for entry in letter.timeline if entry.id > told)
    said = content(replace(letter, timeline=news))
    if not said.updates:
        return None
    return "\n".join(
        [
            f"**[{letter.incident.severity}] {said.status}**",
            "",
            *_updates(said),
            "",
            _told_mark(letter),
        ]
    )


def incident_mark(incident: Incident) -> str:
    """A line of the issue that no reader sees.

    The time tells the incident from its namesake of an older database.
    """
    opened = datetime.fromtimestamp(incident.opened_at, UTC).isoformat(timespec="microseconds")
    return f"<!-- alert-router:{incident.name}:{opened.replace('+00:00', 'Z')} -->"


def item_title(incident: Incident, item: Item) -> str:
    return _cut(f"[{incident.name}] {plain(item.text)}", MAX_TITLE)


def item_body(letter: Letter, item: Item, ticket: int) -> str:
    """An action item's issue: who does what by when, and what it came of.

    `ticket` is the incident's issue.
    """
    lines = [
        f"- **Action item:** {code(plain(item.text))}",
        f"- **Owner:** {code(plain(item.owner))}",
        f"- **Due:** {utc(item.due_at)}",
        f"- **Incident:** #{ticket}",
        *([f"- [Post-mortem](<{letter.postmortem}>)"] if letter.postmortem else []),
    ]
    return "\n".join([*lines, "", item_mark(letter.incident, item)])


def item_mark(incident: Incident, item: Item) -> str:
    """As that of the incident, with the item's number."""
    return incident_mark(incident).replace(" -->", f":item:{item.number} -->")


def is_marked(text: str | None, incident: Incident) -> bool:
    """Is this the text of the incident's issue? The mark has a line to itself, where no alert's
    words can get.
    """
    return incident_mark(incident) in (text or "").splitlines()


def told_in(text: str | None) -> int:
    """The timeline's latest entry when the text was written, by the mark at its end; 0 if it has
    none.
    """
    mark = TOLD.search(text or "")
    return int(mark[1]) if mark else 0


def code(text: str) -> str:
    """Plain text, cut, as a code span (https://spec.commonmark.org/0.31.2/#code-spans).

    Nothing in one is a mention, a reference, a link or HTML. But who answers by e-mail quotes it as
    plain text: there a zero-width space keeps a name from being called.
    """
    text = _cut(text, MAX_TEXT).replace("@", "@\u200b")
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}" if text else ""


def _body(letter: Letter, said: Content) -> Iterator[str]:
    yield from (
        f"- **Severity:** {letter.incident.severity}",
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
        # Each line in a code span of its own: in a code block, a line could pass for a mark.
        lines = [line for line in text.split("\n") if line]
        left = [f"(+{len(lines) - MAX_LINES} more lines)"] if len(lines) > MAX_LINES else []
        yield f"- {code(name)}"
        yield from (f"  - {code(line)}" for line in lines[:MAX_LINES] + left)
    yield ""


def _updates(said: Content) -> Iterator[str]:
    return (f"- {when} - {code(what)}" for when, what in said.updates)


def _told_mark(letter: Letter) -> str:
    told = max((entry.id for entry in letter.timeline), default=letter.told)
    return f"<!-- alert-router:told:{told} -->"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"

"""An incident as the text of a chat message, in the markup of its service.

Text from alerts and people is first cut and then escaped, piece by piece, so that no escape
sequence is split.
"""

import re
from collections.abc import Callable, Iterator
from html import escape

from msgspec import Struct
from msgspec.structs import replace

from router.core.messages.render import Content, content
from router.core.messages.summary import TOP, further
from router.model.notification import Message

MAX_PIECE = 300
"""Maximum characters of one piece of text."""

MAX_LINES = 10
"""Maximum lines of one detail."""

Size = Callable[[str], int]


class Markup(Struct, frozen=True):
    """A service's markup.

    escape: escapes plain text. bold: the marks around bold text.
    """

    escape: Callable[[str], str]
    bold: tuple[str, str] = ("", "")

    def piece(self, text: str, limit: int = MAX_PIECE) -> str:
        return self.escape(cut(text, limit))

    def name(self, text: str) -> str:
        before, after = self.bold
        return f"{before}{self.piece(text)}:{after}"


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def unmentioned(text: str) -> str:
    """Insert a zero-width space after `@` and `<`, so that they don't begin a mention."""
    return re.sub("[@<]", "\\g<0>\u200b", text)


def escaped(text: str) -> str:
    """Escape Markdown's special characters.

    https://spec.commonmark.org/0.31.2/#backslash-escapes
    """
    return re.sub(r"[\\`*_{}\[\]()#+!|~>-]", r"\\\g<0>", unmentioned(text))


def in_html(text: str) -> str:
    return escape(text, quote=False)


PLAIN = Markup(str)
TEXT = Markup(unmentioned)
MARKDOWN = Markup(escaped, ("**", "**"))
HTML = Markup(in_html, ("<b>", "</b>"))


def units(text: str) -> int:
    """The length in UTF-16 units: whatever a service counts as characters, there aren't more."""
    return len(text.encode("utf-16-le")) // 2


def octets(text: str) -> int:
    return len(text.encode())


def write(message: Message, markup: Markup, limit: int, size: Size = units) -> str:
    """The incident in its current state, without its headline, within `limit`.

    If it's too large, the last details are left out first, then the least important facts, then
    the oldest updates.
    """
    shown = content(message)
    updates, facts, details = list(shown.updates), list(shown.facts), list(shown.details)
    left_out = 0
    while True:
        kept = replace(shown, updates=tuple(updates), facts=tuple(facts), details=tuple(details))
        more = [f"(+{left_out} more on the incident's page)"] if left_out else []
        text = "\n".join([*_lines(message, kept, markup), *more])
        if size(text) <= limit or not (updates or facts or details):
            return text
        left_out += 1
        if details or facts:
            (details or facts).pop()
        else:
            updates.pop(0)


def news(message: Message, markup: Markup) -> str:
    """The unseen entries that readers need, as lines; "" if there are none."""
    shown = content(replace(message, timeline=message.unseen_entries))
    return "\n".join(_updates(shown, markup))


def headline(message: Message) -> str:
    """The headline as plain text, with the incident's title, for a notification."""
    shown = content(message)
    return f"{shown.headline}: {shown.title}"


def _lines(message: Message, shown: Content, markup: Markup) -> Iterator[str]:
    plan = {
        "Status": shown.status,
        "Impact": shown.impact,
        "Started": shown.started,
        "Incident Lead": shown.lead,
    }
    for name, text in plan.items():
        yield f"{markup.name(name)} {markup.piece(text)}"
    if shown.others:
        yield markup.piece(further(message.other_incidents))
        yield from (markup.piece(text) for text, _ in shown.others[:TOP])
    if shown.updates:
        yield markup.name("Updates")
        yield from _updates(shown, markup)
    facts = [message.incident.name, *(f"{name}: {value}" for name, value in shown.facts)]
    yield " · ".join(map(markup.piece, facts))
    for name, text in shown.details:
        lines = [line for line in text.split("\n") if line]
        left = [f"(+{len(lines) - MAX_LINES} more lines)"] if len(lines) > MAX_LINES else []
        yield markup.name(name)
        yield from map(markup.piece, lines[:MAX_LINES] + left)


def _updates(shown: Content, markup: Markup) -> Iterator[str]:
    return (markup.piece(f"{when} - {what}") for when, what in shown.updates)

"""A message in Slack's Block Kit (https://docs.slack.dev/reference/block-kit/blocks).

Slack rejects a message if one part is too long, and reads `<!channel>` in an alert's text as a
command. So `mrkdwn` escapes and cuts all text from alerts and people. Control characters have
already been removed.

Slack notifies people who are mentioned in a new message or reply, but not in an edit. A person is
mentioned by the `slack` id of their contact
(https://docs.slack.dev/messaging/formatting-message-text).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import json
from msgspec.structs import replace

from router.core.messages.render import Content, content
from router.core.messages.summary import TOP, further
from router.core.text.plain import plain
from router.model.decision import Entry
from router.model.notification import Message, person_of
from router.model.reason_row import Trait
from router.model.reasons import having
from router.senders.markup import units
from router.senders.slack.buttons import answers

MAX_HEADER = 150
MAX_TEXT_BYTES = 4000
"""Maximum bytes of the plain text, the limit of chat.update
(https://docs.slack.dev/reference/methods/chat.update).
"""

UNREADABLE = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
"""Slack's errors for blocks that it can't read. The message is then sent as plain text."""

MAX_BLOCKS = 13_000
"""Maximum characters of JSON. Slack rejects about 13,200, which isn't documented
(https://github.com/slackapi/bolt-js/issues/2509). Details get what the other parts leave.
"""

# Far below Slack's limits: 2,000 characters of a field, 3,000 of a section or a URL.
MAX_VALUE = 300
MAX_UPDATES = 2000
MAX_FACTS = 1500
MAX_DETAIL = 1000
MAX_DETAILS = 2500
MAX_URL = 1000

MAX_PAGED = 1000
"""Maximum bytes of the line that mentions people."""

ID = re.compile(r"[SUW][A-Z0-9]{2,20}")
"""The id of a user group (S), or of a user."""

MAX_PEOPLE = 20

_PAGES = having(Trait.PAGES)

LEFT_OUT = 50
"""Characters reserved for the count of omitted parts."""

URL = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
BUTTONS = {"Incident": "Open incident"}
ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

CHARACTERS, BYTES = "utf-16-le", "utf-8"
"""Encodings to measure text. UTF-16 units are the highest count that "characters" can mean."""


def build_message(
    message: Message,
    *,
    buttons: bool = False,
    groups: Sequence[str] = (),
    room: str = "",
    edited: bool = False,
) -> dict[str, Any]:
    """The incident in its current state: `blocks`, and `text` for notifications.

    Args:
        message: about the incident.
        buttons: add buttons for answers, while the incident is open.
        groups: ids of user groups and users to mention.
        room: the id of the incident's own channel, if it has one.
        edited: the message is edited later, so it is the only one about the incident.
    """
    texts = content(message)
    above = _above(message, texts)
    below = []
    if paged := [_text(line) for line in _paged(message, groups, room, edited=edited)]:
        below.append({"type": "context", "elements": paged})
    below += _below(message, texts, buttons=buttons)
    left = MAX_BLOCKS - len(json.encode((*above, *below)).decode())
    if details := _details(texts, min(left, MAX_DETAILS)):
        above.append(details)
    return {"text": mrkdwn(texts.text, MAX_TEXT_BYTES, BYTES), "blocks": [*above, *below]}


def build_thread(message: Message, groups: Sequence[str] = ()) -> dict[str, Any] | None:
    """The unseen entries that readers need, for the message's thread; None if there are none.

    Notes that were written in that thread are left out.
    """
    unsaid = tuple(
        entry for entry in message.unseen_entries if entry.data.get("via") != message.channel
    )
    news = content(replace(message, timeline=unsaid))
    if not news.updates:
        return None
    updates = build_updates(news)
    names = people(replace(message, sent=1), unsaid)
    paged = paged_line(message, names, groups if names else ())
    return {"text": f"{updates['text']}\n{paged}"} if paged else updates


def build_updates(texts: Content) -> dict[str, Any]:
    """The updates as plain lines."""
    return {"text": _updates(texts, MAX_TEXT_BYTES - MAX_PAGED, BYTES)}


def mrkdwn(text: str, limit: int, encoding: str = CHARACTERS) -> str:
    """Escape Slack's special characters, and cut to `limit` without splitting an escape sequence.

    `limit` is measured in `encoding`.
    """
    unit = 2 if encoding == CHARACTERS else 1
    text = text[: limit + 1]  # each character counts as at least 1
    escaped = text.translate(ESCAPES)
    if len(escaped.encode(encoding)) <= limit * unit:
        return escaped
    pieces = [char.translate(ESCAPES) for char in text]
    room, kept = (limit * unit) - len("…".encode(encoding)), 0
    while (room := room - len(pieces[kept].encode(encoding))) >= 0:
        kept += 1
    return "".join(pieces[:kept]) + "…"


def _above(message: Message, texts: Content) -> list[dict[str, Any]]:
    """The blocks above the details: headline, fields, other incidents, and updates."""
    headline = texts.headline
    if units(headline) > MAX_HEADER:
        headline = headline[: MAX_HEADER // 2 - 1] + "…"
    plan = (
        ("Status", texts.status),
        ("Impact", texts.impact),
        ("Started", texts.started),
        ("Incident Lead", texts.lead),
    )
    fields = [_text(f"*{name}:*\n{mrkdwn(value, MAX_VALUE)}") for name, value in plan]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": headline, "emoji": True}},
        {"type": "section", "fields": fields},
    ]
    if texts.others:
        lines = [further(message.other_incidents), *(line for line, _ in texts.others[:TOP])]
        others = "\n".join(mrkdwn(line, MAX_VALUE) for line in lines)
        blocks.append({"type": "section", "text": _text(others)})
    if texts.updates:
        updates = _updates(texts, MAX_UPDATES, CHARACTERS)
        blocks.append({"type": "section", "text": _text(f"*Updates:*\n{updates}")})
    return blocks


def _below(message: Message, texts: Content, *, buttons: bool) -> Iterator[dict[str, Any]]:
    """The blocks below the details: the facts, and buttons."""
    facts = [message.incident.name, *(f"{name}: {value}" for name, value in texts.facts)]
    yield {"type": "context", "elements": [_text(_fitted(facts, MAX_FACTS))]}
    if buttons and not message.for_stakeholder and (offered := [*answers(message.incident)]):
        yield {"type": "actions", "elements": offered}
    if links := [
        {
            "type": "button",
            "action_id": f"open_{name.lower()}",
            "text": {"type": "plain_text", "text": BUTTONS.get(name, name)},
            "url": url,
        }
        for name, url in texts.links
        if (len(url) <= MAX_URL or url == message.list_url) and URL.fullmatch(url)
    ]:
        yield {"type": "actions", "elements": links}


def _paged(message: Message, groups: Sequence[str], room: str, *, edited: bool) -> Iterator[str]:
    """The paged people and groups, and the incident's own channel.

    An edited message lists all of them, because an edit notifies nobody. A new message lists the
    people who were paged since the last message.
    """
    entries = message.timeline if edited else message.unseen_entries
    names = people(replace(message, sent=0) if edited else message, entries)
    pages = edited or message.sent == 0 or bool(names)
    wanted = message.incident.is_open and not message.for_stakeholder
    if wanted and (paged := paged_line(message, names, groups if pages else ())):
        yield paged
    if room:
        yield f"Channel: <#{room}>"


def _details(content: Content, room: int) -> dict[str, Any] | None:
    """The annotations in one section, as far as they fit."""
    texts: list[str] = []
    for name, text in content.details:
        shown = f"*{mrkdwn(name, MAX_VALUE)}:*\n{mrkdwn(text, MAX_DETAIL)}"
        # The limit is for JSON, in which a quote, a backslash or a line break takes two characters,
        # and so may an emoji.
        room -= units(json.encode(shown).decode())
        if room < LEFT_OUT:
            texts.append(f"(+{len(content.details) - len(texts)} more on the incident's page)")
            break
        texts.append(shown)
    return {"type": "section", "text": _text("\n".join(texts))} if texts and room > 0 else None


def _fitted(facts: list[str], limit: int) -> str:
    """The facts on one line, and the number of facts that don't fit."""
    size = 0
    for index, fact in enumerate(facts):
        size += units(f" · {fact}".translate(ESCAPES))
        if index + 1 < len(facts) and size > limit - LEFT_OUT:
            left = f" · (+{len(facts) - index} more)"
            return mrkdwn(" · ".join(facts[:index]), limit - LEFT_OUT) + left
    return mrkdwn(" · ".join(facts), limit)


def _updates(texts: Content, limit: int, encoding: str) -> str:
    """The updates, one line each. Long lines are cut, so that the latest update still fits."""
    share = limit // len(texts.updates) - 1
    return "\n".join(mrkdwn(f"{when} - {what}", share, encoding) for when, what in texts.updates)


def _text(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


# --- mentions


def people(message: Message, entries: Iterable[Entry]) -> list[str]:
    """The contacts paged in these entries; for the first message, everyone paged so far."""
    addresses = list(message.incident.notified) if message.sent == 0 else []
    for entry in entries:
        if entry.what in _PAGES:
            addresses += map(str, entry.data.get("channels", ()))
    return [name for name in dict.fromkeys(map(person_of, addresses)) if name]


def paged_line(message: Message, names: Sequence[str], groups: Sequence[str]) -> str:
    """`Paged: <@U123>, ben`, in mrkdwn; "" for nobody. Without an id, the plain name is used."""
    shown = [_person(name, message.mentions.get(name, "")) for name in names[:MAX_PEOPLE]]
    shown += [f"+{len(names) - MAX_PEOPLE}"] if len(names) > MAX_PEOPLE else []
    shown += [mention(group) for group in groups]
    return f"Paged: {', '.join(shown)}" if shown else ""


def mention(id_: str) -> str:
    """Return a mention of the user or group with this id, which must match `ID`."""
    return f"<!subteam^{id_}>" if id_.startswith("S") else f"<@{id_}>"


def _person(name: str, id_: str) -> str:
    return mention(id_) if ID.fullmatch(id_) else plain(name).translate(ESCAPES)

"""What a message links to, and what it lets its reader do, safe to write into any service's format."""

from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from router.core.messages.render import Content
from router.model.event import Command
from router.model.notification import Letter

MAX_URL = 2000
"""Characters. Browsers and mail gateways start to cut beyond it."""

SAFE = ":/?#[]@!$&'()*+,;=%~-._"
"""What a URL may hold as it is (RFC 3986, 2).

All else can end a link early in one markup or another.
"""

LABELS = {"Incident": "Open incident"}


def links(said: Content) -> Iterator[tuple[str, str]]:
    """The label and the URL of each link. One that no browser could open is left out."""
    for name, url in said.links:
        written = quote(url, safe=SAFE)
        if len(written) <= MAX_URL and _has_host(written):
            yield LABELS.get(name, name), written


ANSWERS = {
    Command.ACKNOWLEDGE: "Acknowledge",
    Command.ESCALATE: "Escalate",
    Command.RESOLVE: "Resolve",
}


def answers(letter: Letter, who: str = "") -> Iterator[tuple[str, str]]:
    """The label and the URL of each link to answer with, while there's something to answer; `who`
    reads it alone.
    """
    if letter.link is None or not letter.incident.is_open:
        return
    for command, label in ANSWERS.items():
        if command is not Command.ACKNOWLEDGE or letter.incident.acknowledged_at is None:
            yield label, letter.link(command, who)


def _has_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False

"""The links of a message, safe in any service's format."""

from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from router.core.messages.buttons import offered
from router.core.messages.render import Content
from router.model.notification import Message

MAX_URL = 2000
"""Maximum characters of a URL. Browsers and mail gateways may truncate longer ones."""

SAFE = ":/?#[]@!$&'()*+,;=%~-._"
"""Characters that a URL may contain unescaped (RFC 3986, 2).

Other characters end the link in some markup.
"""

LABELS = {"Incident": "Open incident"}


def links(said: Content) -> Iterator[tuple[str, str]]:
    """(label, URL) of each link, except for links that browsers can't open."""
    for name, url in said.links:
        written = quote(url, safe=SAFE)
        if len(written) <= MAX_URL and _has_host(written):
            yield LABELS.get(name, name), written


def answers(message: Message, who: str = "") -> Iterator[tuple[str, str]]:
    """(label, URL) of each link for answers, while the incident is open.

    `who`: the only reader of the message; "" for several readers.
    """
    if message.link is None:
        return
    for command, label in offered(message.incident):
        yield label, message.link(command, who)


def _has_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False

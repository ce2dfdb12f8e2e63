"""Free-form details of an event as annotations, and its links."""

from collections.abc import Iterator
from itertools import islice

import msgspec

from router.receivers.source import member, text
from router.receivers.wire_alert import scalar

MOST = 200
"""Maximum details that become annotations."""

LINKS, IMAGE = "links", "image_url"
"""Names of annotations: the links, one per line, and the first image."""


def details(given: object) -> dict[str, str]:
    """An annotation for each detail. Lists and objects become JSON; a plain text is `details`.

    After the first MOST details the rest are left out: an alert with many details must still page.
    """
    if not isinstance(given, dict):
        return {"details": shown} if (shown := _text(given)) else {}
    texts = {str(name): shown for name, value in given.items() if (shown := _text(value))}
    return dict(islice(texts.items(), MOST))


def links(links: object, images: object) -> tuple[dict[str, str], str]:
    """Annotations with the links and the first image; also the URL of the first link, or ""."""
    named = [*_links(links)]
    annotations = {}
    if named:
        annotations[LINKS] = "\n".join(f"{name} {url}".strip() for url, name in named)
    sources = (text(member(image, "src")) for image in images) if isinstance(images, list) else ()
    if image := next(filter(None, sources), ""):
        annotations[IMAGE] = image
    return annotations, named[0][0] if named else ""


def _links(given: object) -> Iterator[tuple[str, str]]:
    for link in given if isinstance(given, list) else ():
        if url := text(member(link, "href")):
            yield url, text(member(link, "text"))


def _text(value: object) -> str:
    if value is None or value in ("", [], {}):
        return ""
    simple = scalar(value)
    return simple if simple is not None else msgspec.json.encode(value).decode()

"""Checks of the sources' names."""

import re

from router.config.convert import Context

RESERVED = {
    "person": "alerts that people declare",
    "heartbeat": "missed heartbeats",
    "drill": "drills",
}
"""Names of the router's own sources of alerts."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,60}")


def check_sources(context: Context) -> None:
    """Check names of sources: they're part of URLs, of metrics, and of the identity of alerts."""
    for name in context.names_at(("sources",)):
        place = context.places["sources", name]
        if not _NAME.fullmatch(name):
            context.report(
                place,
                f"the name of a source is part of a URL: use letters, digits, '.', '_' and '-', "
                f"not {name!r}",
            )
        elif name in RESERVED:
            context.report(place, f"'{name}' is the source of {RESERVED[name]}: use another name")

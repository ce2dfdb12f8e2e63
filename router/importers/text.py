"""Text of the files that an import writes."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

LONGEST = 100
"""Maximum characters of a line, if it can be wrapped."""


def inline(value: Any) -> str:
    """A value on one line: `{type: email, to: [ana@example.com]}`."""
    text = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=float("inf")
    )
    return text.removesuffix("...\n").strip()


def literal(text: str) -> str:
    """Escape `${`, so that it isn't read as an environment variable."""
    return text.replace("${", "$${")


def slug(text: str) -> str:
    """A name for a key: `Team X (pager)` is `team-x-pager`."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-") or "unnamed"


def unique(name: str, taken: Iterable[str]) -> str:
    """The name, or the first of `name-2`, `name-3` … that is free."""
    free, number, used = name, 1, set(taken)
    while free in used:
        number += 1
        free = f"{name}-{number}"
    return free


def block(key: str, entries: Mapping[str, Any], comments: Mapping[str, str] | None = None) -> str:
    """A mapping with one entry per line, each after its comment."""
    lines = [f"{key}:"]
    for name, value in entries.items():
        if comments and (comment := comments.get(name)):
            lines.append(f"  # {comment}")
        lines.append(_entry(inline(name), value))
    return "\n".join(lines) + "\n" if entries else ""


def _entry(name: str, value: Any) -> str:
    """A mapping that is too long for a line has a line for each key."""
    line = f"  {name}: {inline(value)}"
    if len(line) <= LONGEST or not isinstance(value, Mapping):
        return line
    return "\n    ".join([f"  {name}:", *(f"{key}: {inline(item)}" for key, item in value.items())])


def listing(key: str, items: Iterable[Any]) -> str:
    """A list with one item per line; "" if it's empty."""
    lines = [f"  - {inline(item)}" for item in items]
    return "\n".join([f"{key}:", *lines]) + "\n" if lines else ""

"""Turns Slack's markup into plain text.

https://docs.slack.dev/messaging/formatting-message-text
"""

import re
from collections.abc import Mapping
from html import unescape

_REFERENCE = re.compile(r"<([^\s<>|][^<>|]*)(?:\|([^<>]*))?>")


def written(text: str, names: Mapping[str, str]) -> str:
    """Remove Slack's markup: `<@U123>` becomes @name, `<URL|label>` becomes label (URL)."""
    return unescape(
        _REFERENCE.sub(lambda found: _read(found[1], found[2] or "", names), text)
    ).strip()


def _read(target: str, label: str, names: Mapping[str, str]) -> str:
    match target[:1]:
        case "@":
            return f"@{names.get(target[1:]) or label or target[1:]}"
        case "#":
            return f"#{label or target[1:]}"
        case "!":
            return f"@{label.removeprefix('@') or target[1:].partition('^')[0]}"
    return f"{label} ({target})" if label and label != target else target

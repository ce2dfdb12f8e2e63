"""Sentences with optional parts: `Acknowledged[ by {by}]`."""

import re
from collections.abc import Mapping

_OPTIONAL = re.compile(r"\[([^]]*)\]")


def fill(sentence: str, known: Mapping[str, str]) -> str:
    """Fill in the known values. A part in brackets that lacks a value is left out."""
    # Odd parts are in brackets. Filled-in values aren't expanded again.
    return "".join(_filled(part, known) for part in _OPTIONAL.split(sentence))


def _filled(part: str, known: Mapping[str, str]) -> str:
    try:
        return part.format_map(known)
    except KeyError:
        return ""

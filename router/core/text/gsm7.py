"""Text for SMS in GSM-7 (3GPP TS 23.038, 6.2.1).

A single character outside of GSM-7 more than halves the capacity of a segment.
"""

import unicodedata

# ruff: noqa: RUF001 --   this module is about characters that look like others

ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("^{}\\[~]|€")
"""Characters that need an escape, so they take two septets."""

SEGMENT = 160
"""Septets of a message in one segment
(https://www.twilio.com/docs/glossary/what-is-gsm-7-character-encoding).
"""

TWO_SEGMENTS = 305
"""Septets that fit into two segments of 153.

An escape and its character stay in the same segment, so a septet may be unused.
"""

_SPELT = {
    char: instead
    for instead, chars in (
        *(("'", "‘’‚‛′`´ʼ"), ('"', "“”„‟″«»"), ("-", "‐‑‒–—―−"), ("*", "•·∙"), (" ", "\t")),
        *(
            ("->", "→⇒"),
            ("<-", "←⇐"),
            (">=", "≥"),
            ("<=", "≤"),
            ("!=", "≠"),
            ("x", "×"),
            ("/", "÷⁄"),
            (" deg ", "°"),
        ),
        *zip(
            ("l", "L", "d", "D", "d", "D", "i", "oe", "OE", "th", "Th"), "łŁđĐðÐıœŒþÞ", strict=True
        ),
    )
    for char in chars
}


def gsm7(text: str) -> str:
    """Convert `text` to GSM-7: without accents and emoji, with `?` for letters of other scripts."""
    return "".join(map(_spell, unicodedata.normalize("NFC", text)))


def septets(text: str) -> int:
    """The length of `text`, which must be in GSM-7, in septets."""
    return len(text) + sum(char in EXTENSION for char in text)


def fit(text: str, room: int) -> str:
    """Cut `text`, which must be in GSM-7, to at most `room` septets (at least three)."""
    if septets(text) <= room:
        return text
    kept, left = 0, room - len("...")
    while (left := left - septets(text[kept])) >= 0:
        kept += 1
    return text[:kept].rstrip() + "..."


def _spell(char: str) -> str:
    if char in ALPHABET or char in EXTENSION:
        return char
    return _SPELT.get(char) or "".join(map(_nearest, unicodedata.normalize("NFKD", char)))


def _nearest(char: str) -> str:
    if char in ALPHABET or char in EXTENSION:
        return char
    return _SPELT.get(char, "?" if char.isalnum() else "")

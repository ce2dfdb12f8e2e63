"""Text for SMS in GSM-7 (3GPP TS 23.038, 6.2.1).

One character outside of it more than halves what a segment holds.
"""

import unicodedata

# ruff: noqa: RUF001 -- characters that look like others are what this is about

ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("^{}\\[~]|€")
"""These take an escape before them, thus two septets."""

SEGMENT = 160
"""Septets of a message in one segment (https://www.twilio.com/docs/glossary/what-is-gsm-7-character-encoding)."""

TWO_SEGMENTS = 305
"""Septets that surely fit into two segments of 153: an escape isn't parted from its character,
which may leave one.
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
    """`text` with what GSM-7 lacks written otherwise: accents and emoji go, a letter of another
    script becomes `?`.
    """
    return "".join(map(_spell, unicodedata.normalize("NFC", text)))


def septets(text: str) -> int:
    """How much room `text`, which is in GSM-7, takes."""
    return len(text) + sum(char in EXTENSION for char in text)


def fit(text: str, room: int) -> str:
    """`text`, which is in GSM-7, cut to `room` septets; three at least."""
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

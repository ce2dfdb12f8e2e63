"""Tokens for commands on the router's own machine.

Anybody who can read the config and the store can read the key of all sessions, and could do
everything anyway. So `alert-router user` signs its requests with that key, and the first admin
needs no other credentials.
"""

from router.core.messages.signed_links import Seal
from router.core.text.plain import plain

PREFIX = "local:"
LIFE = 60.0
"""Seconds for which a token is valid."""


def operator_token(seal: Seal, name: str, now: float) -> str:
    shown = "".join(char if char.isalnum() and char.isascii() else "-" for char in name)[:30]
    return PREFIX + seal.sealed("operator", f"{shown}.{now + LIFE:.0f}")


def operator_of(seal: Seal, token: str, now: float) -> str | None:
    """Return the name of the person who made the token; None if it is forged or too old."""
    opened = seal.opened("operator", token.removeprefix(PREFIX))
    if opened is None:
        return None
    name, _, expires = opened.rpartition(".")
    return plain(name) if now <= float(expires) <= now + 2 * LIFE else None

"""API tokens that people make: shown once, stored as a hash, with a role, areas and an end.

A token is `art_ID_SECRET`. A personal token acts as its owner, with at most their current role.
"""

import hmac
import secrets
from collections.abc import Sequence
from hashlib import sha256

from msgspec.structs import replace

from router.model.access import API_TOKEN, ApiToken
from router.ports.clock import Clock
from router.ports.store import Store
from router.records.records import Records

PREFIX = "art_"
MOST = 10_000

NOTED = 60.0
"""Minimum seconds between two updates of a token's last use."""


class Tokens:
    """Makes, finds and revokes tokens. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._tokens = Records(store, API_TOKEN, ApiToken)
        self._clock = clock

    async def make(self, token: ApiToken) -> tuple[str, str]:
        """Store a token. Returns its id, and the text that nobody can read again."""
        key, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        stored = replace(token, sha256=_digest(secret))
        await self._tokens.add(key, stored, stored.expires_at)
        return key, f"{PREFIX}{key}_{secret}"

    async def find(self, text: str) -> tuple[str, ApiToken] | None:
        """Return the valid token with this text, and record its use."""
        key, _, secret = text.removeprefix(PREFIX).partition("_")
        if not (key.isascii() and key.isalnum() and len(key) == 12):
            return None
        token, now = await self._tokens.get(key), self._clock.now()
        if token is None or not hmac.compare_digest(token.sha256, _digest(secret)):
            return None
        if token.revoked or token.expires_at <= now:
            return None
        if now - token.used_at >= NOTED:
            await self._tokens.change(
                key, lambda stored: stored and replace(stored, used_at=now), token.expires_at
            )
        return key, token

    async def get(self, key: str) -> ApiToken | None:
        return await self._tokens.get(key)

    async def valid(self) -> Sequence[tuple[str, ApiToken]]:
        """Return all tokens that are valid, the newest first."""
        found = await self._tokens.find(since=self._clock.now(), limit=MOST)
        valid = [pair for pair in found if not pair[1].revoked]
        return sorted(valid, key=lambda pair: -pair[1].made_at)

    async def revoke(self, key: str) -> None:
        """End a token now. Housekeeping deletes its document after the retention time."""
        now = self._clock.now()
        await self._tokens.change(key, lambda stored: stored and replace(stored, revoked=True), now)


def _digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()

"""Signed links: what is in one can be made by nobody else, and says only what it's for and for
whom.
"""

import hmac
from base64 import b32encode
from hashlib import sha256

from router.ports.store import Store
from router.signing import made_key

KEY = "subscribers"
"""The name of the key: one of its own, for an address is known by its signature, and none of that
can expire.
"""

LENGTH = 26
"""Characters of a signature: 130 bits, of five each."""


class Links:
    """Signs and checks. `open` must have been awaited once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = b""

    async def open(self, now: float) -> None:
        """Get the key, or make it. Raises: StoreUnavailable."""
        self._key = self._key or await made_key(self._store, KEY, now)

    def subscriber(self, address: str) -> str:
        """The id under which an address is kept, which doesn't tell it."""
        return self._sign(f"subscriber {address.lower()}")

    def token(self, purpose: str, subscriber: str, expires: float = 0.0) -> str:
        """`expires` in UTC seconds, 0 for never."""
        return f"{subscriber}.{expires:.0f}.{self._sign(f'{purpose} {subscriber} {expires:.0f}')}"

    def check(self, purpose: str, token: str, now: float) -> str | None:
        """The subscriber that the token is for; None if it isn't ours, is for something else, or is
        too old.
        """
        subscriber, _, rest = token.partition(".")
        expires, _, signature = rest.partition(".")
        signed = self._sign(f"{purpose} {subscriber} {expires}")
        if not hmac.compare_digest(signed.encode(), signature.encode()):
            return None
        return subscriber if expires == "0" or now <= int(expires) else None

    def _sign(self, text: str) -> str:
        assert self._key, "open comes first"
        return b32encode(hmac.digest(self._key, text.encode(), sha256)).decode().lower()[:LENGTH]

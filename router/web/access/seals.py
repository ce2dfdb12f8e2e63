"""The key of sessions and sign-in links, made on first use."""

from router.core.messages.signed_links import Seal
from router.ports.clock import Clock
from router.ports.store import Store
from router.signing import access_seal


class Seals:
    """Reads the key once, then keeps it in memory."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._seal: Seal | None = None

    async def get(self) -> Seal:
        """Raises: StoreUnavailable."""
        if self._seal is None:
            self._seal = await access_seal(self._store, self._clock.now())
        return self._seal

"""Limits on how often a form is accepted for a key: a network address, a mailbox, a user."""

from collections import OrderedDict

from router.core.outbox.rate_limit import RateLimit

KEPT = 10_000
"""Maximum keys that a limit remembers. It forgets the least recent first."""


class KeyedLimit:
    """At most `count` in any `per` seconds for each key."""

    def __init__(self, count: int, per: float) -> None:
        self._count = count
        self._per = per
        self._paces: OrderedDict[str, RateLimit] = OrderedDict()

    def take(self, key: str, now: float) -> bool:
        """Count one more for the key. Returns False, without counting, if the limit is reached."""
        pace = self._paces.setdefault(key, RateLimit(self._count, self._per))
        self._paces.move_to_end(key)
        if len(self._paces) > KEPT:
            self._paces.popitem(last=False)
        if pace.free(now) <= 0:
            return False
        pace.take(now)
        return True

"""Limits on attempts at a password."""

from aiohttp import web

from router.core.outbox.keyed_limit import KeyedLimit
from router.ports.clock import Clock
from router.web.access.client import address_of

BY_CLIENT = (10, 900.0)
"""Maximum attempts at a user's password from one address, and the period in seconds."""

BY_USER = (100, 3600.0)
"""The same for all addresses together. A higher limit would help to guess passwords; a lower limit
would let strangers lock users out.
"""

MAILS = (5, 3600.0)
"""Maximum requests for a mail, by address and by user, and the period in seconds."""

OFTEN = "Too many attempts: wait a quarter of an hour, or use another way to sign in."


class Attempts:
    """Counts attempts before the password is checked, so that parallel attempts count, too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_client = KeyedLimit(*BY_CLIENT)
        self._by_user = KeyedLimit(*BY_USER)
        self._mails = KeyedLimit(*MAILS)

    def take(self, request: web.Request, who: str) -> bool:
        """Count an attempt. Returns False if there were too many."""
        name, now = who.casefold()[:100], self._clock.now()
        from_here = self._by_client.take(f"{address_of(request)} {name}", now)
        return from_here and self._by_user.take(name, now)

    def take_mail(self, request: web.Request, who: str) -> bool:
        """Count a request for a mail. Returns False if there were too many."""
        now = self._clock.now()
        from_here = self._mails.take(f"from {address_of(request)}", now)
        return from_here and self._mails.take(f"for {who.casefold()[:100]}", now)

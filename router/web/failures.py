"""Slows down clients that fail repeatedly: wrong secrets, forged links, forbidden commands.

Only failing requests are delayed, so a client with the right secret behind the same proxy never is.
"""

from collections import OrderedDict
from http import HTTPStatus

from router.ports.clock import Clock

LINKS = "/act/"
"""Paths of signed links: a path that is not found there is a forged or expired link."""

FREE = 10
"""Failures in a row without a delay."""

FORGET = 600.0
"""Seconds without a failure after which the failures of a peer are forgotten."""

LONGEST = 5.0
"""Maximum delay in seconds."""

PEERS = 10_000
"""Maximum peers that are remembered: then the one whose last failure is oldest is forgotten."""

WAITING = 100
"""Maximum delayed requests at the same time. Further ones are answered immediately."""


class Failures:
    """Counts failures by peer address."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._peers: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._waiting = 0

    async def wait(self, peer: str) -> None:
        """Count a failure of the peer, and wait for as long as its failures so far require."""
        seconds = self.count(peer, self._clock.now())
        if not seconds or self._waiting >= WAITING:
            return
        self._waiting += 1
        try:
            await self._clock.sleep(seconds)
        finally:
            self._waiting -= 1

    def count(self, peer: str, now: float) -> float:
        """Count a failure of the peer. Returns the seconds by which to delay the answer."""
        failures, last = self._peers.pop(peer, (0, now))
        failures = 1 if now - last > FORGET else failures + 1
        self._peers[peer] = (failures, now)
        if len(self._peers) > PEERS:
            self._peers.popitem(last=False)
        return min(LONGEST, 0.1 * 2 ** min(failures - FREE, 10)) if failures > FREE else 0.0


def failure_of(path: str, status: int) -> str:
    """The reason for the metric; "" if the failure isn't the client's fault."""
    if status == HTTPStatus.UNAUTHORIZED:
        return "unauthorized"
    if status == HTTPStatus.FORBIDDEN:
        return "forbidden"
    if status == HTTPStatus.NOT_FOUND and path.startswith(LINKS):
        return "forged_link"
    return ""

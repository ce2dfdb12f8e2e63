"""Password hashes: Argon2id, computed in threads, so that the event loop isn't blocked."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from router.ports.errors import InvalidInput, Overloaded

SHORTEST = 12
LONGEST = 1000
"""Minimum characters of a password. NIST SP 800-63B requires length, not kinds of characters."""

PASSES, MEMORY, LANES = 3, 64 * 1024, 4
"""The second recommended option of RFC 9106; the memory is in KiB."""

AT_ONCE = 2
"""Maximum concurrent hashes: each takes this memory, and tens of milliseconds."""

WAITING = 20
"""Maximum requests that wait for a hash. Further requests are refused."""


class Passwords:
    """Hashes and checks passwords."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(PASSES, MEMORY, LANES)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """Raises: Overloaded."""
        return await self._run(password, None)

    async def check(self, password: str, known: str) -> bool:
        """Check a password against a hash. A check against "" (no password) takes the same time.

        Raises: Overloaded.
        """
        if len(password) > LONGEST:
            return False
        if not known:
            self._nobody = self._nobody or await self.hash("nobody has this password")
        return bool(await self._run(password, known or self._nobody)) and bool(known)

    def is_outdated(self, known: str) -> bool:
        """Report whether the parameters of a hash are outdated."""
        return self._hasher.check_needs_rehash(known)

    async def _run(self, password: str, known: str | None) -> str:
        if self._waiting >= WAITING:
            raise Overloaded("too many people are signing in at the same time: try again")
        self._waiting += 1
        try:
            async with self._room:
                return await asyncio.to_thread(self._compute, password, known)
        finally:
            self._waiting -= 1

    def _compute(self, password: str, known: str | None) -> str:
        """Return a new hash, or the known one if the password is right, else ""."""
        raw = password.encode("utf-8", "surrogatepass")
        if known is None:
            return self._hasher.hash(raw)
        try:
            self._hasher.verify(known, raw)
        except (VerificationError, InvalidHashError):
            return ""
        return known


def check_strength(password: str, *names: str) -> None:
    """Raises: InvalidInput."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(
            f"a password has at least {SHORTEST} characters: four random words are easy to type",
            "/password",
        )
    if password.casefold() in {name.casefold() for name in names if name}:
        raise InvalidInput("the password must differ from the name", "/password")

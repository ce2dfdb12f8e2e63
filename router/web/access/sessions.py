"""Sessions of browsers: a signed cookie that is replaced every hour, and a document in the store.

A cookie is `ID.NUMBER.MAC`. The store has only a hash of the id, so somebody who can read the store
can't make a cookie. If an older cookie is used after a newer one, somebody has copied it, and the
session ends. A cookie that didn't reach the browser is issued again.
"""

import secrets
from collections.abc import Callable, Sequence
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from router.config.auth import SessionsConfig
from router.model.access import SESSION, Session
from router.ports.clock import Clock
from router.ports.store import Store
from router.records.records import Records
from router.telemetry.logs import logger
from router.web.access.seals import Seals

log = logger(__name__)

ROTATE = 3600.0
"""Seconds after which a cookie is replaced."""

GRACE = 60.0
"""Seconds for which the old cookie stays valid once the new one was used: requests are parallel."""

NOTED = 60.0
"""Minimum seconds between two updates of a session's last request."""

MOST = 10_000

FRESH = 900.0
"""Seconds after a sign-in by a link in which the password may be set without the old one."""


class Client(Struct, frozen=True):
    """The sender of a request: its address and program."""

    address: str
    agent: str


class Found(Struct, frozen=True):
    """A session, and the cookie to set; "" for none."""

    id: str
    session: Session
    cookie: str = ""


class Sessions:
    """Begins, finds and ends sessions. Every method raises StoreUnavailable."""

    def __init__(
        self, store: Store, clock: Clock, seals: Seals, config: Callable[[], SessionsConfig]
    ) -> None:
        self._sessions = Records(store, SESSION, Session)
        self._clock = clock
        self._seals = seals
        self._config = config

    async def begin(self, user: str, proof: str, client: Client, *, by_link: bool = False) -> str:
        """Begin a session, and return its cookie."""
        key, now = secrets.token_urlsafe(24), self._clock.now()
        session = Session(
            user=user,
            proof=proof,
            made_at=now,
            seen_at=now,
            expires_at=now + self._config().absolute,
            address=client.address,
            agent=client.agent,
            rotated_at=now,
            confirmed_at=now,
            password_by=now + FRESH if by_link else 0.0,
        )
        await self._sessions.add(_stored(key), session, session.expires_at)
        return await self._cookie(key, session)

    async def find(self, cookie: str) -> Found | None:
        """Return the session of a valid cookie, and record its use."""
        opened = (await self._seals.get()).opened("session", cookie)
        if opened is None:
            return None
        key, _, written = opened.partition(".")
        name, number = _stored(key), int(written)
        before = await self._sessions.get(name)
        if before is None:
            return None
        now = self._clock.now()
        if self._is_over(before, now):
            await self._sessions.remove(name)
            return None
        if not _accepts(before, number, now):
            await self._sessions.remove(name)
            log.warning("session_ended", reason="an old cookie was used", user=before.user)
            return None
        after = await self._noted(name, before, number, now)
        cookie = "" if after.number == number else await self._cookie(key, after)
        return Found(name, after, cookie)

    async def _noted(self, name: str, before: Session, number: int, now: float) -> Session:
        def change(session: Session | None) -> Session | None:
            after = session and _used(session, number, now)
            return None if after == session else after

        if change(before) is None:
            return before
        return await self._sessions.change(name, change, before.expires_at) or before

    def _is_over(self, session: Session, now: float) -> bool:
        config = self._config()
        absolute = min(session.expires_at, session.made_at + config.absolute)
        return now >= absolute or now - session.seen_at >= config.idle

    async def of(self, user: str) -> Sequence[tuple[str, Session]]:
        """Return the active sessions of a user, or of all users for "", the last used first."""
        now = self._clock.now()
        found = await self._sessions.find(since=now, limit=MOST)
        theirs = [
            pair
            for pair in found
            if (not user or pair[1].user == user) and not self._is_over(pair[1], now)
        ]
        return sorted(theirs, key=lambda pair: -pair[1].seen_at)

    async def end(self, name: str) -> bool:
        """End a session. Returns whether there was one."""
        return await self._sessions.remove(name)

    async def end_all(self, user: str, but: str = "") -> None:
        """End the sessions of a user, except the one with the id `but`."""
        for name, _ in await self.of(user):
            if name != but:
                await self.end(name)

    async def _cookie(self, key: str, session: Session) -> str:
        return (await self._seals.get()).sealed("session", f"{key}.{session.number}")


def _stored(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:32]


def _accepts(session: Session, number: int, now: float) -> bool:
    """Return whether a cookie with this number is still valid."""
    if number == session.number:
        return True
    is_replaced = session.confirmed_at is not None and now - session.confirmed_at > GRACE
    return number == session.number - 1 and not is_replaced


def _used(session: Session, number: int, now: float) -> Session:
    """Return the session, updated for a request with a cookie of this number."""
    if now - session.seen_at >= NOTED:
        session = replace(session, seen_at=now)
    if number != session.number:
        return session
    if session.confirmed_at is None:
        session = replace(session, confirmed_at=now)
    if now - session.rotated_at >= ROTATE:
        session = replace(session, number=number + 1, rotated_at=now, confirmed_at=None)
    return session

"""Users: people who may sign in with a password or a one-time link."""

import re
import secrets
from collections.abc import Callable, Sequence
from hashlib import sha256

import msgspec
from msgspec.structs import replace

from router.config.auth import RoleName
from router.core.incident.snapshot import Writes
from router.core.text.plain import plain
from router.model.access import LINK, LINK_PURPOSE, USER, SignInLink, User
from router.model.decision import Queued
from router.model.outbox import SIGN_IN_MAIL, OutboxKind
from router.model.reason import Reason
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.store import Store
from router.records.records import Records
from router.web.access.oidc import Person
from router.web.access.passwords import Passwords, check_strength
from router.web.access.seals import Seals

MOST = 10_000

MAILED = 900.0
"""Seconds for which a mailed link is valid."""

INVITATION = 3 * 86_400.0
"""Seconds for which a sign-in link from an admin is valid."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class LastAdmin(Exception):
    """The change would leave nobody who can manage users."""


class Users:
    """Reads and changes users. Every method raises StoreUnavailable.

    `other_admins` returns whether anybody other than a user may manage users.
    """

    def __init__(
        self, store: Store, clock: Clock, seals: Seals, *, other_admins: Callable[[], bool]
    ) -> None:
        self._store = store
        self._users = Records(store, USER, User)
        self._links = Records(store, LINK, SignInLink)
        self._clock = clock
        self._seals = seals
        self._other_admins = other_admins
        self._passwords = Passwords()

    async def everybody(self) -> Sequence[tuple[str, User]]:
        """Return all users with their user names, ordered by name."""
        return sorted(await self._users.find(limit=MOST))

    async def get(self, name: str) -> User | None:
        return await self._users.get(name)

    async def find(self, who: str) -> tuple[str, User] | None:
        """Find a user by their user name or e-mail address."""
        wanted = plain(who).casefold()
        if "@" not in wanted:
            user = await self._users.get(wanted) if _NAME.fullmatch(wanted) else None
            return (wanted, user) if user else None
        found = [
            pair
            for pair in await self.everybody()
            if pair[1].email.casefold() == wanted and not pair[1].subject
        ]
        return found[0] if len(found) == 1 else None

    async def add(self, name: str, role: RoleName, *, email: str = "", shown: str = "") -> User:
        """Raises: InvalidInput."""
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                "a user name has lower-case letters, digits, '.', '_' or '-'", "/name"
            )
        if email and not _EMAIL.fullmatch(email):
            raise InvalidInput("expected an address such as ana@example.com", "/email")
        if email and await self.find(email):
            raise InvalidInput("another user has this address", "/email")
        now = self._clock.now()
        user = User(role, now, plain(shown)[:60], email)
        if not await self._users.add(name, user, now):
            raise InvalidInput(f"user {name} already exists", "/name")
        return user

    async def verify(self, who: str, password: str) -> tuple[str, User] | None:
        """Return the user of this name or address and password. Raises: Overloaded."""
        found = await self.find(who)
        known = "" if found is None or found[1].disabled else found[1].password
        if not await self._passwords.check(password, known) or found is None:
            return None
        if self._passwords.is_outdated(known):
            fresh = await self._passwords.hash(password)
            await self._change(found[0], lambda user: replace(user, password=fresh))
        return found

    async def set_password(self, name: str, password: str) -> User | None:
        """Set a password, and end all sessions. Raises: InvalidInput, Overloaded."""
        check_strength(password, name)
        fresh = await self._passwords.hash(password)
        return await self._change(
            name, lambda user: replace(user, password=fresh, generation=user.generation + 1)
        )

    async def set_role(self, name: str, role: RoleName) -> User | None:
        """Raises: LastAdmin."""
        if role != "admin":
            await self._check_admins(name)
        return await self._change(name, lambda user: replace(user, role=role))

    async def disable(self, name: str, *, disabled: bool = True) -> User | None:
        """Lock a user out, and end their sessions; or let them sign in again. Raises: LastAdmin."""
        if disabled:
            await self._check_admins(name)
        return await self._change(
            name,
            lambda user: replace(user, disabled=disabled, generation=user.generation + disabled),
        )

    async def sign_out(self, name: str) -> User | None:
        """End all sessions of a user."""
        return await self._change(name, lambda user: replace(user, generation=user.generation + 1))

    @staticmethod
    def key_of(issuer: str, subject: str) -> str:
        """Return the user name for a provider's subject. Other user names have no colon."""
        return f"oidc:{sha256(msgspec.json.encode([issuer, subject])).hexdigest()[:20]}"

    async def arrived(self, issuer: str, person: Person) -> tuple[str, User]:
        """Store a person whom a provider has confirmed, with their current groups."""
        name, now = self.key_of(issuer, person.subject), self._clock.now()

        def change(before: User | None) -> User:
            return replace(
                before or User("viewer", now),
                name=person.name,
                email=person.email,
                subject=person.subject,
                groups=person.groups,
            )

        user = await self._users.change(name, change, now)
        assert user is not None
        return name, user

    async def seen(self, name: str) -> None:
        """Note that a user signed in."""
        now = self._clock.now()
        await self._change(name, lambda user: replace(user, seen_at=now))

    async def link(self, name: str, lasts: float = INVITATION) -> str:
        """Make a link that signs a user in, once. Returns its token."""
        key = await self._new_link(name, lasts)
        return (await self._seals.get()).sealed(LINK_PURPOSE, key)

    async def mail_link(self, who: str) -> None:
        """Queue a mail with a link to the user of this name or address, if there is one."""
        found = await self.find(who)
        if found is None or found[1].disabled or not found[1].email:
            return
        name, now = found[0], self._clock.now()
        key = await self._new_link(name, MAILED)
        address = f"{SIGN_IN_MAIL}/{name}"
        queued = Queued(0, address, Reason.PUBLISHED, now, OutboxKind.SIGN_IN, key)
        await self._store.save(Writes(queued=[queued]))

    async def _new_link(self, name: str, lasts: float) -> str:
        key, now = secrets.token_hex(8), self._clock.now()
        await self._links.add(key, SignInLink(name, now, now + lasts), now + lasts)
        return key

    async def linked(self, token: str) -> str | None:
        """Return the user that a link would sign in; None if it is no longer valid."""
        key = (await self._seals.get()).opened(LINK_PURPOSE, token)
        link = await self._links.get(key) if key else None
        if link is None or link.used_at is not None or link.expires_at < self._clock.now():
            return None
        user = await self._users.get(link.user)
        return None if user is None or user.disabled else link.user

    async def use_link(self, token: str) -> str | None:
        """Invalidate a link. Returns the user that it signs in; None if it was not valid."""
        name, now = await self.linked(token), self._clock.now()
        if name is None:
            return None
        key = (await self._seals.get()).opened(LINK_PURPOSE, token) or ""
        used = await self._links.change(
            key,
            lambda link: replace(link, used_at=now) if link and link.used_at is None else None,
            now,
        )
        return None if used is None else name

    async def _change(self, name: str, change: Callable[[User], User]) -> User | None:
        found = await self._users.get(name)
        if found is None:
            return None
        return await self._users.change(name, lambda user: user and change(user), found.made_at)

    async def _check_admins(self, name: str) -> None:
        if self._other_admins():
            return
        everybody = await self.everybody()
        if not any(
            user.role == "admin" and not user.disabled and not user.subject
            for key, user in everybody
            if key != name
        ):
            raise LastAdmin(f"{name} is the only admin")

"""The rules for making and revoking API tokens, the same for pages and API."""

from collections.abc import Callable, Collection

from aiohttp import web
from msgspec import Struct

from router.config.auth import RoleName
from router.config.config_file import ConfigFile
from router.config.fields import parse_duration
from router.core.text.plain import plain
from router.model.access import ApiToken
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.web.access.tokens import Tokens
from router.web.auth import Credential, Identity, Role

LONGEST = 366 * 86_400.0
"""Maximum seconds for which a token may be valid."""


class TokenRequest(Struct, frozen=True):
    """A token to make. `expires` is a duration; without `areas` it may be used everywhere."""

    name: str
    role: RoleName
    areas: tuple[str, ...]
    expires: str
    service: bool


class TokenRules:
    """Makes tokens for people who may have them. `areas` are all areas that exist."""

    def __init__(
        self,
        tokens: Tokens,
        clock: Clock,
        config_file: Callable[[], ConfigFile],
        areas: Callable[[], Collection[str]],
    ) -> None:
        self.areas = areas
        self._tokens = tokens
        self._clock = clock
        self._config_file = config_file

    async def make(self, me: Identity, wanted: TokenRequest) -> tuple[str, str, ApiToken]:
        """Return the id, the text and the stored token.

        Raises: InvalidInput, StoreUnavailable, aiohttp's HTTPForbidden and HTTPConflict.
        """
        self._check_maker(me, wanted)
        now = self._clock.now()
        token = ApiToken(
            name=self._name(wanted),
            owner="" if wanted.service else me.user,
            role=wanted.role,
            areas=wanted.areas,
            sha256="",
            made_by=me.name,
            made_at=now,
            expires_at=now + _lasts(wanted.expires),
        )
        key, text = await self._tokens.make(token)
        return key, text, token

    async def revoke(self, me: Identity, key: str) -> ApiToken:
        """Raises: StoreUnavailable, aiohttp's HTTPNotFound."""
        token = await self._tokens.get(key)
        if token is None or token.revoked or not may_see(me, token):
            raise web.HTTPNotFound(text=f"you have no token {key}")
        await self._tokens.revoke(key)
        return token

    def _check_maker(self, me: Identity, wanted: TokenRequest) -> None:
        """Raises: InvalidInput, aiohttp's HTTPForbidden and HTTPConflict."""
        if me.credential is Credential.NONE:
            raise web.HTTPConflict(text="no sign-in is configured: configure auth first")
        if me.token:
            raise web.HTTPForbidden(text="a token can't make tokens: sign in")
        if Role[wanted.role.upper()] > me.role:
            raise web.HTTPForbidden(
                text=f"your role is {me.role.word}, and a token can't have a higher one"
            )
        if wanted.service and me.role < Role.ADMIN:
            raise web.HTTPForbidden(text="only an admin may make tokens for a service")
        if not wanted.service and not me.user:
            raise InvalidInput(
                "you are not one of the users: make a token for a service", "/service"
            )
        if unknown := sorted({*wanted.areas} - {*self.areas()}):
            known = ", ".join(sorted(self.areas()))
            raise InvalidInput(
                f"unknown areas: {', '.join(unknown)}; the areas are: {known}", "/areas"
            )

    def _name(self, wanted: TokenRequest) -> str:
        """Raises: InvalidInput."""
        name = plain(wanted.name)[:60]
        contacts = self._config_file().contacts.items()
        taken = {text.casefold() for key, contact in contacts for text in (key, contact.name)}
        if not name:
            raise InvalidInput("a token needs a name", "/name")
        if wanted.service and name.casefold() in taken | {*self._config_file().auth.tokens}:
            raise InvalidInput("a service can't have the name of a person or token", "/name")
        return name


def may_see(me: Identity, token: ApiToken) -> bool:
    """Report whether somebody may see and revoke a token: its owner, and admins."""
    return me.role is Role.ADMIN or (bool(token.owner) and token.owner == me.user)


def _lasts(text: str) -> float:
    """Return the seconds for which a token is valid. Raises: InvalidInput."""
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise InvalidInput(str(error), "/expires") from None
    if not 60 <= seconds <= LONGEST:
        raise InvalidInput("expected 1m to 366d", "/expires")
    return seconds

"""Finds the identity of a request: by a token, a session, or the header of a proxy."""

import binascii
import hashlib
import hmac
from base64 import b64decode

from aiohttp import web

from router.config.auth import Auth, ProxyConfig, RoleName, role_of
from router.config.config_file import ConfigFile
from router.model.access import ApiToken, User
from router.web.access import tokens
from router.web.access.accounts import Accounts
from router.web.access.contacts import Known, person
from router.web.access.cookies import FRESH, name_of
from router.web.access.operator import PREFIX, operator_of
from router.web.access.sessions import Found
from router.web.auth import HOLDER, Credential, Identity, Role, named

API = "/api/"
PROXIED = "proxy:"
"""Prefix of the user name of a person whom a proxy identifies."""


class Identities:
    """Finds who sends a request. Every method raises StoreUnavailable."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def _config(self) -> ConfigFile:
        return self._accounts.config_file()

    async def of(self, request: web.Request) -> Identity | None:
        """Return the sender; None without valid credentials. Raises: aiohttp's HTTPForbidden.

        If no sign-in is configured, everybody is an admin, named by `X-Router-User`.
        """
        config = self._config()
        if not config.auth.is_required:
            return _anybody(request)
        if config.auth.proxy and (proxied := _by_proxy(request, config.auth.proxy, config)):
            return proxied
        credential, token = _presented(request)
        if token:
            return await self._by_any_token(token, credential)
        cookie = request.cookies.get(name_of(config), "")
        if "Authorization" in request.headers or not cookie:
            return None
        found = await self._accounts.sessions.find(cookie)
        identity = None if found is None else await self._by_session(found)
        request[FRESH] = "" if found is None or identity is None else found.cookie or cookie
        return identity

    def by_config_token(self, token: str, credential: Credential) -> Identity | None:
        """Return the holder of an API token of the config."""
        config, digest, found = self._config(), _digest(token), None
        for name, known in config.auth.tokens.items():
            if hmac.compare_digest(known.sha256, digest):
                found = _holder(name, known.role, credential, config)
        return found

    async def _by_any_token(self, token: str, credential: Credential) -> Identity | None:
        if token.startswith(PREFIX) and credential is Credential.BEARER:
            return await self._by_operator(token)
        if token.startswith(tokens.PREFIX):
            return await self._by_stored_token(token, credential)
        return self.by_config_token(token, credential)

    async def _by_operator(self, token: str) -> Identity | None:
        seal, now = await self._accounts.seals.get(), self._accounts.clock.now()
        name = operator_of(seal, token, now)
        if name is None:
            return None
        return Identity(name=name, role=Role.ADMIN, credential=Credential.BEARER)

    async def _by_stored_token(self, text: str, credential: Credential) -> Identity | None:
        """Return the owner of a token, with at most the owner's current role; or the service."""
        found = await self._accounts.tokens.find(text)
        if found is None:
            return None
        key, token = found
        known, role = await self._owner(token)
        if role is None:
            return None
        return Identity(
            name=known.name,
            role=min(Role[role.upper()], Role[token.role.upper()]),
            credential=credential,
            contact=known.contact,
            user=token.owner,
            token=key,
            areas=frozenset(token.areas),
        )

    async def _owner(self, token: ApiToken) -> tuple[Known, RoleName | None]:
        """Return the person as whom a token acts, and their current role."""
        config = self._config()
        if not token.owner:
            return Known(token.name, ""), token.role
        if token.owner.startswith(PROXIED):
            name = token.owner.removeprefix(PROXIED)
            known = person(config.contacts, name, email=name if "@" in name else "")
            return known, token.role if config.auth.proxy else None
        user = await self._accounts.users.get(token.owner)
        email, shown = (user.email, user.name) if user else ("", "")
        known = person(config.contacts, token.owner, email=email, shown=shown)
        return known, role_now(user, config.auth)

    async def _by_session(self, found: Found) -> Identity | None:
        """Return who is signed in, with their current role."""
        if found.session.user.startswith(HOLDER):
            return self._by_token_name(found)
        config = self._config()
        user = await self._accounts.users.get(found.session.user)
        role = role_now(user, config.auth)
        if user is None or role is None or str(user.generation) != found.session.proof:
            return None
        known = person(config.contacts, found.session.user, email=user.email, shown=user.name)
        return Identity(
            name=known.name,
            role=Role[role.upper()],
            credential=Credential.COOKIE,
            contact=known.contact,
            user=found.session.user,
            session=found.id,
        )

    def _by_token_name(self, found: Found) -> Identity | None:
        config, name = self._config(), found.session.user.removeprefix(HOLDER)
        token = config.auth.tokens.get(name)
        if token is None or not hmac.compare_digest(token.sha256, found.session.proof):
            return None
        return _holder(name, token.role, Credential.COOKIE, config, found.id)


def role_now(user: User | None, auth: Auth) -> RoleName | None:
    """Return a user's current role; None if they may not sign in."""
    if user is None or user.disabled:
        return None
    if user.subject:
        return role_of(auth.oidc.roles, user.groups) if auth.oidc else None
    return user.role if auth.users is not None else None


def _holder(
    name: str, role: RoleName, credential: Credential, config: ConfigFile, session: str = ""
) -> Identity:
    """Return the identity for a token of the config, with the token's name."""
    return Identity(
        name=name,
        role=Role[role.upper()],
        credential=credential,
        contact=name if name in config.contacts else "",
        session=session,
    )


def _by_proxy(request: web.Request, proxy: ProxyConfig, config: ConfigFile) -> Identity | None:
    """Return the person whom the proxy in front identifies; None if it identifies nobody."""
    user = named(request.headers.get(proxy.user, ""))
    if not user or not proxy.is_from(request.remote or ""):
        return None
    groups = request.headers.get(proxy.groups, "") if proxy.groups else ""
    role = role_of(proxy.roles, [group.strip() for group in groups.split(",")])
    if role is None:
        raise web.HTTPForbidden(
            text=f"none of the groups of '{user}' has a role: see auth.proxy.roles"
        )
    email = request.headers.get(proxy.email, "") if proxy.email else ""
    known = person(config.contacts, user, email=email or (user if "@" in user else ""))
    return Identity(
        name=known.name,
        role=Role[role.upper()],
        credential=Credential.PROXY,
        contact=known.contact,
        user=PROXIED + user,
    )


def _anybody(request: web.Request) -> Identity:
    name = named(request.headers.get("X-Router-User", ""))
    if not name:
        name = "api" if request.path.startswith(API) else "somebody"
    return Identity(name=name, role=Role.ADMIN, credential=Credential.NONE)


def _presented(request: web.Request) -> tuple[Credential, str]:
    """Return the token in a request, and where it was found."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return Credential.BEARER, token.strip()
        case "basic":
            return Credential.BASIC, _password(token).strip()
        case "":
            return Credential.QUERY, request.query.get("token", "")
        case _:
            return Credential.BEARER, ""


def _password(credentials: str) -> str:
    """The password of HTTP Basic (RFC 7617); "" without one."""
    try:
        return b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

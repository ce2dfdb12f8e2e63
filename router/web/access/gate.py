"""Finds the identity behind each request, before its handler runs.

A path is either public or needs an identity: a handler that forgets to check the role is still
closed to strangers.
"""

import binascii
import hashlib
import hmac
from base64 import b64decode
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Middleware

from router.config.auth import Auth, ProxyConfig, RoleName, role_of
from router.config.config_file import ConfigFile
from router.model.access import User
from router.ports.clock import Clock
from router.ports.errors import Unauthorized
from router.web.access.contacts import person
from router.web.access.cookies import FRESH, add_cookie, name_of
from router.web.access.operator import PREFIX, operator_of
from router.web.access.seals import Seals
from router.web.access.sessions import Found, Sessions
from router.web.access.users import Users
from router.web.auth import (
    IDENTITY,
    Credential,
    Identity,
    Role,
    identify,
    named,
    reads_html,
)
from router.web.origin import POSTS, PUBLIC, SAFE, SERVICES, is_below
from router.web.problem import Handler

SIGN_IN = "/sign-in"

OPEN = (*PUBLIC, *SERVICES, SIGN_IN, "/webhooks", "/heartbeat", "/metrics", "/api/v1/openapi.json")
"""Paths that need no identity, with all below; webhooks and heartbeats check their own secrets."""

API = "/api/"
HOLDER = "token:"
"""Before the name of an API token, in the place of a user name."""


class Access:
    """Finds who sends a request."""

    def __init__(
        self,
        config_file: Callable[[], ConfigFile],
        users: Users,
        sessions: Sessions,
        seals: Seals,
        clock: Clock,
    ) -> None:
        self._config_file = config_file
        self._seals = seals
        self._clock = clock
        self._users = users
        self._sessions = sessions

    async def identity(self, request: web.Request) -> Identity | None:
        """Return the sender; None without valid credentials. Raises: StoreUnavailable.

        Where nobody can sign in, everybody is an admin, with the name in `X-Router-User`.
        """
        config = self._config_file()
        if not config.auth.is_required:
            return _anybody(request)
        if config.auth.proxy and (named_by := _by_proxy(request, config.auth.proxy, config)):
            return named_by
        credential, token = _presented(request)
        if token.startswith(PREFIX) and credential is Credential.BEARER:
            return await self._by_operator(token)
        if token:
            return self.by_token(token, credential)
        cookie = request.cookies.get(name_of(config), "")
        if "Authorization" in request.headers or not cookie:
            return None
        found = await self._sessions.find(cookie)
        identity = None if found is None else await self.by_session(found)
        request[FRESH] = "" if found is None or identity is None else found.cookie or cookie
        return identity

    def by_token(self, token: str, credential: Credential) -> Identity | None:
        """Return the holder of an API token of the config."""
        config, digest, found = self._config_file(), _digest(token), None
        for name, known in config.auth.tokens.items():
            if hmac.compare_digest(known.sha256, digest):
                role = Role[known.role.upper()]
                contact = name if name in config.contacts else ""
                found = Identity(name=name, role=role, credential=credential, contact=contact)
        return found

    async def _by_operator(self, token: str) -> Identity | None:
        name = operator_of(await self._seals.get(), token, self._clock.now())
        if name is None:
            return None
        return Identity(name=name, role=Role.ADMIN, credential=Credential.BEARER)

    async def by_session(self, found: Found) -> Identity | None:
        """Return who is signed in, with their role of now. Raises: StoreUnavailable."""
        if found.session.user.startswith(HOLDER):
            return self._by_token_name(found)
        user = await self._users.get(found.session.user)
        role = role_now(user, self._config_file().auth)
        if user is None or role is None or str(user.generation) != found.session.proof:
            return None
        contacts = self._config_file().contacts
        known = person(contacts, found.session.user, email=user.email, shown=user.name)
        return Identity(
            name=known.name,
            role=Role[role.upper()],
            credential=Credential.COOKIE,
            contact=known.contact,
            user=found.session.user,
            session=found.id,
        )

    def _by_token_name(self, found: Found) -> Identity | None:
        config, name = self._config_file(), found.session.user.removeprefix(HOLDER)
        token = config.auth.tokens.get(name)
        if token is None or not hmac.compare_digest(token.sha256, found.session.proof):
            return None
        return Identity(
            name=name,
            role=Role[token.role.upper()],
            credential=Credential.COOKIE,
            contact=name if name in config.contacts else "",
            session=found.id,
        )


def role_now(user: User | None, auth: Auth) -> RoleName | None:
    """Return the role that a user has now; None if they may not sign in."""
    if user is None or user.disabled:
        return None
    if user.subject:
        return role_of(auth.oidc.roles, user.groups) if auth.oidc else None
    return user.role if auth.users is not None else None


def gate(access: Access) -> Middleware:
    """Puts the identity of each request at `IDENTITY`, and refuses strangers."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Raises: Unauthorized, StoreUnavailable, aiohttp's HTTPForbidden and HTTPSeeOther."""
        posts = request.method == "POST" and request.path in POSTS
        if posts or is_below(request.path, OPEN) or request.match_info.http_exception is not None:
            return await handler(request)
        found = await access.identity(request)
        if found is not None:
            _check_origin(request, found)
            request[IDENTITY] = found
        try:
            if found is None:
                identify(request, Role.VIEWER, in_browser=not request.path.startswith(API))
            return await handler(request)
        except Unauthorized:
            if _may_sign_in(request):
                raise web.HTTPSeeOther(_sign_in_path(request)) from None
            raise

    return check


def fresh_cookie(
    config_file: Callable[[], ConfigFile],
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Return a handler of `on_response_prepare` that sets the replaced cookie of a session."""

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        config = config_file()
        value = request.get(FRESH)
        if value is None or name_of(config) in response.cookies:
            return
        if value != request.cookies.get(name_of(config), ""):
            add_cookie(response, value, config)

    return prepare


def _check_origin(request: web.Request, found: Identity) -> None:
    """Refuse a write by a cookie from an unknown page: every browser sends one of the headers."""
    sent = {"Sec-Fetch-Site", "Origin"} & request.headers.keys()
    if found.credential is Credential.COOKIE and request.method not in SAFE and not sent:
        raise web.HTTPForbidden(
            text="a session is for browsers, which send their Origin: programs use an API token"
        )


def _may_sign_in(request: web.Request) -> bool:
    """Report whether a stranger is a person who opened a page."""
    return request.method in SAFE and reads_html(request) and "Authorization" not in request.headers


def _sign_in_path(request: web.Request) -> str:
    return SIGN_IN if request.path == "/" else f"{SIGN_IN}?next={quote(request.path_qs, safe='/')}"


def _by_proxy(request: web.Request, proxy: ProxyConfig, config: ConfigFile) -> Identity | None:
    """Return whom the proxy in front names; None for a request that it lets pass unnamed."""
    user = named(request.headers.get(proxy.user, ""))
    if not user or not proxy.is_from(request.remote or ""):
        return None
    groups = request.headers.get(proxy.groups, "") if proxy.groups else ""
    role = role_of(proxy.roles, [group.strip() for group in groups.split(",")])
    if role is None:
        raise web.HTTPForbidden(text=f"none of the groups of '{user}' has a role: auth.proxy.roles")
    email = request.headers.get(proxy.email, "") if proxy.email else ""
    known = person(config.contacts, user, email=email or (user if "@" in user else ""))
    return Identity(
        name=known.name,
        role=Role[role.upper()],
        credential=Credential.PROXY,
        contact=known.contact,
        user=f"proxy:{user}",
    )


def _anybody(request: web.Request) -> Identity:
    name = named(request.headers.get("X-Router-User", ""))
    if not name:
        name = "api" if request.path.startswith(API) else "somebody"
    return Identity(name=name, role=Role.ADMIN, credential=Credential.NONE)


def _presented(request: web.Request) -> tuple[Credential, str]:
    """Return the token that a request shows, and in which place."""
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

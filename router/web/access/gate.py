"""Finds the identity behind each request, before its handler runs.

A path is either public or needs an identity: a handler that forgets to check the role is still
closed to strangers.
"""

import binascii
import hashlib
import hmac
from base64 import b64decode
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from router.config.config_file import ConfigFile
from router.web.auth import IDENTITY, Credential, Identity, Role, identify, named
from router.web.origin import PUBLIC, is_below
from router.web.problem import Handler

OPEN = (*PUBLIC, "/webhooks", "/heartbeat", "/metrics", "/api/v1/openapi.json")
"""Paths that need no identity, with all below; webhooks and heartbeats check their own secrets."""

API = "/api/"


class Access:
    """Finds who sends a request."""

    def __init__(self, config_file: Callable[[], ConfigFile]) -> None:
        self._config_file = config_file

    async def identity(self, request: web.Request) -> Identity | None:
        """Return the sender; None without valid credentials.

        Without any configured token everybody is an admin, with the name in `X-Router-User`.
        """
        if not self._config_file().auth.tokens:
            return _anybody(request)
        credential, token = _presented(request)
        return self._by_token(token, credential)

    def _by_token(self, token: str, credential: Credential) -> Identity | None:
        digest = hashlib.sha256(token.strip().encode("utf-8", "surrogatepass")).hexdigest()
        found = None
        for name, known in self._config_file().auth.tokens.items():
            if hmac.compare_digest(known.sha256, digest):
                role = Role[known.role.upper()]
                found = Identity(name=name, role=role, credential=credential)
        return found


def gate(access: Access) -> Middleware:
    """Puts the identity of each request at `IDENTITY`, and refuses strangers."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Raises: Unauthorized, StoreUnavailable."""
        if is_below(request.path, OPEN) or request.match_info.http_exception is not None:
            return await handler(request)
        if found := await access.identity(request):
            request[IDENTITY] = found
        else:
            identify(request, Role.VIEWER, in_browser=not request.path.startswith(API))
        return await handler(request)

    return check


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
            return Credential.BEARER, token
        case "basic":
            return Credential.BASIC, _password(token)
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

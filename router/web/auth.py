"""Access to the API: tokens and their roles."""

import binascii
import hashlib
import hmac
from base64 import b64decode
from enum import IntEnum

from aiohttp import web

from router.config.config_file import Auth
from router.core.text.plain import plain
from router.ports.errors import Unauthorized


class Role(IntEnum):
    """A role includes the rights of all lower ones."""

    VIEWER = 1
    RESPONDER = 2
    ADMIN = 3


LONGEST_NAME = 60
"""Characters of a name that a person types, where no token gives one."""

BASIC = 'Basic realm="alert-router", charset="UTF-8"'
"""Makes a browser ask for a user name and a password."""


def caller(
    request: web.Request,
    auth: Auth,
    needed: Role,
    *,
    in_query: bool = False,
    in_browser: bool = False,
) -> str:
    """Check that the request has the role, and return its name.

    Without any configured token everybody has all roles, with the name in `X-Router-User`. Else the
    name is the token's. With `in_query` the token may also be `?token=`, for programs that can send
    no header; with `in_browser` it may be the password of HTTP Basic, with any user name.

    Raises: Unauthorized, aiohttp's HTTPForbidden.
    """
    if not auth.tokens:
        return named(request.headers.get("X-Router-User", "")) or (
            "somebody" if in_browser else "api"
        )
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if in_query and not token:
        scheme, token = "bearer", request.query.get("token", "")
    if in_browser and scheme.lower() == "basic":
        scheme, token = "bearer", _password(token)
    digest = hashlib.sha256(token.strip().encode("utf-8", "surrogatepass")).hexdigest()
    found = [
        (name, known)
        for name, known in auth.tokens.items()
        if hmac.compare_digest(known.sha256, digest)
    ]
    if scheme.lower() != "bearer" or not found:
        if in_browser:
            raise Unauthorized(
                "a known API token is needed, as the password of any user name", scheme=BASIC
            )
        raise Unauthorized("a known API token is needed: Authorization: Bearer TOKEN")
    name, known = found[0]
    if Role[known.role.upper()] < needed:
        raise web.HTTPForbidden(
            text=f"this needs the role {needed.name.lower()}, and '{name}' is {known.role}"
        )
    return name


def named(text: str) -> str:
    """A typed name, made fit for the timeline: one line of text that can be stored."""
    return plain(text)[:LONGEST_NAME]


def _password(credentials: str) -> str:
    """The password of HTTP Basic (RFC 7617); "" without one."""
    try:
        return b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""

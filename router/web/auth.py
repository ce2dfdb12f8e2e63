"""Who may use the API."""

import binascii
import hashlib
import hmac
from base64 import b64decode
from enum import IntEnum

from aiohttp import web

from router.config.document import Auth
from router.core.text.plain import plain
from router.ports.errors import Unauthorized


class Role(IntEnum):
    """A role may do all that a lower one may."""

    VIEWER = 1
    RESPONDER = 2
    ADMIN = 3


LONGEST_NAME = 60
"""Characters of the name that somebody gives, where no token says who it is."""

BASIC = 'Basic realm="alert-router", charset="UTF-8"'
"""Makes a browser ask for a user name and a password."""


def whoever(
    request: web.Request,
    auth: Auth,
    needed: Role,
    *,
    in_query: bool = False,
    in_browser: bool = False,
) -> str:
    """The name of who asks, if they may do what needs that role.

    Without any token configured, anybody may do everything, under the name in `X-Router-User`. With
    them, the name is the token's. With `in_query` it may also come as `?token=`, for programs that
    can send no header; with `in_browser` as the password of HTTP Basic, whatever the user name.
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
    """A name that anybody may have typed, fit for the timeline: on one line, of text that can be
    stored.
    """
    return plain(text)[:LONGEST_NAME]


def _password(credentials: str) -> str:
    """Of HTTP Basic (RFC 7617); "" if there's none."""
    try:
        return b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""

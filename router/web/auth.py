"""The identity behind a request: a name and a role. `caller` is the only check of a role.

The gate (`router.web.access.gate`) finds the identity before a handler runs.
"""

from enum import Enum, IntEnum, auto
from typing import cast

from aiohttp import web
from msgspec import Struct

from router.core.text.plain import plain
from router.ports.errors import Unauthorized


class Role(IntEnum):
    """A role includes the rights of all lower ones."""

    VIEWER = 1
    RESPONDER = 2
    ADMIN = 3


class Credential(Enum):
    """The proof of an identity.

    NONE: the router asks for no credentials. QUERY: a token in the URL. BASIC: a token as the
    password of HTTP Basic.
    """

    NONE = auto()
    BEARER = auto()
    QUERY = auto()
    BASIC = auto()


class Identity(Struct, frozen=True, kw_only=True):
    """The sender of a request. `name` goes on the timeline."""

    name: str
    role: Role
    credential: Credential


IDENTITY = web.RequestKey("identity", Identity)

LONGEST_NAME = 60
"""Characters of a name that a person types, where no token gives one."""

BASIC = 'Basic realm="alert-router", charset="UTF-8"'
"""Makes a browser ask for a user name and a password."""


def caller(
    request: web.Request, needed: Role, *, in_query: bool = False, in_browser: bool = False
) -> str:
    """Check that the request has the role, and return its sender's name: see `identify`."""
    return identify(request, needed, in_query=in_query, in_browser=in_browser).name


def identify(
    request: web.Request, needed: Role, *, in_query: bool = False, in_browser: bool = False
) -> Identity:
    """Check that the request has the role, and return its sender.

    With `in_query` the token may also be `?token=`, for programs that can send no header; with
    `in_browser` it may be the password of HTTP Basic, with any user name.

    Raises: Unauthorized, aiohttp's HTTPForbidden.
    """
    found = cast("Identity | None", request.get(IDENTITY))
    refused = {Credential.QUERY: not in_query, Credential.BASIC: not in_browser}
    if found is None or refused.get(found.credential, False):
        raise _unauthorized(in_browser=in_browser)
    if found.role < needed:
        raise web.HTTPForbidden(
            text=f"this needs the role {needed.name.lower()}, "
            f"and '{found.name}' is {found.role.name.lower()}"
        )
    return found


def _unauthorized(*, in_browser: bool) -> Unauthorized:
    if in_browser:
        return Unauthorized(
            "a known API token is needed, as the password of any user name", scheme=BASIC
        )
    return Unauthorized("a known API token is needed: Authorization: Bearer TOKEN")


def named(text: str) -> str:
    """A typed name, made fit for the timeline: one line of text that can be stored."""
    return plain(text)[:LONGEST_NAME]

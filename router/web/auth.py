"""The identity behind a request: a name and a role. `identify` is the only check of a role.

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

    @property
    def word(self) -> str:
        return self.name.lower()


class Credential(Enum):
    """The proof of an identity.

    NONE: the router asks for no credentials. QUERY: a token in the URL. BASIC: a token as the
    password of HTTP Basic. COOKIE: a session. PROXY: a header of a proxy in front.
    """

    NONE = auto()
    BEARER = auto()
    QUERY = auto()
    BASIC = auto()
    COOKIE = auto()
    PROXY = auto()


class Identity(Struct, frozen=True, kw_only=True):
    """The sender of a request.

    name: for the timeline. contact: the key of the person's contact, "" for none. user: their user
    name, "" for a token of the config or a service. session, token: the id of the credential that
    was used. areas: the path segments to which the token is limited; empty means all.
    """

    name: str
    role: Role
    credential: Credential
    contact: str = ""
    user: str = ""
    session: str = ""
    token: str = ""
    areas: frozenset[str] = frozenset()

    @property
    def holder(self) -> str:
        """The owner of sessions: a user name, or the name of a token of the config."""
        return self.user or HOLDER + self.name

    def may(self, needed: str) -> bool:
        """Report whether the identity has this role, such as `responder`: for templates."""
        return self.role >= Role[needed.upper()]

    @property
    def is_signed_in(self) -> bool:
        """Report whether there is a session to end."""
        return self.credential is Credential.COOKIE


IDENTITY = web.RequestKey("identity", Identity)

HOLDER = "token:"
"""The prefix of a config token's name where it's used like a user name."""

LONGEST_NAME = 60
"""Maximum characters of a name that a person types because no sign-in identifies them."""

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

    `in_query`: the token may also be `?token=`, for programs that can't send a header.
    `in_browser`: it may be the password of HTTP Basic, with any user name.

    Raises: Unauthorized, aiohttp's HTTPForbidden.
    """
    found = cast("Identity | None", request.get(IDENTITY))
    refused = {Credential.QUERY: not in_query, Credential.BASIC: not in_browser}
    if found is None or refused.get(found.credential, False):
        raise _unauthorized(request, in_browser=in_browser)
    if found.role < needed:
        raise web.HTTPForbidden(
            text=f"this needs the role {needed.word}, and '{found.name}' is {found.role.word}"
        )
    return found


def reads_html(request: web.Request) -> bool:
    """Report whether the client is a browser that shows the answer as a page."""
    return "text/html" in request.headers.get("Accept", "")


def _unauthorized(request: web.Request, *, in_browser: bool) -> Unauthorized:
    if not in_browser:
        return Unauthorized("a known API token is needed: Authorization: Bearer TOKEN")
    if reads_html(request) and "Authorization" not in request.headers:
        # With the scheme Basic a browser would ask for a password by itself.
        return Unauthorized("you are not signed in, or your session has ended: open /sign-in")
    return Unauthorized(
        "a known API token is needed, as the password of any user name", scheme=BASIC
    )


def named(text: str) -> str:
    """Clean a typed name for the timeline: one line of text that can be stored."""
    return plain(text)[:LONGEST_NAME]

"""Users, sessions and sign-in links, as the store keeps them."""

from typing import Literal

from msgspec import Struct

USER = "user"
SESSION = "session"
LINK = "sign-in-link"
API_TOKEN = "api-token"  # noqa: S105 - a kind of documents
AUDIT = "audit"
KEPT_FORM = "kept-form"
REPEAT = "repeat"
"""Kinds of documents."""

LINK_PURPOSE = "sign-in link"
"""The purpose for which the ids of links are signed."""


class User(Struct, frozen=True, omit_defaults=True):
    """A person who may sign in. The key is the user name or, with OpenID, a hash of the subject.

    name: shown instead of the user name. password: an Argon2 hash, "" for none.
    subject: the OpenID provider's id, "" for a user with a password. groups: at the last sign-in.
    generation: counts the changes that end all sessions, such as a new password.
    """

    role: Literal["viewer", "responder", "admin"]
    made_at: float
    name: str = ""
    email: str = ""
    password: str = ""
    disabled: bool = False
    subject: str = ""
    groups: tuple[str, ...] = ()
    generation: int = 0
    seen_at: float = 0.0


class Session(Struct, frozen=True, omit_defaults=True):
    """A browser that is signed in. The key is the hash of the session's id.

    user: a user name, or `token:NAME` for an API token of the config. proof: the session ends when
    this differs from the user's current proof. number: of the current cookie, which was issued at
    `rotated_at` and first sent back at `confirmed_at`. password_by: until then, the password may be
    set without the old password.
    """

    user: str
    proof: str
    made_at: float
    seen_at: float
    expires_at: float
    address: str
    agent: str
    rotated_at: float
    confirmed_at: float | None
    number: int = 0
    password_by: float = 0.0


class SignInLink(Struct, frozen=True, omit_defaults=True):
    """A link that signs a user in, once, stored by its id."""

    user: str
    made_at: float
    expires_at: float
    used_at: float | None = None


class ApiToken(Struct, frozen=True, omit_defaults=True):
    """A token for programs, stored by its id.

    owner: the user as whom it acts, "" for a service with the token's name. areas: the first path
    segments for which it may be used; empty means all.
    """

    name: str
    owner: str
    role: Literal["viewer", "responder", "admin"]
    sha256: str
    made_by: str
    made_at: float
    expires_at: float
    areas: tuple[str, ...] = ()
    used_at: float = 0.0
    revoked: bool = False


class AuditEntry(Struct, frozen=True):
    """A change by a person that isn't on a timeline. `address`: the client's."""

    at: float
    by: str
    what: str
    address: str

"""`auth` in the config: who may sign in, and with which role."""

from typing import Literal

from msgspec import Struct

from router.config.secret import Secret
from router.model.scalars import Duration

RoleName = Literal["viewer", "responder", "admin"]

SHORTEST_KEY = 32
"""Characters of a signing key. A shorter key could be guessed from a link."""


class Token(Struct, frozen=True, kw_only=True):
    """An API token, by its SHA-256 in hex: `printf %s TOKEN | sha256sum`."""

    sha256: str
    role: RoleName = "responder"

    def __post_init__(self) -> None:
        if len(self.sha256) != 64 or not set(self.sha256) <= set("0123456789abcdef"):
            raise ValueError("sha256 must be 64 lower-case hex digits: printf %s TOKEN | sha256sum")


class UsersConfig(Struct, frozen=True, kw_only=True):
    """Users with a password. They are in the store: see `alert-router user`."""


class SessionsConfig(Struct, frozen=True, kw_only=True):
    """A session ends `idle` after its last request, and `absolute` after the sign-in."""

    idle: Duration = Duration(7 * 86_400.0)
    absolute: Duration = Duration(30 * 86_400.0)

    def __post_init__(self) -> None:
        if not 300 <= self.idle <= self.absolute:
            raise ValueError("idle: expected at least 5m, and at most `absolute`")


class Auth(Struct, frozen=True, kw_only=True):
    """Access to pages and API; anybody with `insecure: true` or a loopback `listen`.

    `link_secret` signs the links in messages, which are valid for `links_expire_after`.
    """

    tokens: dict[str, Token] = {}
    users: UsersConfig | None = None
    sessions: SessionsConfig = SessionsConfig()
    insecure: bool = False
    link_secret: Secret | None = None
    links_expire_after: Duration = Duration(86_400.0)

    def __post_init__(self) -> None:
        if self.link_secret and len(self.link_secret.reveal()) < SHORTEST_KEY:
            raise ValueError(
                f"link_secret must have at least {SHORTEST_KEY} characters: openssl rand -base64 32"
            )
        if self.links_expire_after <= 0:
            raise ValueError("links_expire_after must be longer than 0s")

    @property
    def is_required(self) -> bool:
        """Report whether requests need credentials."""
        return bool(self.tokens) or self.users is not None

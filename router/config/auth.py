"""`auth` in the config: who may sign in, and with which role."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from msgspec import Struct, field

from router.config.fields import HttpUrl
from router.config.networks import check_networks, is_within
from router.config.secret import Secret
from router.model.scalars import Duration

RoleName = Literal["viewer", "responder", "admin"]

SHORTEST_KEY = 32
"""Minimum characters of a signing key. A shorter key could be guessed from a link."""


EVERYBODY = "*"
"""The group in `roles` that means everybody."""


class Token(Struct, frozen=True, kw_only=True):
    """An API token, given by its SHA-256 in hex: `printf %s TOKEN | sha256sum`."""

    sha256: str
    role: RoleName = "responder"

    def __post_init__(self) -> None:
        if len(self.sha256) != 64 or not set(self.sha256) <= set("0123456789abcdef"):
            raise ValueError("sha256 must be 64 lower-case hex digits: printf %s TOKEN | sha256sum")


class UsersConfig(Struct, frozen=True, kw_only=True):
    """Users with a password. They are in the store: see `alert-router user`.

    mail: the channel of type email that sends sign-in links; "" for none.
    """

    mail: str = ""


class SessionsConfig(Struct, frozen=True, kw_only=True):
    """A session ends `idle` after its last request, and `absolute` after the sign-in."""

    idle: Duration = Duration(7 * 86_400.0)
    absolute: Duration = Duration(30 * 86_400.0)

    def __post_init__(self) -> None:
        if not 300 <= self.idle <= self.absolute:
            raise ValueError("idle: expected at least 5m, and at most `absolute`")


class OidcConfig(Struct, frozen=True, kw_only=True):
    """An OpenID provider. `roles` has the groups whose members get a role; `*` is everybody.

    groups: the claim with the groups, such as `groups` or `realm_access.roles`. name: on a button.
    """

    issuer: HttpUrl
    client_id: str
    client_secret: Secret | None = None
    name: str = "your company account"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    groups: str = "groups"
    roles: dict[RoleName, tuple[str, ...]]

    def __post_init__(self) -> None:
        if "openid" not in self.scopes:
            raise ValueError("scopes: `openid` must be among them")
        _check_roles(self.roles)


class ProxyConfig(Struct, frozen=True, kw_only=True):
    """A proxy that authenticates people, and names them in a header. `from` has its addresses.

    groups: the header that lists the person's groups, separated by commas; `roles` maps them.
    """

    user: str
    email: str = ""
    groups: str = ""
    addresses: tuple[str, ...] = field(name="from")
    roles: dict[RoleName, tuple[str, ...]]

    def __post_init__(self) -> None:
        if not self.addresses:
            raise ValueError("from: expected the addresses of the proxy, such as 10.0.0.7 or ::1")
        check_networks("from", self.addresses)
        if not self.groups and any(EVERYBODY not in groups for groups in self.roles.values()):
            raise ValueError("roles: without the header `groups`, only '*' is possible")
        _check_roles(self.roles)

    def is_from(self, address: str) -> bool:
        """Report whether a request from this address comes from the proxy."""
        return is_within(address, self.addresses)


def _check_roles(roles: Mapping[RoleName, Sequence[str]]) -> None:
    """Raises: ValueError."""
    if not any(roles.values()):
        raise ValueError("roles: nobody gets a role; write for example {responder: ['*']}")


def role_of(roles: Mapping[RoleName, Sequence[str]], groups: Collection[str]) -> RoleName | None:
    """Return the highest role that one of these groups has; None without any."""
    order: tuple[RoleName, ...] = ("admin", "responder", "viewer")
    for role in order:
        wanted = roles.get(role, ())
        if EVERYBODY in wanted or set(wanted) & set(groups):
            return role
    return None


class Auth(Struct, frozen=True, kw_only=True):
    """Who may use pages and API. With `insecure: true` or a loopback `listen`, anybody may.

    `link_secret` signs the links in messages, which are valid for `links_expire_after`.
    """

    tokens: dict[str, Token] = {}
    users: UsersConfig | None = None
    oidc: OidcConfig | None = None
    proxy: ProxyConfig | None = None
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
        ways = (self.users, self.oidc, self.proxy)
        return bool(self.tokens) or any(provider is not None for provider in ways)

    @property
    def has_admins(self) -> bool:
        """Return whether anybody except the users in the store may be an admin."""
        mapped = [provider.roles for provider in (self.oidc, self.proxy) if provider]
        return any(token.role == "admin" for token in self.tokens.values()) or any(
            roles.get("admin") for roles in mapped
        )

"""Credentials that sources share, and their checks. Every comparison takes constant time."""

from base64 import b64encode
from collections.abc import Mapping, Sequence

from msgspec import Struct

from router.config.secret import Secret
from router.ports.errors import Unauthorized
from router.ports.webhooks import Incoming
from router.receivers.source import same


class Basic(Struct, frozen=True, forbid_unknown_fields=True):
    """A user name and password, as HTTP basic authentication sends them."""

    username: str
    password: Secret


class SecretHeader(Struct, frozen=True, forbid_unknown_fields=True):
    """A header that contains a secret. Its name, such as `X-Router-Secret`, is configurable."""

    name: str
    value: Secret

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError(
                "name is empty: give the name of the header with the secret, like X-Router-Secret"
            )


class Credentials(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sender's credentials: exactly one of these. `secret` is the last part of the URL."""

    bearer_token: Secret | None = None
    basic: Basic | None = None
    header: SecretHeader | None = None
    secret: Secret | None = None
    insecure: bool = False

    def __post_init__(self) -> None:
        given = [self.bearer_token, self.basic, self.header, self.secret]
        require_one(sum(option is not None for option in given), insecure=self.insecure)


OPTIONS = "bearer_token, basic, header or secret"


def require_one(given: int, *, insecure: bool, options: str = OPTIONS) -> None:
    """Raises: ValueError, unless exactly one credential is given, or `insecure: true`."""
    if given + insecure == 0:
        raise ValueError(
            f"a source needs one of {options}; write insecure: true to accept alerts from anybody"
        )
    if given + insecure > 1:
        raise ValueError(f"a source takes only one of {options} and insecure: true")


def check(incoming: Incoming, credentials: Credentials) -> None:
    """Raises: Unauthorized."""
    if credentials.bearer_token:
        check_bearer(incoming.headers, credentials.bearer_token)
    elif credentials.basic:
        check_basic(incoming.headers, credentials.basic)
    elif credentials.header:
        check_header(incoming.headers, credentials.header)
    elif credentials.secret:
        check_path(incoming.segment, credentials.secret)


def require_keys(field: str, keys: Mapping[str, Sequence[Secret]]) -> None:
    """Raises: ValueError, unless each name has a key, and no two names have the same key."""
    if not keys:
        raise ValueError(f"{field} is empty: give at least one name with its keys")
    if empty := [name for name, secrets in keys.items() if not secrets]:
        raise ValueError(f"{field}: {', '.join(map(repr, empty))} has no key")
    every = [secret for secrets in keys.values() for secret in set(secrets)]
    if len(set(every)) < len(every):
        raise ValueError(f"{field}: two names have the same key")


def owner_of(given: str, keys: Mapping[str, Sequence[Secret]]) -> str:
    """The name to which the key `given` belongs, or "". Always compares with every key."""
    found = ""
    for name, secrets in keys.items():
        for secret in secrets:
            if secret.is_same(given):
                found = name
    return found


def check_bearer(headers: Mapping[str, str], token: Secret) -> None:
    """Raises: Unauthorized."""
    _check("bearer token", authorization(headers, "bearer"), token.reveal())


def check_basic(headers: Mapping[str, str], basic: Basic) -> None:
    """Raises: Unauthorized."""
    wanted = b64encode(f"{basic.username}:{basic.password.reveal()}".encode()).decode()
    _check("user name and password", authorization(headers, "basic"), wanted)


def check_header(headers: Mapping[str, str], header: SecretHeader) -> None:
    """Raises: Unauthorized."""
    given = headers.get(header.name.lower(), "")
    _check(f"secret in the header {header.name}", given, header.value.reveal())


def check_path(given: str, secret: Secret) -> None:
    """Check `given`, the last segment of the URL's path. Raises: Unauthorized."""
    _check("secret in the URL", given, secret.reveal())


def authorization(headers: Mapping[str, str], scheme: str) -> str:
    """The credentials of the header Authorization in that scheme (lower case), or ""."""
    given, _, credentials = headers.get("authorization", "").partition(" ")
    return credentials.strip() if given.lower() == scheme else ""


def _check(what: str, given: str, wanted: str) -> None:
    if not given:
        raise Unauthorized(f"the {what} is missing")
    if not same(given, wanted):
        raise Unauthorized(f"the {what} is wrong")

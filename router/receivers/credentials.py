"""Shows that a webhook comes from whom it says: the checks that sources share.

All compares take constant time.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping

from msgspec import Struct

from router.config.secret import Secret
from router.ports.errors import Unauthorized


class Basic(Struct, frozen=True, forbid_unknown_fields=True):
    """A user name and password, as HTTP basic authentication sends them."""

    username: str
    password: Secret


class SecretHeader(Struct, frozen=True, forbid_unknown_fields=True):
    """A header of the sender's choice that holds a secret, like `X-Router-Secret`."""

    name: str
    value: Secret

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError(
                "name is empty: give the header that holds the secret, like X-Router-Secret"
            )


def same(given: str, wanted: str) -> bool:
    """Whether both are the same bytes.

    Any header will do: bytes above ASCII reach us as lone surrogates.
    """
    return hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), wanted.encode("utf-8", "surrogatepass")
    )


def check_bearer(headers: Mapping[str, str], token: Secret) -> None:
    """Raises: Unauthorized."""
    _check("bearer token", _authorization(headers, "bearer"), token.reveal())


def check_basic(headers: Mapping[str, str], basic: Basic) -> None:
    """Raises: Unauthorized."""
    wanted = b64encode(f"{basic.username}:{basic.password.reveal()}".encode()).decode()
    _check("user name and password", _authorization(headers, "basic"), wanted)


def check_header(headers: Mapping[str, str], header: SecretHeader) -> None:
    """Raises: Unauthorized."""
    _check(
        f"secret in the header {header.name}",
        headers.get(header.name.lower(), ""),
        header.value.reveal(),
    )


def check_path(given: str, secret: Secret) -> None:
    """`given` is the last segment of the URL's path. Raises: Unauthorized."""
    _check("secret in the URL", given, secret.reveal())


def _authorization(headers: Mapping[str, str], scheme: str) -> str:
    given, _, credentials = headers.get("authorization", "").partition(" ")
    return credentials.strip() if given.lower() == scheme else ""


def _check(what: str, given: str, wanted: str) -> None:
    if not given:
        raise Unauthorized(f"the {what} is missing")
    if not same(given, wanted):
        raise Unauthorized(f"the {what} is wrong")

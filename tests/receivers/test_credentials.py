"""Only who holds the secret gets in."""

from base64 import b64encode
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.secret import Secret
from router.ports.errors import Unauthorized
from router.receivers.credentials import (
    Basic,
    SecretHeader,
    check_basic,
    check_bearer,
    check_header,
    check_path,
)
from router.receivers.source import same

TOKEN = Secret("s3cr3t-pässword")
BASIC = Basic("ops", TOKEN)
HEADER = SecretHeader("X-Router-Secret", TOKEN)
# Header values as aiohttp hands them over: bytes that aren't UTF-8 become lone surrogates.
ANY_HEADER = st.binary(max_size=30).map(
    lambda raw: raw.decode("utf-8", "surrogateescape")
) | st.text(max_size=30)


def bearer(headers: Mapping[str, str]) -> None:
    check_bearer(headers, TOKEN)


def basic(headers: Mapping[str, str]) -> None:
    check_basic(headers, BASIC)


def header(headers: Mapping[str, str]) -> None:
    check_header(headers, HEADER)


def coded(text: str) -> str:
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("check", "headers"),
    [
        (bearer, {"authorization": "Bearer s3cr3t-pässword"}),
        (bearer, {"authorization": "bearer  s3cr3t-pässword "}),
        (basic, {"authorization": f"Basic {coded('ops:s3cr3t-pässword')}"}),
        (basic, {"authorization": f"basic {coded('ops:s3cr3t-pässword')}"}),
        (header, {"x-router-secret": "s3cr3t-pässword"}),
    ],
)
def test_takes_the_right_one(
    check: Callable[[Mapping[str, str]], None], headers: dict[str, str]
) -> None:
    """The secret is taken as its check expects it; the scheme's case doesn't matter."""
    check(headers)


@pytest.mark.parametrize(
    ("check", "headers", "said"),
    [
        (bearer, {}, "the bearer token is missing"),
        (bearer, {"authorization": "Bearer"}, "the bearer token is missing"),
        (
            bearer,
            {"authorization": f"Basic {coded('ops:s3cr3t-pässword')}"},
            "the bearer token is missing",
        ),
        (bearer, {"authorization": "Bearer s3cr3t"}, "the bearer token is wrong"),
        (
            basic,
            {"authorization": "Bearer s3cr3t-pässword"},
            "the user name and password is missing",
        ),
        (
            basic,
            {"authorization": f"Basic {coded('eve:s3cr3t-pässword')}"},
            "the user name and password is wrong",
        ),
        (
            basic,
            {"authorization": "Basic ops:s3cr3t-pässword"},
            "the user name and password is wrong",
        ),
        (header, {}, "the secret in the header X-Router-Secret is missing"),
        (
            header,
            {"x-router-secret": "s3cr3t"},
            "the secret in the header X-Router-Secret is wrong",
        ),
    ],
)
def test_refuses_any_other(
    check: Callable[[Mapping[str, str]], None], headers: dict[str, str], said: str
) -> None:
    """A missing or wrong secret is refused, and the answer names the check but not the secret."""
    with pytest.raises(Unauthorized, match=f"^{said}$"):
        check(headers)


@pytest.mark.parametrize(
    ("given_secret", "right"), [("s3cr3t-pässword", True), ("", False), ("s3cr3t", False)]
)
def test_path(given_secret: str, right: bool) -> None:
    """The last segment of the URL is a secret too."""
    if right:
        check_path(given_secret, TOKEN)
    else:
        with pytest.raises(Unauthorized):
            check_path(given_secret, TOKEN)


@given(ANY_HEADER)
def test_any_bytes_are_refused(value: str) -> None:
    """Any header bytes are refused, and nothing else is raised."""
    headers = {"authorization": value, "x-router-secret": value}
    for prefix in ("", "Bearer ", "Basic "):
        for check in (bearer, basic, header):
            with pytest.raises(Unauthorized):
                check(headers | {"authorization": prefix + value})


@given(ANY_HEADER, ANY_HEADER)
def test_same_only_if_equal(one: str, other: str) -> None:
    """Two texts are the same if and only if they're equal."""
    assert same(one, other) == (one == other)
    assert same(one, one)


def test_a_header_without_name_is_refused() -> None:
    """A config error that says what to do."""
    with pytest.raises(ValueError, match="like X-Router-Secret"):
        SecretHeader("", TOKEN)


def test_an_empty_secret_is_refused() -> None:
    """It would let in everybody who sends none."""
    with pytest.raises(ValueError, match="empty"):
        Secret("")

"""Secrets don't show."""

import copy
import json
import pickle

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.secret import Secret, SecretUrl


class Holder(msgspec.Struct):
    token: Secret


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=4))
def test_a_secret_shows_nowhere_but_where_it_is_revealed(content: str) -> None:
    secret = Secret(content)
    assert secret.reveal() == content
    assert f"{secret} {secret!r} {secret!s:>5} {Holder(secret)}".count("***") == 4
    assert content not in f"{secret} {secret!r} {Holder(secret)!r}".replace("Holder(token=***)", "")


@pytest.mark.parametrize(
    "leak",
    [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, msgspec.json.encode, msgspec.to_builtins],
)
def test_a_secret_is_not_pickled_copied_or_encoded(leak: object) -> None:
    with pytest.raises(TypeError):
        leak(Secret("hunter2"))  # type: ignore[operator]


def test_secrets_are_equal_by_content() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("é") != Secret("e")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_an_empty_secret_is_refused() -> None:
    """An empty HMAC key or token would keep nobody out."""
    with pytest.raises(ValueError, match="the secret is empty"):
        Secret("")


@pytest.mark.parametrize(
    "content", ["ftp://hooks.example.com/hunter2", "hunter2", "https://[hunter2"]
)
def test_a_secret_url_that_is_none_is_refused_without_being_shown(content: str) -> None:
    with pytest.raises(ValueError, match="http") as error:
        SecretUrl(content)
    assert "hunter2" not in str(error.value)


def test_a_secret_url_may_hold_a_password() -> None:
    assert SecretUrl("https://me:pw@example.com").reveal() == "https://me:pw@example.com"

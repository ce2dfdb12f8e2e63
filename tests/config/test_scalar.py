"""Single values: variables without braces, and plain http, which an object must accept."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from router.config.convert import Context, convert
from router.config.fields import HttpUrl
from router.config.located import load
from router.config.scalar import FAILED
from router.config.secret import Secret, SecretUrl


class Root(Struct, frozen=True, kw_only=True):
    token: Secret | None = None
    name: str = ""


class Peer(Struct, frozen=True, kw_only=True):
    url: HttpUrl | None = None
    hook: SecretUrl | None = None


def read(text: str, type_: Any, **env: str) -> tuple[Any, list[str], list[str]]:
    context = Context(env=env, base=Path())
    node = load(text, "c.yaml", context.problems)
    assert node is not None
    found = convert(node, type_, context)
    return found, *(
        [str(problem) for problem in given] for given in (context.problems, context.warnings)
    )


@pytest.mark.parametrize(
    ("text", "env", "message"),
    [
        (
            "$TOKEN",
            {},
            "c.yaml:1:8: write ${VARIABLE}: without braces, the secret is the variable's name",
        ),
        (
            "postgresql://u:$PASSWORD@db/x",
            {},
            "c.yaml:1:8: the secret contains the name of a variable",
        ),
        (
            "Bearer $token",
            {"token": "hunter2"},
            "c.yaml:1:8: the secret contains the name of a variable",
        ),
    ],
)
def test_a_variable_without_braces_is_no_secret(
    text: str, env: dict[str, str], message: str
) -> None:
    """The text isn't quoted: it may be a secret after all."""
    found, problems, _ = read(f"token: {text}", Root, **env)
    assert found is FAILED
    assert [problem[: len(message)] for problem in problems] == [message]
    assert "hunter2" not in problems[0]


@pytest.mark.parametrize("text", ["pa$$word", "$2y$10$abcDEF", "a$B", "${TOKEN}", "x$y1"])
def test_a_secret_may_contain_a_dollar(text: str) -> None:
    """Chance strings such as password hashes aren't taken for variables."""
    found, problems, _ = read(f"token: {text}", Root, TOKEN="t")
    assert problems == []
    assert found.token.reveal() == text.replace("${TOKEN}", "t")


def test_a_variable_without_braces_elsewhere_is_a_warning() -> None:
    found, problems, warnings = read("name: $CHANNEL", Root)
    assert (found.name, problems) == ("$CHANNEL", [])
    assert warnings == ["c.yaml:1:7: '$CHANNEL' is plain text: a variable is written ${CHANNEL}"]


@pytest.mark.parametrize("key", ["url", "hook"])
def test_plain_http_needs_the_word_insecure(key: str) -> None:
    """An error at the URL, which isn't quoted, or a warning there if the object allows it."""
    place = f"c.yaml:1:{len(key) + 3}"
    _, (problem,), _ = read(f"{key}: http://hunter2.lan/x", Peer)
    assert problem.startswith(f"{place}: http is only for a loopback host")
    assert "hunter2" not in problem
    assert read(f"{key}: http://hunter2.lan/x\ninsecure: false", Peer)[1] == [problem]
    found, problems, warnings = read(f"{key}: http://hunter2.lan/x\ninsecure: true", Peer)
    assert (problems, found is FAILED) == ([], False)
    assert warnings == [
        f"{place}: {key} is plain http: anybody on the network can read and change it"
    ]


@pytest.mark.parametrize("url", ["https://example.com", "http://127.0.0.1:9090"])
def test_https_and_loopback_need_no_word(url: str) -> None:
    assert read(f"url: {url}", Peer)[1:] == ([], [])


class Open(Struct, frozen=True, kw_only=True):
    url: HttpUrl
    insecure: bool = False


def test_an_object_may_have_a_field_for_the_word() -> None:
    assert "http is only for" in read("url: http://x.lan", Open)[1][0]
    found, problems, warnings = read("url: http://x.lan\ninsecure: true", Open)
    assert (found.insecure, problems, len(warnings)) == (True, [], 1)


def test_an_object_without_a_url_has_no_key_insecure() -> None:
    assert "unknown key 'insecure'" in read("insecure: true", Root)[1][0]

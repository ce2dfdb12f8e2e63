"""Substitution of `${VARIABLE}`."""

import re

import pytest

from router.config.environment import substitute

ENV = {"TOKEN": "t0k", "EMPTY": "", "NESTED": "${TOKEN}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain $TOKEN pa$$word", "plain $TOKEN pa$$word"),
        ("${TOKEN}", "t0k"),
        ("a-${TOKEN}-${TOKEN}", "a-t0k-t0k"),
        ("${NONE:-else}", "else"),
        ("${EMPTY:-else}${EMPTY}", "else"),
        ("${TOKEN:-else}", "t0k"),
        ("${NONE:-}", ""),
        ("${NESTED}", "${TOKEN}"),
        ("$${TOKEN}", "${TOKEN}"),
        ("lost ${{ value }}", "lost ${{ value }}"),
    ],
)
def test_variables_are_put_in_place_once(text: str, expected: str) -> None:
    assert substitute(text, ENV) == expected


SYNTAX = "'${' needs a variable's name and '}' after it (write '$${' for a plain '${')"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${TOKN}", "environment variable 'TOKN' isn't set, did you mean 'TOKEN'?"),
        (
            "${AAA} ${BBB}",
            "environment variable 'AAA' isn't set; environment variable 'BBB' isn't set",
        ),
        ("${TOKEN", SYNTAX),
        ("${}", SYNTAX),
        ("${1X}", SYNTAX),
        ("${TOKEN-x}", SYNTAX),
    ],
)
def test_what_stands_for_nothing_is_said(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        substitute(text, ENV)

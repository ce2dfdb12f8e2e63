"""Slack's markup, read as what a person sees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.receivers.slack.text import written

NAMES = {"U1": "ana"}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("plain &lt;b&gt; &amp;amp;", "plain <b> &amp;"),
        ("<@U1> and <@U2> and <@U3|cleo>", "@ana and @U2 and @cleo"),
        ("<#C1|ops> <#C2>", "#ops #C2"),
        ("<!here> <!subteam^S1|@sre> <!date^1392734382^{date}|Feb 18>", "@here @sre @Feb 18"),
        ("<https://example.com|docs> <https://example.com> <mailto:a@b.c|a@b.c>",
         "docs (https://example.com) https://example.com a@b.c (mailto:a@b.c)"),
        ("a < b > c", "a < b > c"),
    ],
)  # fmt: skip
def test_markup_becomes_what_is_meant(text: str, read: str) -> None:
    assert written(text, NAMES) == read


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    written(text, NAMES)

"""Parameters, and where their values go: one text each, never an option, never another argument."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.incident.action_binding import (
    LONGEST,
    ActionPlan,
    Parameter,
    bind,
    fill,
    placeholders,
)

ANY = Parameter(pattern=".+")


@pytest.mark.parametrize(
    ("parameter", "value", "wrong"),
    [
        (Parameter(pattern="[a-z]+-[0-9]+"), "api-41", ""),
        (Parameter(pattern="[a-z]+-[0-9]+"), "api-41; rm", "pattern"),
        (Parameter(pattern="[a-z]+-[0-9]+"), "xapi-41\n", "one line"),
        (Parameter(choices=("eu", "us")), "eu", ""),
        (Parameter(choices=("eu", "us")), "e", "one of: eu, us"),
        (Parameter(integers=(0, 100)), "100", ""),
        (Parameter(integers=(0, 100)), "101", "from 0 to 100"),
        (Parameter(integers=(0, 100)), "1e2", "whole number"),
        (Parameter(integers=(0, 100)), "\u0661", "whole number"),
        (Parameter(integers=(-9, 9)), "-1", "dash"),
        (Parameter(integers=(-9, 9), dash=True), "-1", ""),
        (ANY, "--force", "dash"),
        (ANY, "a--force", ""),
        (ANY, "", "empty"),
        (ANY, "a\0b", "one line"),
        (ANY, "x" * (LONGEST + 1), "at most"),
        (ANY, "\ud800", "one line"),
    ],
)
def test_a_value_is_what_its_parameter_allows(parameter: Parameter, value: str, wrong: str) -> None:
    """A pattern takes the whole of it; a leading dash needs to be allowed."""
    if not wrong:
        parameter.check(value)
        return
    with pytest.raises(ValueError, match=wrong):
        parameter.check(value)


def test_a_parameter_is_given_or_known_or_has_a_default() -> None:
    """In this order; missing, wrong and unknown parameters are reported together."""
    plan = ActionPlan(
        "a",
        "d",
        1,
        1,
        parameters={
            "one": Parameter(pattern="[a-z]+", default="c", origin="labels.one"),
            "two": Parameter(choices=("x",)),
        },
    )
    assert bind(plan, {"one": "a", "two": "x"}, {"labels.one": "b"}) == (
        {"one": "a", "two": "x"},
        [],
    )
    assert bind(plan, {"two": "x"}, {"labels.one": "b"})[0]["one"] == "b"
    assert bind(plan, {"two": "x"}, {})[0]["one"] == "c"
    _, problems = bind(plan, {"one": "A", "three": "x"}, {})
    assert [name for name, _ in problems] == ["three", "one", "two"]
    assert bind(plan, {"two": "x"}, {"labels.one": "-f"})[1], (
        "what an alert says is checked as well"
    )


def test_braces_name_parameters() -> None:
    """Doubled, they're braces."""
    assert placeholders("--to={revision}={percent}") == {"revision", "percent"}
    assert placeholders("{{x}}") == set()
    assert fill("{{{x}}}", {"x": "1"}) == "{1}"
    for wrong in ("{", "{}", "{0}", "{x!r}", "{x:>9}", "{x.y}", "{x[0]}"):
        with pytest.raises(ValueError):  # noqa: PT011 - whichever it is
            placeholders(wrong)


@given(st.text(), st.text())
def test_a_value_is_never_looked_at_again(one: str, other: str) -> None:
    """Any value stays within the one argument that names it."""
    assert fill("a{x}b{y}c", {"x": one, "y": other}) == f"a{one}b{other}c"


@given(st.text(max_size=300))
def test_what_passes_can_be_no_option_and_no_second_argument(value: str) -> None:
    """Not for any value, where the parameter takes anything."""
    try:
        ANY.check(value)
    except ValueError:
        return
    assert value
    assert not value.startswith("-")
    assert not set(value) & set("\0\r\n")

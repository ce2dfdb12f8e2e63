"""Expressions are compiled when the config is read, and never raise anything but ValueError."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.expression import LONGEST, Expression


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.b", 1),
        ("c[].d", [1, 2]),
        ("nothing", None),
        ("parse_json(text).inner", {"x": 1}),
        ("parse_json(a.text)", None),
        ("parse_json('no json')", None),
        ("join(',', names || `[]`)", ""),
    ],
)
def test_an_expression_selects_a_value(text: str, found: object) -> None:
    """JMESPath, and `parse_json`."""
    content = {"a": {"b": 1}, "c": [{"d": 1}, {"d": 2}], "text": '{"inner": {"x": 1}}'}
    assert Expression.parse(text).search(content) == found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("a..b", "column 2"),
        ("a[", "Incomplete"),
        ("a.b[?nope(@)]", r"there is no function nope\(\)"),
        ("a" * (LONGEST + 1), "longer than 2000"),
    ],
)
def test_a_mistake_is_found_when_it_is_compiled(text: str, problem: str) -> None:
    """With what is wrong."""
    with pytest.raises(ValueError, match=problem):
        Expression.parse(text)


@pytest.mark.filterwarnings("ignore:deprecated string literal")
@given(st.text(alphabet="ab.[]{}()|&?*@`'\"<>=!,:01 ", max_size=30))
def test_any_text_is_an_expression_or_a_value_error(text: str) -> None:
    """Also when it's evaluated."""
    try:
        Expression.parse(text).search({"a": [1, "x", None, {"b": {}}]})
    except ValueError:
        return


def test_a_failure_names_the_expression() -> None:
    """And not the payload."""
    with pytest.raises(ValueError, match=r"'length\(a\)' fails") as caught:
        Expression.parse("length(a)").search({"a": 7, "secret": "s3cr3t"})
    assert "s3cr3t" not in str(caught.value)

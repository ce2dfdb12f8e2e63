"""Values of any type are read as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.receivers.lenient import joined, kept, member, tag, text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(" a ", "a"), (3, "3"), (0.5, "0.5"), (None, ""), (True, ""), ([], ""), ({}, "")],
)
def test_text(value: object, expected: str) -> None:
    """Text is stripped and numbers are written out; nothing else is text."""
    assert text(value) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([["level", "error"], ["environment", "production"]], "production"),
        ([None, ["environment"], [], "environment", ["environment", None]], ""),
        ([["release", None], ["environment", 3]], "3"),
        ({"environment": "production"}, ""),
        (None, ""),
    ],
)
def test_tag(tags: object, expected: str) -> None:
    """The value of the first pair of that name; pairs may be null or broken."""
    assert tag(tags, "environment") == expected


@given(JSON)
def test_nothing_raises(value: object) -> None:
    """Any JSON value is read as text, as a list, as an object and as tags."""
    assert isinstance(text(value) + joined(value) + tag(value, "a"), str)
    assert all(kept(a=value, b=member(value, "a")).values())

"""Bodies are made storable, their faults are named, and values of any type are read as text."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from router.ports.errors import InvalidInput
from router.receivers.source import clean, decode, joined, kept, member, tag, text


class Inner(Struct):
    size: int


class Outer(Struct):
    inner: Inner
    many: list[Inner] = []
    named: dict[str, int] = {}


OUTER = msgspec.json.Decoder(Outer)
ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (rb'"plain"', "plain"),
        (rb'"a\u0000b"', "a\ufffdb"),
        (rb'"a\\u0000b"', r"a\u0000b"),
        (rb'"a\\\u0000b"', "a\\\ufffdb"),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"\uD83D\uDE00\u0000"', "\U0001f600\ufffd"),
        (rb'"cut \ud83d"', "cut \ufffd"),
        (rb'"\ude00 cut"', "\ufffd cut"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
        (rb'"\\ud83d"', r"\ud83d"),
        (rb'"\ud7ff\ue000"', "\ud7ff\ue000"),
    ],
)
def test_replaces_what_cannot_be_stored(raw: bytes, expected: str) -> None:
    """NULs and lone halves become U+FFFD; escaped backslashes and whole pairs are left alone."""
    assert decode(ANY, clean(raw)) == expected


@given(st.text(st.characters(), max_size=30))
def test_any_string_comes_out_as_text(text: str) -> None:
    """Any string that Python can escape is decoded, can be encoded, and has no NUL."""
    found = decode(ANY, clean(json.dumps(text).encode()))
    assert "\0" not in found.encode().decode()


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (b"", "/at"),
        (b"[]", "/at"),
        (b"{}", "/at/inner"),
        (b'{"inner": null}', "/at/inner"),
        (b'{"inner": {}}', "/at/inner/size"),
        (b'{"inner": {"size": "x"}}', "/at/inner/size"),
        (b'{"inner": {"size": 1}, "many": [{"size": 1}, {"size": null}]}', "/at/many/1/size"),
        (b'{"inner": {"size": 1}, "named": {"a": "x"}}', "/at/named"),
        (b'{"inner": {"size": 1}, "named": {"\xff": 1}}', "/at"),
        (b'{"x": ' + b"[" * 100_000, "/at"),
    ],
)
def test_points_at_the_field(raw: bytes, pointer: str) -> None:
    """A wrong or missing field is named by its JSON Pointer."""
    with pytest.raises(InvalidInput) as caught:
        decode(OUTER, raw, "/at")
    assert caught.value.pointer == pointer
    assert caught.value.detail


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

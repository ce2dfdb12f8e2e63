"""The type language."""

from enum import IntEnum
from typing import Literal

import pytest
from msgspec import Struct

from router.config.secret import Secret, SecretUrl
from router.config.shapes import Hooks, Shape, expectation, shape_of
from router.model.incident import Severity
from router.model.scalars import Duration


class Inner(Struct):
    pass


class Parsed(Struct):
    """A struct that is written as text."""


class Chosen(Struct):
    pass


class Level(IntEnum):
    LOW = 1


HOOKS = Hooks(parsers={Parsed: lambda _: Parsed()}, choices={Chosen: {}})


@pytest.mark.parametrize(
    ("type_", "shape", "words"),
    [
        (str, Shape.PARSED, "text"),
        (Duration, Shape.PARSED, "a duration such as 30s, 5m, 1h30m or 2d"),
        (Parsed, Shape.PARSED, "parsed"),
        (Chosen, Shape.CHOICE, "a mapping"),
        (Inner, Shape.STRUCT, "a mapping"),
        (dict[str, Inner], Shape.DICT, "a mapping"),
        (list[int], Shape.LIST, "a list"),
        (tuple[int, ...], Shape.LIST, "a list"),
        (Severity, Shape.OPTIONS, "one of: P0, P1, P2, P3"),
        (Level, Shape.OPTIONS, "one of: 1"),
        (Literal["a", "b"], Shape.OPTIONS, "one of: a, b"),
        (int | None, Shape.UNION, "a whole number"),
        (int | list[str] | None, Shape.UNION, "a whole number or a list"),
        (Secret, Shape.SECRET, "a secret: ${VARIABLE}, {file: PATH} or text"),
        (SecretUrl, Shape.SECRET, "a secret: ${VARIABLE}, {file: PATH} or text"),
    ],
)
def test_each_type_has_a_shape_and_is_put_in_words(type_: object, shape: Shape, words: str) -> None:
    assert shape_of(type_, HOOKS) is shape
    assert expectation(type_, HOOKS) == words


@pytest.mark.parametrize("type_", [object, bytes, set[str], tuple[int, str], dict, None])
def test_a_type_outside_of_the_language_is_a_mistake_in_the_code(type_: object) -> None:
    with pytest.raises(TypeError, match="a config field can't be of type"):
        shape_of(type_, HOOKS)

"""The type language of config structs: which types a field may have, what they're called, and how
they're told apart.

Reading YAML and describing it (JSON Schema) are two walks over this one language.
"""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from msgspec import Struct

from router.config.fields import FIELD_TYPES
from router.config.secret import Secret


class Hooks(Struct, frozen=True):
    """What layers above config add to the language.

    parsers: types read from text, by functions that raise ValueError with the message.
    choices: types that stand for one of several structs, named by the key `type`: `{Channel:
    {"slack": SlackChannel}}`.
    keyed: those of `choices` whose own key in the mapping is the type if they have no key `type`.
    expected: what to write for a type of `parsers`, in words that follow "expected"; without any,
    the type's name.
    """

    parsers: Mapping[type, Callable[[str], object]] = {}
    choices: Mapping[type, Mapping[str, type[Struct]]] = {}
    expected: Mapping[type, str] = {}
    keyed: frozenset[type] = frozenset()


class Shape(Enum):
    CHOICE = auto()
    UNION = auto()
    DICT = auto()
    LIST = auto()
    SECRET = auto()
    PARSED = auto()
    OPTIONS = auto()
    STRUCT = auto()


def shape_of(type_: Any, hooks: Hooks) -> Shape:
    """Raises: TypeError, if `type_` isn't of the language, which is a mistake in a struct, not in a
    config.
    """
    origin = get_origin(type_)
    holds = {
        Shape.CHOICE: type_ in hooks.choices,
        Shape.PARSED: type_ in hooks.parsers or type_ in FIELD_TYPES,
        Shape.UNION: origin in {Union, UnionType},
        Shape.DICT: origin is dict,
        Shape.LIST: origin is list or (origin is tuple and get_args(type_)[1:] == (...,)),
        Shape.OPTIONS: origin is Literal or _is(type_, Enum),
        Shape.SECRET: _is(type_, Secret),
        Shape.STRUCT: _is(type_, Struct),
    }
    for shape, held in holds.items():
        if held:
            return shape
    raise TypeError(f"a config field can't be of type {type_}")


def _is(type_: Any, parent: type) -> bool:
    return isinstance(type_, type) and issubclass(type_, parent)


def options_of(type_: Any) -> dict[str, Any]:
    """The values of a Literal or an Enum, by how they're written."""
    if get_origin(type_) is Literal:
        return {str(option): option for option in get_args(type_)}
    return {str(member.value): member for member in type_}


def members_of(type_: Any) -> list[Any]:
    """The types of a union, less None."""
    return [member for member in get_args(type_) if member is not NoneType]


def is_optional(type_: Any) -> bool:
    return NoneType in get_args(type_)


def expectation(type_: Any, hooks: Hooks) -> str:
    """What to write for a `type_`, in a few words that follow "expected"."""
    match shape_of(type_, hooks):
        case Shape.CHOICE | Shape.STRUCT | Shape.DICT:
            return "a mapping"
        case Shape.LIST:
            return "a list"
        case Shape.SECRET:
            return "a secret: ${VARIABLE}, {file: PATH} or text"
        case Shape.OPTIONS:
            return f"one of: {', '.join(options_of(type_))}"
        case Shape.UNION:
            return " or ".join(expectation(member, hooks) for member in members_of(type_))
        case Shape.PARSED:
            return (
                FIELD_TYPES[type_].expected
                if type_ in FIELD_TYPES
                else hooks.expected.get(type_, type_.__name__.lower())
            )

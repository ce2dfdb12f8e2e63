"""The field types that config structs may have, and their form in YAML.

`convert` uses them to read YAML, and `schema` to describe it.
"""

import functools
from collections.abc import Callable, Mapping
from enum import Enum, auto
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import Struct, structs

from router.config.fields import FIELD_TYPES, HttpUrl
from router.config.secret import Secret, SecretUrl
from router.model.scalars import INTERNAL, Joined, Key

INSECURE = "insecure"
"""The key by which an object with a URL accepts plain http. See `has_url`."""


class Hooks(Struct, frozen=True):
    """Field types that higher layers add.

    parsers: functions that parse the text of a type, and raise ValueError with the message.
    choices: types that mean one of several structs, selected by the key `type`:
        `{Channel: {"slack": SlackChannel}}`.
    keyed: choices for which the object's own name is the type if it has no key `type`.
    expected: text to follow "expected" in errors, for a type of `parsers`; by default its name.
    """

    parsers: Mapping[Any, Callable[[str], object]] = {}
    choices: Mapping[type, Mapping[str, type[Struct]]] = {}
    expected: Mapping[Any, str] = {}
    keyed: frozenset[type] = frozenset()


class Shape(Enum):
    CHOICE = auto()
    UNION = auto()
    DICT = auto()
    LIST = auto()
    JOINED = auto()
    SECRET = auto()
    PARSED = auto()
    OPTIONS = auto()
    STRUCT = auto()


def shape_of(type_: Any, hooks: Hooks) -> Shape:
    """The shape of a field's type.

    Raises: TypeError, if a config struct can't have this type. That's a bug in the struct.
    """
    origin = get_origin(type_)
    holds = {
        Shape.CHOICE: type_ in hooks.choices,
        Shape.PARSED: type_ in hooks.parsers or type_ in FIELD_TYPES,
        Shape.JOINED: joined(type_) is not None,
        Shape.UNION: origin in {Union, UnionType},
        Shape.DICT: origin in {dict, Mapping},
        Shape.LIST: origin in {list, frozenset}
        or (origin is tuple and get_args(type_)[1:] == (...,)),
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


def joined(type_: Any) -> Any:
    """The item type, if `type_` is written as a list whose items are joined; None otherwise."""
    if get_origin(type_) is not Annotated:
        return None
    return next((mark.of for mark in get_args(type_)[1:] if isinstance(mark, Joined)), None)


def collection(type_: Any) -> type:
    """The class of a list's value: `list`, `tuple` or `frozenset`."""
    if get_origin(type_) is Annotated:
        type_ = get_args(type_)[0]
    found: type = get_origin(type_)
    return found


@functools.cache
def config_fields(type_: Any) -> tuple[structs.FieldInfo, ...]:
    """The fields of a struct that are keys in the config."""
    return tuple(
        field for field in structs.fields(type_) if field.type is not Key and not _internal(field)
    )


def key_field(type_: Any) -> str | None:
    """The field that receives the object's name in the config."""
    return next((field.name for field in structs.fields(type_) if field.type is Key), None)


def _internal(field: structs.FieldInfo) -> bool:
    return get_origin(field.type) is Annotated and INTERNAL in get_args(field.type)[1:]


@functools.cache
def has_url(type_: Any) -> bool:
    """Check if the object accepts the key `insecure`, because it has its own URL."""
    fields = config_fields(type_)
    named = any(field.encode_name == INSECURE for field in fields)
    return not named and any(is_url(field.type) for field in fields)


def is_url(type_: Any) -> bool:
    types = members_of(type_) if get_origin(type_) in {Union, UnionType} else [type_]
    return HttpUrl in types or SecretUrl in types


def options_of(type_: Any) -> dict[str, Any]:
    """The values of a Literal or an Enum, by their form in YAML."""
    if get_origin(type_) is Literal:
        return {str(option): option for option in get_args(type_)}
    return {str(member.value): member for member in type_}


def members_of(type_: Any) -> list[Any]:
    """The types of a union, except None."""
    return [member for member in get_args(type_) if member is not NoneType]


def is_optional(type_: Any) -> bool:
    return NoneType in get_args(type_)


def expectation(type_: Any, hooks: Hooks) -> str:
    """A few words that follow "expected" and describe the form of a `type_`."""
    match shape_of(type_, hooks):
        case Shape.CHOICE | Shape.STRUCT | Shape.DICT:
            return "a mapping"
        case Shape.LIST | Shape.JOINED:
            return "a list"
        case Shape.SECRET:
            return "a secret: ${VARIABLE}, {file: PATH} or text"
        case Shape.OPTIONS:
            return f"one of: {', '.join(options_of(type_))}"
        case Shape.UNION:
            return " or ".join(expectation(member, hooks) for member in members_of(type_))
        case Shape.PARSED:
            if type_ in FIELD_TYPES:
                return FIELD_TYPES[type_].expected
            return hooks.expected.get(type_, getattr(type_, "__name__", str(type_)).lower())

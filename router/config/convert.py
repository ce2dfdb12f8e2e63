"""Located YAML into structs, carrying on after each error so that all are said at once.

A value that can't be had is FAILED, and so is the struct, list or dict that it's in; its siblings
are still read.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, TypeVar, get_args, get_origin

from msgspec import NODEFAULT, Struct, structs

from router.config.environment import substitute
from router.config.fields import FIELD_TYPES
from router.config.located import (
    ListNode,
    MapNode,
    Node,
    Place,
    Problem,
    ScalarNode,
    nearest,
    suggest,
)
from router.config.shapes import (
    Hooks,
    Shape,
    expectation,
    is_optional,
    members_of,
    options_of,
    shape_of,
)

T = TypeVar("T")

Trail = tuple[str | int, ...]
"""The way to a value from the root: `("policies", "critical", "steps", 0, "notify", 1)`, with keys
as written.
"""


class Failed(Enum):
    FAILED = "failed"


FAILED: Final = Failed.FAILED


@dataclass(slots=True)
class Context:
    """What a conversion needs, and what it leaves behind for checks across values.

    env: the environment's variables. base: the directory that the files of secrets are relative to.
    problems: all that was wrong. places: where each value is written, failed ones too. values: what
    each became.

    For another file of the same config, `dataclasses.replace(context, base=…)` shares the last
    three; its root then needs a trail of its own.
    """

    env: Mapping[str, str]
    base: Path
    hooks: Hooks = field(default_factory=Hooks)
    problems: list[Problem] = field(default_factory=list)
    places: dict[Trail, Place] = field(default_factory=dict)
    values: dict[Trail, Any] = field(default_factory=dict)

    def report(self, place: Place, message: str) -> None:
        self.problems.append(Problem(place, message))

    def place_of(self, trail: Trail) -> Place:
        """Where the value is written or, for one that was left to its default, what it would be in."""
        while trail and trail not in self.places:
            trail = trail[:-1]
        return self.places[trail]

    def names_at(self, trail: Trail) -> list[str]:
        """The keys written in the mapping there, also of values that failed; [] if it isn't
        written.
        """
        return [str(one[-1]) for one in self.places if one and one[:-1] == trail]

    def all_of(self, type_: type[T]) -> Iterator[tuple[Trail, T]]:
        """Each value of that class which was written and is right, also within a struct that
        failed.
        """
        return ((trail, value) for trail, value in self.values.items() if isinstance(value, type_))


def convert(node: Node, type_: type[T], context: Context, trail: Trail = ()) -> T | Failed:
    """`node` as a `type_`, or FAILED with the reasons in `context.problems`."""
    value: T | Failed = _convert(node, type_, context, trail)
    return value


def convert_tagged(  # noqa: PLR0913, PLR0917 - the node, and how to read it
    node: Node,
    registry: Mapping[str, type[Struct]],
    context: Context,
    tag: str = "type",
    trail: Trail = (),
    default: str = "",
) -> Any:
    """`node` as the struct that its key `tag` names in `registry`, or FAILED. The tag isn't a field
    of the struct.

    Without the key, `default` is the tag if `registry` has it.
    """
    context.places[trail] = node.place
    if not isinstance(node, MapNode):
        return _mismatch(node, "a mapping", context)
    expected = f"one of: {', '.join(registry)}"
    names = {name: name for name in registry}
    if tag not in node.entries and default in registry:
        name: Any = default
    elif tag not in node.entries:
        hint = suggest(default, registry) if default else ""
        return _fail(context, node.place, f"missing key {tag!r}{hint} (expected {expected})")
    else:
        name = _text(
            node.entries[tag].value, functools.partial(_pick, tag, names), expected, context
        )
    if name is FAILED:
        return FAILED
    _keep(name, context, (*trail, tag))
    return _keep(_struct(node, registry[name], context, trail, tag), context, trail)


def _convert(node: Node, type_: Any, context: Context, trail: Trail) -> Any:
    context.places[trail] = node.place
    read, _ = _READERS[shape_of(type_, context.hooks)]
    return _keep(read(node, type_, context, trail), context, trail)


def _keep(value: Any, context: Context, trail: Trail) -> Any:
    if value is not FAILED:
        context.values[trail] = value
    return value


def _fail(context: Context, place: Place, message: str) -> Failed:
    context.report(place, message)
    return FAILED


def _attempt(work: Callable[[], Any], place: Place, context: Context) -> Any:
    try:
        return work()
    except ValueError as error:
        return _fail(context, place, str(error))


def _mismatch(node: Node, expected: str, context: Context) -> Failed:
    """What was found is named by its kind only: it might be a secret in the wrong place."""
    found = {MapNode: "a mapping", ListNode: "a list", ScalarNode: "a single value"}[type(node)]
    if _is_null(node):
        found = "nothing"
    return _fail(context, node.place, f"expected {expected}, found {found}")


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.null


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    return f"unknown {what} {name!r}{suggest(name, known)} (expected one of: {', '.join(known)})"


_fields = functools.cache(structs.fields)


def _struct(node: Node, type_: Any, context: Context, trail: Trail, tag: str = "") -> Any:
    if not isinstance(node, MapNode):
        return _mismatch(node, expectation(type_, context.hooks), context)
    fields = {one.encode_name: one for one in _fields(type_)}
    unknown = [key for key in node.entries if key not in fields and key != tag]
    for key in unknown:
        context.report(node.entries[key].place, _unknown("key", key, fields))
    values: dict[str, Any] = {}
    for name, one in fields.items():
        if name in node.entries:
            values[one.name] = _convert(node.entries[name].value, one.type, context, (*trail, name))
        elif one.required:
            values[one.name] = FAILED
            # A misspelt key is one mistake, not also a missing one.
            if name not in {nearest(key, fields) for key in unknown}:
                context.report(
                    node.place,
                    f"missing key {name!r} (expected {expectation(one.type, context.hooks)})",
                )
    if unknown:
        return FAILED
    if FAILED in values.values():
        return _check_partly(type_, values, node.place, context)
    return _attempt(lambda: type_(**values), node.place, context)


def _check_partly(type_: Any, values: Mapping[str, Any], place: Place, context: Context) -> Failed:
    """What is wrong across the fields that could be read.

    A check that needs another one says nothing.
    """
    unread = {name for name, value in values.items() if value is FAILED}
    known = {**{one.name: _default(one) for one in _fields(type_) if not one.required}, **values}
    partial = SimpleNamespace(
        **{name: value for name, value in known.items() if name not in unread}
    )
    check = getattr(type_, "__post_init__", None)
    if check:
        with suppress(AttributeError, TypeError):
            _attempt(lambda: check(partial), place, context)
    return FAILED


def _default(one: structs.FieldInfo) -> Any:
    return one.default if one.default is not NODEFAULT else one.default_factory()


def _dict(node: Node, type_: Any, context: Context, trail: Trail) -> Any:
    if not isinstance(node, MapNode):
        return _mismatch(node, "a mapping", context)
    key_type, value_type = get_args(type_)
    parse_key = _parser(key_type, context.hooks)
    read: dict[Any, Any] = {}
    for key, entry in node.entries.items():
        name = _attempt(functools.partial(parse_key, key), entry.place, context)
        read[name] = _convert(entry.value, value_type, context, (*trail, key))
    return FAILED if FAILED in read or FAILED in read.values() else read


def _list(node: Node, type_: Any, context: Context, trail: Trail) -> Any:
    if not isinstance(node, ListNode):
        return _mismatch(node, "a list", context)
    item_type = get_args(type_)[0]
    items = [
        _convert(item, item_type, context, (*trail, index)) for index, item in enumerate(node.items)
    ]
    return FAILED if FAILED in items else get_origin(type_)(items)


def _choice(node: Node, type_: Any, context: Context, trail: Trail) -> Any:
    default = str(trail[-1]) if type_ in context.hooks.keyed and trail else ""
    return convert_tagged(node, context.hooks.choices[type_], context, trail=trail, default=default)


def _union(node: Node, type_: Any, context: Context, trail: Trail) -> Any:
    """By the kind of node, if that tells, or by the keys; else the first type in the union that
    takes it.
    """
    if _is_null(node) and is_optional(type_):
        return None
    members = members_of(type_)
    if len(members) > 1:
        members = [
            one for one in members if isinstance(node, _READERS[shape_of(one, context.hooks)][1])
        ]
    if (
        isinstance(node, MapNode)
        and members
        and all(shape_of(one, context.hooks) is Shape.STRUCT for one in members)
    ):
        members = [max(members, key=functools.partial(_fit, node))]
    if len(members) == 1:
        return _convert(node, members[0], context, trail)
    for member in members:
        value = _convert(node, member, replace(context, problems=[]), trail)
        if value is not FAILED:
            return value
    return _mismatch(node, expectation(type_, context.hooks), context)


def _fit(node: MapNode, type_: Any) -> int:
    """How many of the keys written are the struct's, less those that it needs and doesn't get."""
    keys = {one.encode_name: one.required for one in _fields(type_)}
    return len(keys.keys() & node.entries.keys()) - sum(
        required for key, required in keys.items() if key not in node.entries
    )


def _scalar(node: Node, type_: Any, context: Context, _trail: Trail) -> Any:
    return _text(node, _parser(type_, context.hooks), expectation(type_, context.hooks), context)


def _text(node: Node, parse: Callable[[str], object], expected: str, context: Context) -> Any:
    if not isinstance(node, ScalarNode) or node.null:
        return _mismatch(node, expected, context)
    return _attempt(lambda: _parse(node.text, context.env, parse, expected), node.place, context)


def _parse(
    written: str, env: Mapping[str, str], parse: Callable[[str], object], expected: str
) -> object:
    text = substitute(written, env)
    try:
        return parse(text)
    except ValueError:
        if text == written:
            raise
        # The parser's message may quote the text, and what comes from the environment may be a
        # secret.
        raise ValueError(f"what {written!r} stands for isn't {expected}") from None


def _parser(type_: Any, hooks: Hooks) -> Callable[[str], object]:
    if type_ in hooks.parsers:
        return hooks.parsers[type_]
    if type_ in FIELD_TYPES:
        return FIELD_TYPES[type_].read
    return functools.partial(_pick, "value", options_of(type_))


def _pick(what: str, options: Mapping[str, object], text: str) -> object:
    if text not in options:
        raise ValueError(_unknown(what, text, options))
    return options[text]


def _secret(node: Node, type_: Any, context: Context, _trail: Trail) -> Any:
    if isinstance(node, ScalarNode) and not node.null:
        return _attempt(lambda: type_(substitute(node.text, context.env)), node.place, context)
    if not isinstance(node, MapNode) or list(node.entries) != ["file"]:
        return _mismatch(node, expectation(type_, context.hooks), context)
    path = _text(node.entries["file"].value, context.base.joinpath, "the path of a file", context)
    return (
        FAILED if path is FAILED else _attempt(lambda: type_(_content(path)), node.place, context)
    )


def _content(path: Path) -> str:
    """The file's text less its last line's end. Raises: ValueError."""
    try:
        return path.read_text("utf-8").removesuffix("\n")
    except OSError as error:
        raise ValueError(f"can't read the secret's file: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("the secret's file isn't UTF-8 text") from None


_Reader = Callable[[Node, Any, Context, Trail], Any]
_READERS: Mapping[Shape, tuple[_Reader, tuple[type, ...]]] = {
    Shape.CHOICE: (_choice, (MapNode,)),
    Shape.UNION: (_union, (ScalarNode, ListNode, MapNode)),
    Shape.DICT: (_dict, (MapNode,)),
    Shape.LIST: (_list, (ListNode,)),
    Shape.SECRET: (_secret, (ScalarNode, MapNode)),
    Shape.PARSED: (_scalar, (ScalarNode,)),
    Shape.OPTIONS: (_scalar, (ScalarNode,)),
    Shape.STRUCT: (_struct, (MapNode,)),
}
"""For each shape its reader, and the kinds of node that can be it."""

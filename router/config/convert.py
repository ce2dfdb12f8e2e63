"""Convert located YAML into structs, and report all errors together.

A value that can't be read becomes FAILED, and so does the struct, list or dict that contains it.
Its siblings are still read.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, get_args

from msgspec import NODEFAULT, Struct, structs

from router.config.fields import FIELD_TYPES, is_plain_http
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
from router.config.scalar import FAILED, Failed, is_null, mismatch, secret_of, text_of, url_text
from router.config.shapes import (
    INSECURE,
    Hooks,
    Shape,
    collection,
    config_fields,
    expectation,
    has_url,
    is_optional,
    is_url,
    joined,
    key_field,
    members_of,
    options_of,
    shape_of,
)

__all__ = ["FAILED", "Context", "Failed", "Trail", "convert", "convert_tagged"]

T = TypeVar("T")

Trail = tuple[str | int, ...]
"""The path to a value from the root, keys as written: `("policies", "critical", "steps", 0)`."""


@dataclass(slots=True)
class Context:
    """The input of a conversion, and its results, for checks across values.

    env: environment variables. base: the directory to which paths of secret files are relative.
    problems: all errors. warnings: suspect but valid values. places: where each value is written,
    including failed values. values: each converted value. types: the declared type of each value.

    For another file of the same config, `dataclasses.replace(context, base=…)` shares the
    results; the root of that file needs a separate trail.
    """

    env: Mapping[str, str]
    base: Path
    hooks: Hooks = field(default_factory=Hooks)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    places: dict[Trail, Place] = field(default_factory=dict)
    values: dict[Trail, Any] = field(default_factory=dict)
    types: dict[Trail, Any] = field(default_factory=dict)

    def report(self, place: Place, message: str) -> None:
        self.problems.append(Problem(place, message))

    def warn(self, place: Place, message: str) -> None:
        self.warnings.append(Problem(place, message))

    def place_of(self, trail: Trail) -> Place:
        """The place of the value; for a default, the place of the enclosing object."""
        while trail and trail not in self.places:
            trail = trail[:-1]
        return self.places[trail]

    def names_at(self, trail: Trail) -> list[str]:
        """The keys of the mapping at `trail`, even of failed values; [] if it's missing."""
        return [str(place[-1]) for place in self.places if place and place[:-1] == trail]

    def declared(self, type_: type[T]) -> list[tuple[Trail, T]]:
        """Each valid value of a field that is declared as `type_`, a NewType."""
        found = (trail for trail, known in self.types.items() if known is type_)
        return [(trail, self.values[trail]) for trail in found if trail in self.values]

    def all_of(self, type_: type[T]) -> list[tuple[Trail, T]]:
        """Each valid value of that class in the file, even within a struct that failed."""
        return [(trail, value) for trail, value in self.values.items() if isinstance(value, type_)]


def convert(node: Node, type_: type[T], context: Context, trail: Trail = ()) -> T | Failed:
    """Convert `node` to `type_`. Returns FAILED with the reasons in `context.problems`."""
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
    """Convert `node` to the struct that its key `tag` selects in `registry`, or FAILED.

    The tag isn't a field of the struct. Without the key, `default` is the tag if `registry` has it.
    """
    context.places[trail] = node.place
    if not isinstance(node, MapNode):
        return mismatch(node, "a mapping", context)
    expected = f"one of: {', '.join(registry)}"
    names = {name: name for name in registry}
    if tag not in node.entries and default in registry:
        name: Any = default
    elif tag not in node.entries:
        hint = suggest(default, registry) if default else ""
        return _fail(context, node.place, f"missing key {tag!r}{hint} (expected {expected})")
    else:
        pick = functools.partial(_pick, tag, names)
        name = text_of(node.entries[tag].value, pick, expected, context)
    if name is FAILED:
        return FAILED
    _keep(name, context, (*trail, tag))
    return _keep(_struct(node, registry[name], context, trail, tag), context, trail)


def _convert(node: Node, type_: Any, context: Context, trail: Trail) -> Any:
    context.places[trail] = node.place
    context.types[trail] = type_
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


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    return f"unknown {what} {name!r}{suggest(name, known)} (expected one of: {', '.join(known)})"


# --- mappings


def _struct(node: Node, type_: Any, context: Context, trail: Trail, tag: str = "") -> Any:
    if not isinstance(node, MapNode):
        return mismatch(node, expectation(type_, context.hooks), context)
    fields = {field.encode_name: field for field in config_fields(type_)}
    known = [*fields, INSECURE] if has_url(type_) else [*fields]
    unknown = [key for key in node.entries if key not in known and key != tag]
    for key in unknown:
        context.report(node.entries[key].place, _unknown("key", key, known))
    # Report a misspelled key once: don't also report it as missing.
    misspelt = {nearest(key, fields) for key in unknown}
    values = {
        field.name: _field(name, field, node, context, trail, silent=name in misspelt)
        for name, field in fields.items()
        if name in node.entries or field.required
    }
    if any(is_url(field.type) for field in fields.values()):
        _check_urls(node, fields, values, context, trail)
    if unknown:
        return FAILED
    if (name_field := key_field(type_)) is not None:
        values[name_field] = str(trail[-1]) if trail else ""
    if FAILED in values.values():
        return _check_partly(type_, values, node.place, context)
    return _attempt(lambda: type_(**values), node.place, context)


def _field(  # noqa: PLR0913 - a field and its surroundings
    name: str,
    field: structs.FieldInfo,
    node: MapNode,
    context: Context,
    trail: Trail,
    *,
    silent: bool,
) -> Any:
    """The value of a key, or FAILED if it is missing."""
    if name in node.entries:
        return _convert(node.entries[name].value, field.type, context, (*trail, name))
    if not silent:
        expected = expectation(field.type, context.hooks)
        context.report(node.place, f"missing key {name!r} (expected {expected})")
    return FAILED


def _check_urls(
    node: MapNode,
    fields: Mapping[str, structs.FieldInfo],
    values: dict[str, Any],
    context: Context,
    trail: Trail,
) -> None:
    """Reject plain http to other hosts; only warn if the object has `insecure: true`."""
    accepted = values.get(INSECURE, False)
    if INSECURE in node.entries and INSECURE not in fields:
        accepted = _convert(node.entries[INSECURE].value, bool, context, (*trail, INSECURE))
    for key, known in fields.items():
        if (
            key not in node.entries
            or not is_url(known.type)
            or values[known.name] in {FAILED, None}
        ):
            continue
        if not is_plain_http(url_text(values[known.name])):
            continue
        place = context.place_of((*trail, key))
        if accepted is True:
            context.warn(
                place, f"{key} is plain http: anybody on the network can read and change it"
            )
        else:
            values[known.name] = _fail(context, place, _PLAIN_HTTP)


_PLAIN_HTTP = (
    "http is only for a loopback host (localhost, 127.0.0.1, [::1]): on any other network, "
    "requests can be read and changed. "
    "Write https or, in a private network, add `insecure: true` here"
)


def _check_partly(type_: Any, values: Mapping[str, Any], place: Place, context: Context) -> Failed:
    """Report errors across the fields that could be read. Checks of other fields are skipped."""
    unread = {name for name, value in values.items() if value is FAILED}
    defaults = {
        field.name: _default(field) for field in structs.fields(type_) if not field.required
    }
    known = {**defaults, **values}
    partial = SimpleNamespace(
        **{name: field for name, field in known.items() if name not in unread}
    )
    check = getattr(type_, "__post_init__", None)
    if check:
        with suppress(AttributeError, TypeError):
            _attempt(lambda: check(partial), place, context)
    return FAILED


def _default(field: structs.FieldInfo) -> Any:
    return field.default if field.default is not NODEFAULT else field.default_factory()


def _dict(node: Node, type_: Any, context: Context, trail: Trail) -> Any:
    if not isinstance(node, MapNode):
        return mismatch(node, "a mapping", context)
    key_type, value_type = get_args(type_)
    parse_key = _parser(key_type, context.hooks)
    read: dict[Any, Any] = {}
    for key, entry in node.entries.items():
        name = _attempt(functools.partial(parse_key, key), entry.place, context)
        read[name] = _convert(entry.value, value_type, context, (*trail, key))
    return FAILED if FAILED in read or FAILED in read.values() else read


def _choice(node: Node, type_: Any, context: Context, trail: Trail) -> Any:
    default = str(trail[-1]) if type_ in context.hooks.keyed and trail else ""
    return convert_tagged(node, context.hooks.choices[type_], context, trail=trail, default=default)


# --- lists and unions


def _list(node: Node, type_: Any, context: Context, trail: Trail) -> Any:
    items = _items(node, get_args(type_)[0], context, trail)
    return FAILED if FAILED in items else collection(type_)(items)


def _joined(node: Node, type_: Any, context: Context, trail: Trail) -> Any:
    items = _items(node, joined(type_), context, trail)
    if FAILED in items:
        return FAILED
    return collection(type_)(part for item in items for part in item)


def _items(node: Node, item_type: Any, context: Context, trail: Trail) -> list[Any]:
    """The items of a list; [FAILED] for any other node."""
    if not isinstance(node, ListNode):
        return [mismatch(node, "a list", context)]
    numbered = enumerate(node.items)
    return [_convert(item, item_type, context, (*trail, number)) for number, item in numbered]


def _union(node: Node, type_: Any, context: Context, trail: Trail) -> Any:
    """Convert to the member that the node's kind or keys select, or the first that accepts it."""
    if is_null(node) and is_optional(type_):
        return None
    shape = functools.partial(shape_of, hooks=context.hooks)
    members = members_of(type_)
    if len(members) > 1:
        members = [member for member in members if isinstance(node, _READERS[shape(member)][1])]
    structs_only = bool(members) and all(shape(member) is Shape.STRUCT for member in members)
    if isinstance(node, MapNode) and structs_only:
        members = [max(members, key=functools.partial(_fit, node))]
    if len(members) == 1:
        return _convert(node, members[0], context, trail)
    for member in members:
        value = _convert(node, member, replace(context, problems=[]), trail)
        if value is not FAILED:
            return value
    return mismatch(node, expectation(type_, context.hooks), context)


def _fit(node: MapNode, type_: Any) -> int:
    """The number of written keys that the struct has, less the required keys that are missing."""
    keys = {field.encode_name: field.required for field in config_fields(type_)}
    missing = sum(required for key, required in keys.items() if key not in node.entries)
    return len(keys.keys() & node.entries.keys()) - missing


# --- single values


def _scalar(node: Node, type_: Any, context: Context, _trail: Trail) -> Any:
    expected = expectation(type_, context.hooks)
    return text_of(node, _parser(type_, context.hooks), expected, context)


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
    return secret_of(node, type_, expectation(type_, context.hooks), context)


_Reader = Callable[[Node, Any, Context, Trail], Any]
_READERS: Mapping[Shape, tuple[_Reader, tuple[type, ...]]] = {
    Shape.CHOICE: (_choice, (MapNode,)),
    Shape.UNION: (_union, (ScalarNode, ListNode, MapNode)),
    Shape.DICT: (_dict, (MapNode,)),
    Shape.LIST: (_list, (ListNode,)),
    Shape.JOINED: (_joined, (ListNode,)),
    Shape.SECRET: (_secret, (ScalarNode, MapNode)),
    Shape.PARSED: (_scalar, (ScalarNode,)),
    Shape.OPTIONS: (_scalar, (ScalarNode,)),
    Shape.STRUCT: (_struct, (MapNode,)),
}
"""The reader of each shape, and the kinds of node that can have it."""

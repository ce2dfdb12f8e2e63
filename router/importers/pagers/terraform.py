"""Terraform: resources in .tf files, or in the output of `terraform show -json`.

A .tf file is read as written. References, and variables with a default, are followed, but nothing
is evaluated, so `for_each`, `count` and `dynamic` are reported. The state has none of these.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from router.config.located import (
    Invalid,
    ListNode,
    MapNode,
    Node,
    Place,
    Problem,
)
from router.importers.source import Report, plain

NEEDED = (
    "reading .tf files needs python-hcl2: pip install 'alert-router[terraform]', "
    "or give the output of `terraform show -json`"
)
META = frozenset({"for_each", "count", "dynamic"})
IGNORED = frozenset({*META, "depends_on", "lifecycle", "provider"})
_BLOCK = re.compile(r'^\s*(resource|data)\s+"?(\w+)"?\s+"?([\w-]+)"?', re.MULTILINE)
_OTHER = re.compile(
    r"^(?!(?:resource|data|terraform|provider|variable|locals|output|moved|removed|import|check)\b)"
    r"(\w+)\b[^=\n]*\{",
    re.MULTILINE,
)
"""The head of a top-level block that may contain resources, such as `module`."""

_REFERENCE = re.compile(r"\$\{((?:data\.)?\w+\.[\w-]+)(?:\[[^]]*\])?\.(\w+)\}")
_PRODUCT = re.compile(r"\$\{\s*(\d+(?:\s*\*\s*\d+)+)\s*\}")
_VARIABLE = re.compile(r"\$\{(var|local)\.(\w+)\}")

Values = dict[str, Any]


class Resource:
    """A resource or data source: its type, address and place, and its attributes."""

    def __init__(self, type_: str, address: str, place: Place, values: Values) -> None:
        self.type = type_
        self.place = place
        self.values = {"id": address, **{k: v for k, v in values.items() if k not in IGNORED}}
        self.meta = sorted(META & values.keys())


def of_files(texts: Mapping[str, str], report: Report) -> list[Resource]:
    """Read the resources of .tf files (name: text). Raises: Invalid; ImportError."""
    try:
        from hcl2 import SerializationOptions, loads  # noqa: PLC0415 - an extra
    except ImportError:
        raise ImportError(NEEDED) from None
    options = SerializationOptions(
        strip_string_quotes=True, with_comments=False, explicit_blocks=False
    )
    resources: list[Resource] = []
    known: dict[str, Any] = {}
    for file, text in texts.items():
        try:
            tree = loads(text, serialization_options=options)
        except Exception as error:  # noqa: BLE001 - the parser raises errors of its own and of lark
            line = getattr(error, "line", 1)
            why = str(error).strip().splitlines()[0][:200]
            problem = Problem(Place(file, line, 1), f"can't be read as HCL: {why}")
            raise Invalid([problem]) from None
        known |= _variables(tree)
        resources += _resources(tree, text, file)
        _remark_unread(tree, text, file, report)
    addresses = {str(resource.values["id"]): resource for resource in resources}
    for resource in resources:
        resource.values = _resolved(resource.values, known, addresses)
        for key in [key for key, value in resource.values.items() if "${" in str(value)]:
            report.add(resource.place, f"`{key}` has an expression that isn't evaluated")
        for meta in resource.meta:
            message = f"`{meta}` isn't evaluated: give the output of `terraform show -json`"
            report.add(resource.place, message)
    return resources


def _resources(tree: Mapping[str, Any], text: str, file: str) -> Iterator[Resource]:
    lines = {
        (match[1], match[2], match[3]): text.count("\n", 0, match.start(1)) + 1
        for match in _BLOCK.finditer(text)
    }
    for kind in ("resource", "data"):
        for block in tree.get(kind, ()):
            for type_, named in block.items():
                for name, values in named.items():
                    address = f"{'data.' if kind == 'data' else ''}{type_}.{name}"
                    line = lines.get((kind, type_, name), 1)
                    yield Resource(type_, address, Place(file, line, 1), values)


def _remark_unread(tree: Mapping[str, Any], text: str, file: str, report: Report) -> None:
    """Report top-level blocks of other kinds, such as `module`: they may contain resources."""
    for head in _OTHER.finditer(text):
        if head[1] in tree:
            place = Place(file, text.count("\n", 0, head.start()) + 1, 1)
            message = f"`{head[1]}` blocks aren't read: give the output of `terraform show -json`"
            report.add(place, message)


def _variables(tree: Mapping[str, Any]) -> dict[str, Any]:
    variables = {
        f"var.{name}": values["default"]
        for block in tree.get("variable", ())
        for name, values in block.items()
        if "default" in values
    }
    return variables | {
        f"local.{name}": value for block in tree.get("locals", ()) for name, value in block.items()
    }


def _resolved(value: Any, known: Mapping[str, Any], addresses: Mapping[str, Resource]) -> Any:
    """Replace references to other resources by their ids, and variables by their values."""
    if isinstance(value, dict):
        return {key: _resolved(item, known, addresses) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, known, addresses) for item in value]
    if not isinstance(value, str):
        return value
    if whole := _VARIABLE.fullmatch(value):
        name = f"{whole[1]}.{whole[2]}"
        others = {other: kept for other, kept in known.items() if other != name}  # no endless loop
        return _resolved(known[name], others, addresses) if name in known else value
    if product := _PRODUCT.fullmatch(value):
        result = 1
        for factor in product[1].split("*"):
            result *= int(factor)
        return result
    text = _VARIABLE.sub(lambda found: str(known.get(f"{found[1]}.{found[2]}", found[0])), value)

    def attribute(reference: re.Match[str]) -> str:
        other = addresses.get(reference[1])
        return str(other.values.get(reference[2], reference[1])) if other else reference[1]

    return _REFERENCE.sub(attribute, text)


def of_state(node: Node) -> list[Resource]:
    """The resources in the output of `terraform show -json`; [] if it is something else."""
    if not isinstance(node, MapNode) or "values" not in node.entries:
        return []
    return list(_of_modules(node.entries["values"].value))


def _of_modules(node: Node) -> Iterator[Resource]:
    if isinstance(node, ListNode):
        for item in node.items:
            yield from _of_modules(item)
    elif isinstance(node, MapNode):
        if {"type", "values"} <= node.entries.keys():
            read = plain(node)
            values = {key: text for key, text in (read["values"] or {}).items() if text is not None}
            yield Resource(read["type"], str(values.get("id", "")), node.place, values)
        for key in ("root_module", "child_modules", "resources"):
            if key in node.entries:
                yield from _of_modules(node.entries[key].value)

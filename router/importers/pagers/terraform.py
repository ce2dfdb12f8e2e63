"""Terraform: resources in .tf files or in the output of `terraform show -json`, as API objects.

A .tf file is read as written: references and variables with a default are followed, but nothing is
evaluated, so `for_each`, `count` and `dynamic` are reported. The state has none of these.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from router.config.located import (
    Entry,
    Invalid,
    ListNode,
    MapNode,
    Node,
    Place,
    Problem,
    ScalarNode,
)
from router.importers.source import Report, Section, plain

NEEDED = (
    "reading .tf files needs python-hcl2: pip install 'alert-router[terraform]', "
    "or give the output of `terraform show -json`"
)
META = frozenset({"for_each", "count", "dynamic"})
IGNORED = frozenset({*META, "depends_on", "lifecycle", "provider"})
_BLOCK = re.compile(r'^\s*(resource|data)\s+"?(\w+)"?\s+"?([\w-]+)"?', re.MULTILINE)
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
    """The resources of .tf files by name. Raises: Invalid; ImportError, without the library."""
    try:
        from hcl2 import SerializationOptions, loads  # noqa: PLC0415 - an extra
    except ImportError:
        raise ImportError(NEEDED) from None
    options = SerializationOptions(
        strip_string_quotes=True, with_comments=False, explicit_blocks=False
    )
    found: list[Resource] = []
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
        found += _resources(tree, text, file)
    addresses = {str(one.values["id"]): one for one in found}
    for one in found:
        one.values = _resolved(one.values, known, addresses)
        for key in [key for key, value in one.values.items() if "${" in str(value)]:
            report.add(one.place, f"`{key}` has an expression that isn't evaluated")
        for meta in one.meta:
            message = f"`{meta}` isn't evaluated: give the output of `terraform show -json`"
            report.add(one.place, message)
    return found


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


def _variables(tree: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        f"var.{name}": values["default"]
        for block in tree.get("variable", ())
        for name, values in block.items()
        if "default" in values
    }
    return found | {
        f"local.{name}": value for block in tree.get("locals", ()) for name, value in block.items()
    }


def _resolved(value: Any, known: Mapping[str, Any], addresses: Mapping[str, Resource]) -> Any:
    """The value with references to other resources as their ids, and variables as their values."""
    if isinstance(value, dict):
        return {key: _resolved(one, known, addresses) for key, one in value.items()}
    if isinstance(value, list):
        return [_resolved(one, known, addresses) for one in value]
    if not isinstance(value, str):
        return value
    if whole := _VARIABLE.fullmatch(value):
        return known.get(f"{whole[1]}.{whole[2]}", value)
    if product := _PRODUCT.fullmatch(value):
        result = 1
        for factor in product[1].split("*"):
            result *= int(factor)
        return result
    text = _VARIABLE.sub(lambda found: str(known.get(f"{found[1]}.{found[2]}", found[0])), value)

    def attribute(found: re.Match[str]) -> str:
        other = addresses.get(found[1])
        return str(other.values.get(found[2], found[1])) if other else found[1]

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
            values = {key: one for key, one in (read["values"] or {}).items() if one is not None}
            yield Resource(read["type"], str(values.get("id", "")), node.place, values)
        for key in ("root_module", "child_modules", "resources"):
            if key in node.entries:
                yield from _of_modules(node.entries[key].value)


# --- as objects of the APIs


def objects(kind: str, resources: Sequence[Resource], report: Report) -> list[tuple[str, Section]]:
    """The resources as the importer of that pager reads its API's objects."""
    shaped = SHAPES[kind](resources)
    used = {id(resource) for resource, _, _ in shaped} | {
        id(one) for one in resources if one.type in NESTED
    }
    for one in resources:
        if id(one) not in used:
            report.add(one.place, f"{one.type} can't be converted: left out")
    return [(name, _section(values, one.place, report)) for one, name, values in shaped]


Shaped = list[tuple[Resource, str, Values]]

NESTED = frozenset({
    "pagerduty_user_contact_method", "pagerduty_user_notification_rule",
    "opsgenie_schedule_rotation",
})  # fmt: skip


def _section(values: Values, place: Place, report: Report) -> Section:
    node = _node(values, place)
    assert isinstance(node, MapNode)
    return Section(node, report)


def _node(value: Any, place: Place) -> Node:
    if isinstance(value, dict):
        return MapNode(place, {key: Entry(place, _node(one, place)) for key, one in value.items()})
    if isinstance(value, list):
        return ListNode(place, tuple(_node(one, place) for one in value))
    if value is None:
        return ScalarNode(place, "", null=True)
    return ScalarNode(place, str(value).lower() if isinstance(value, bool) else str(value))


def _of(resources: Sequence[Resource], *types: str) -> Iterator[Resource]:
    return (one for one in resources if one.type in types)


def _one(value: Any) -> Values:
    """The only block of a list of blocks."""
    first = value[0] if isinstance(value, list) and value else value
    return first if isinstance(first, dict) else {}


def _pagerduty(resources: Sequence[Resource]) -> Shaped:
    made: Shaped = []
    for one in _of(resources, "pagerduty_user"):
        own = {
            key: [
                {**rule.values, "contact_method": _one(rule.values.get("contact_method"))}
                for rule in _of(resources, f"pagerduty_user_{type_}")
                if rule.values.get("user_id") == one.values["id"]
            ]
            for key, type_ in (
                ("contact_methods", "contact_method"),
                ("notification_rules", "notification_rule"),
            )
        }
        made.append((one, "users", {**one.values, **own}))
    for one in _of(resources, "pagerduty_schedule"):
        values = dict(one.values)
        layers = [_layer(layer) for layer in values.pop("layer", [])]
        # Terraform's first layer is the lowest, as here; the API lists the highest first.
        made.append((one, "schedules", {**values, "schedule_layers": layers[::-1]}))
    for one in _of(resources, "pagerduty_escalation_policy"):
        values = dict(one.values)
        rules = [{**rule, "targets": rule.get("target", [])} for rule in values.pop("rule", [])]
        made.append((one, "escalation_policies", {**values, "escalation_rules": rules}))
    for one in _of(resources, "pagerduty_service"):
        policy = {"id": one.values.get("escalation_policy")}
        made.append((one, "services", {**one.values, "escalation_policy": policy}))
    return made


def _layer(layer: Values) -> Values:
    users = [{"id": user} for user in layer.get("users", [])]
    return {**layer, "users": users, "restrictions": layer.get("restriction", [])}


def _opsgenie(resources: Sequence[Resource]) -> Shaped:
    made: Shaped = []
    for one in _of(resources, "opsgenie_user", "opsgenie_user_contact"):
        made.append((one, "", _camel(one.values)))
    for one in _of(resources, "opsgenie_team"):
        made.append((one, "", {"members": [], **_camel(one.values)}))
    for one in _of(resources, "opsgenie_notification_rule"):
        steps = [
            {
                "contact": _one(step.get("contact")),
                "sendAfter": {"timeAmount": step.get("send_after", 0)},
            }
            for step in one.values.get("steps", [])
        ]
        made.append((one, "", {**_camel(one.values), "steps": steps}))
    for one in _of(resources, "opsgenie_schedule"):
        rotations = [
            _rotation(_camel(rotation.values))
            for rotation in _of(resources, "opsgenie_schedule_rotation")
            if rotation.values.get("schedule_id") == one.values["id"]
        ]
        values = {"timezone": "UTC", "enabled": True, **_camel(one.values)}
        made.append((one, "", {**values, "rotations": rotations}))
    for one in _of(resources, "opsgenie_escalation"):
        values = _camel(one.values)
        rules = [
            {
                **rule,
                "delay": {"timeAmount": rule.get("delay", 0)},
                "recipient": _one(rule.get("recipient")),
            }
            for rule in values.get("rules", [])
        ]
        made.append((one, "", {**values, "rules": rules, "repeat": _one(values.get("repeat"))}))
    return made


def _rotation(values: Values) -> Values:
    restriction = _one(values.get("timeRestriction"))
    kept = {key: one for key, one in values.items() if key not in {"participant", "scheduleId"}}
    return {**kept, "participants": values.get("participant", []), "timeRestriction": restriction}


def _camel(value: Any) -> Any:
    """Keys as Opsgenie's API writes them: `start_date` is `startDate`."""
    if isinstance(value, dict):
        return {
            re.sub(r"_(\w)", lambda found: found[1].upper(), key): _camel(one)
            for key, one in value.items()
        }
    return [_camel(one) for one in value] if isinstance(value, list) else value


def _oncall(resources: Sequence[Resource]) -> Shaped:
    names = {
        "grafana_oncall_user": "user",
        "grafana_oncall_schedule": "schedule",
        "grafana_oncall_on_call_shift": "shift",
        "grafana_oncall_escalation_chain": "chain",
        "grafana_oncall_escalation": "policy",
        "grafana_oncall_user_notification_rule": "notification_rule",
    }
    return [(one, names[one.type], one.values) for one in resources if one.type in names]


SHAPES: dict[str, Callable[[Sequence[Resource]], Shaped]] = {
    "pagerduty": _pagerduty,
    "opsgenie": _opsgenie,
    "oncall": _oncall,
    "goalert": lambda _: [],
}

"""Converts Terraform resources to the objects of each pager's API."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from router.config.located import Entry, ListNode, MapNode, Node, Place, ScalarNode
from router.importers.pagers.terraform import Resource, Values
from router.importers.source import Report, Section


def objects(kind: str, resources: Sequence[Resource], report: Report) -> list[tuple[str, Section]]:
    """Convert the resources to the objects of the pager's API, which its importer reads."""
    shaped = SHAPES[kind](resources)
    used = {id(resource) for resource, _, _ in shaped}
    for resource in resources:
        if id(resource) not in used and (why := _why_unused(resource, resources)):
            report.add(resource.place, f"{why}: left out")
    return [(name, _section(values, resource.place, report)) for resource, name, values in shaped]


Shaped = list[tuple[Resource, str, Values]]

NESTED = {
    "pagerduty_user_contact_method": ("user_id", "pagerduty_user"),
    "pagerduty_user_notification_rule": ("user_id", "pagerduty_user"),
    "opsgenie_schedule_rotation": ("schedule_id", "opsgenie_schedule"),
}
"""Resources that are converted as part of another: the attribute that names it, and its type."""


def _why_unused(resource: Resource, resources: Sequence[Resource]) -> str:
    """The reason why no object contains a resource; "" if one does."""
    if resource.type not in NESTED:
        return f"{resource.type} can't be converted"
    key, type_ = NESTED[resource.type]
    owner = resource.values.get(key, "")
    if any(other.values["id"] == owner for other in _of(resources, type_)):
        return ""
    return f"the files have no {type_} '{owner}' for {resource.type}"


def _section(values: Values, place: Place, report: Report) -> Section:
    node = _node(values, place)
    assert isinstance(node, MapNode)
    return Section(node, report)


def _node(value: Any, place: Place) -> Node:
    if isinstance(value, dict):
        return MapNode(
            place, {key: Entry(place, _node(item, place)) for key, item in value.items()}
        )
    if isinstance(value, list):
        return ListNode(place, tuple(_node(item, place) for item in value))
    if value is None:
        return ScalarNode(place, "", null=True)
    return ScalarNode(place, str(value).lower() if isinstance(value, bool) else str(value))


def _of(resources: Sequence[Resource], *types: str) -> Iterator[Resource]:
    return (resource for resource in resources if resource.type in types)


def _without(values: Values, *keys: str) -> Values:
    return {key: value for key, value in values.items() if key not in keys}


def _one(value: Any) -> Values:
    """The first of a list of blocks, or the block itself; {} for anything else."""
    first = value[0] if isinstance(value, list) and value else value
    return first if isinstance(first, dict) else {}


def _pagerduty(resources: Sequence[Resource]) -> Shaped:
    made: Shaped = []
    for user in _of(resources, "pagerduty_user"):
        own = {
            key: [
                {
                    **_without(rule.values, "user_id", "label"),
                    **({"contact_method": _one(rule.values["contact_method"])} if nested else {}),
                }
                for rule in _of(resources, f"pagerduty_user_{type_}")
                if rule.values.get("user_id") == user.values["id"]
            ]
            for key, type_, nested in (
                ("contact_methods", "contact_method", False),
                ("notification_rules", "notification_rule", True),
            )
        }
        made.append((user, "users", {**user.values, **own}))
    for schedule in _of(resources, "pagerduty_schedule"):
        values = dict(schedule.values)
        layers = [_layer(layer) for layer in values.pop("layer", [])]
        # In Terraform, as here, the first layer has the lowest precedence; in the API, the last.
        made.append((schedule, "schedules", {**values, "schedule_layers": layers[::-1]}))
    for policy in _of(resources, "pagerduty_escalation_policy"):
        values = dict(policy.values)
        rules = [
            {**_without(rule, "target"), "targets": rule.get("target", [])}
            for rule in values.pop("rule", [])
        ]
        made.append((policy, "escalation_policies", {**values, "escalation_rules": rules}))
    for service in _of(resources, "pagerduty_service"):
        of = {"id": service.values.get("escalation_policy")}
        made.append((service, "services", {**service.values, "escalation_policy": of}))
    return made


def _layer(layer: Values) -> Values:
    users = layer.get("users")
    # A text is an expression that was reported.
    named = [{"id": user} for user in users] if isinstance(users, list) else []
    kept = _without(layer, "restriction")
    return {**kept, "users": named, "restrictions": layer.get("restriction", [])}


def _opsgenie(resources: Sequence[Resource]) -> Shaped:
    made: Shaped = []
    for user in _of(resources, "opsgenie_user"):
        # A data source has only the user name.
        made.append((user, "", {"fullName": user.values.get("username"), **_camel(user.values)}))
    for contact in _of(resources, "opsgenie_user_contact"):
        made.append((contact, "", _camel(contact.values)))
    for team in _of(resources, "opsgenie_team"):
        made.append((team, "", {"members": [], **_camel(team.values)}))
    for rule in _of(resources, "opsgenie_notification_rule"):
        steps = [
            {
                **_without(step, "send_after"),
                "contact": _one(step.get("contact")),
                "sendAfter": {"timeAmount": step.get("send_after", 0)},
            }
            for step in rule.values.get("steps", [])
        ]
        made.append((rule, "", {**_camel(rule.values), "steps": steps}))
    for schedule in _of(resources, "opsgenie_schedule"):
        rotations = [
            _rotation(_camel(rotation.values))
            for rotation in _of(resources, "opsgenie_schedule_rotation")
            if rotation.values.get("schedule_id") == schedule.values["id"]
        ]
        values = {"timezone": "UTC", "enabled": True, **_camel(schedule.values)}
        made.append((schedule, "", {**values, "rotations": rotations}))
    for escalation in _of(resources, "opsgenie_escalation"):
        values = _camel(escalation.values)
        rules = [
            {
                **rule,
                "delay": {"timeAmount": rule.get("delay", 0)},
                "recipient": _one(rule.get("recipient")),
            }
            for rule in values.get("rules", [])
        ]
        made.append(
            (escalation, "", {**values, "rules": rules, "repeat": _one(values.get("repeat"))})
        )
    return made


def _rotation(values: Values) -> Values:
    restriction = _one(values.get("timeRestriction"))
    kept = _without(values, "participant", "scheduleId")
    return {**kept, "participants": values.get("participant", []), "timeRestriction": restriction}


def _camel(value: Any) -> Any:
    """Keys as Opsgenie's API writes them: `start_date` is `startDate`."""
    if isinstance(value, dict):
        return {
            re.sub(r"_(\w)", lambda found: found[1].upper(), key): _camel(item)
            for key, item in value.items()
        }
    return [_camel(item) for item in value] if isinstance(value, list) else value


def _oncall(resources: Sequence[Resource]) -> Shaped:
    names = {
        "grafana_oncall_user": "user",
        "grafana_oncall_schedule": "schedule",
        "grafana_oncall_on_call_shift": "shift",
        "grafana_oncall_escalation_chain": "chain",
        "grafana_oncall_escalation": "policy",
        "grafana_oncall_user_notification_rule": "notification_rule",
    }
    return [
        (resource, names[resource.type], resource.values)
        for resource in resources
        if resource.type in names
    ]


SHAPES: dict[str, Callable[[Sequence[Resource]], Shaped]] = {
    "pagerduty": _pagerduty,
    "opsgenie": _opsgenie,
    "oncall": _oncall,
    "goalert": lambda _: [],
}

"""JSON Schema of config structs, so that editors complete and check a config."""

import inspect
from typing import Any

from msgspec import Struct

from router.config.fields import FIELD_TYPES
from router.config.shapes import (
    INSECURE,
    Hooks,
    Shape,
    config_fields,
    has_url,
    is_optional,
    joined,
    members_of,
    options_of,
    shape_of,
)

Schema = dict[str, Any]

_VARIABLE: Schema = {"type": "string", "pattern": r"\$\{"}
_INSECURE: Schema = {
    "description": "Accept plain http for the URLs of this object, in a private network.",
    "anyOf": [{"type": "boolean"}, _VARIABLE],
}
_SECRET: Schema = {
    "description": "A secret: ${VARIABLE}, {file: PATH} or text.",
    "anyOf": [
        {"type": "string", "minLength": 1},
        {
            "type": "object",
            "properties": {"file": {"type": "string"}},
            "required": ["file"],
            "additionalProperties": False,
        },
    ],
}


def json_schema(type_: Any, hooks: Hooks | None = None) -> Schema:
    """The JSON Schema (2020-12) of the YAML of a `type_`.

    Raises: TypeError, for a type that a config can't have.
    """
    walk = _Walk(hooks or Hooks())
    root = walk.schema(type_)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **root,
        "$defs": walk.definitions,
    }


class _Walk:
    """Walks over a type. Structs and choices become definitions, so that each occurs once."""

    def __init__(self, hooks: Hooks) -> None:
        self.hooks = hooks
        self.definitions: dict[str, Schema] = {}

    def schema(self, type_: Any) -> Schema:
        match shape_of(type_, self.hooks):
            case Shape.STRUCT | Shape.CHOICE:
                return self.reference(type_)
            case Shape.UNION:
                members = [self.schema(member) for member in members_of(type_)]
                return {"anyOf": members + [{"type": "null"}] * is_optional(type_)}
            case Shape.DICT:
                return self.dict_schema(*type_.__args__)
            case Shape.LIST:
                return {"type": "array", "items": self.schema(type_.__args__[0])}
            case Shape.JOINED:
                return {"type": "array", "items": self.schema(joined(type_))}
            case Shape.SECRET:
                return _SECRET
            case Shape.OPTIONS:
                return {"anyOf": [{"enum": list(options_of(type_))}, _VARIABLE]}
            case Shape.PARSED:
                return _single(type_, self.hooks)

    def dict_schema(self, key: Any, value: Any) -> Schema:
        schema = {"type": "object", "additionalProperties": self.schema(value)}
        if value in self.hooks.keyed:
            schema["properties"] = {
                name: self.keyed(value, name) for name in self.hooks.choices[value]
            }
        if shape_of(key, self.hooks) is Shape.OPTIONS:
            schema["propertyNames"] = {"enum": list(options_of(key))}
        return schema

    def keyed(self, type_: type[Struct], name: str) -> Schema:
        """The schema of an object whose key in the config is its type if it has no `type`."""
        return {
            "if": {"required": ["type"]},
            "then": self.reference(type_),
            "else": self.reference(self.hooks.choices[type_][name]),
        }

    def reference(self, type_: type[Struct]) -> Schema:
        # The name includes the module, because config structs of several senders may have one name.
        name = f"{type_.__module__.rpartition('.')[2]}.{type_.__qualname__}"
        if name not in self.definitions:
            self.definitions[name] = {}
            choices = self.hooks.choices.get(type_)
            found = self.struct(type_) if choices is None else self.choice(type_, choices)
            self.definitions[name] = found
        return {"$ref": f"#/$defs/{name}"}

    def choice(self, type_: type[Struct], choices: Any) -> Schema:
        schemas = []
        for name, struct in choices.items():
            schema = self.struct(struct)
            schema["properties"] = {"type": {"const": name}} | schema["properties"]
            schema["required"] = ["type", *schema["required"]]
            schemas.append(schema)
        return _description(type_) | {"oneOf": schemas}

    def struct(self, type_: type[Struct]) -> Schema:
        fields = config_fields(type_)
        properties = {field.encode_name: self.schema(field.type) for field in fields}
        if has_url(type_):
            properties[INSECURE] = _INSECURE
        return _description(type_) | {
            "type": "object",
            "properties": properties,
            "required": [field.encode_name for field in fields if field.required],
            "additionalProperties": False,
        }


def _single(type_: Any, hooks: Hooks) -> Schema:
    """A single value, which may be a variable."""
    if type_ not in FIELD_TYPES:
        return {"type": "string"} | _text(type_, hooks)
    field_type = FIELD_TYPES[type_]
    if field_type.schema == {"type": "string"}:
        return field_type.schema
    return {"anyOf": [field_type.schema | {"description": field_type.expected}, _VARIABLE]}


def _text(type_: Any, hooks: Hooks) -> Schema:
    """The type's docstring or, where it can't have one, the hooks' description."""
    expected = hooks.expected.get(type_)
    return _description(type_) or ({"description": expected} if expected else {})


def _description(type_: Any) -> Schema:
    """The docstring of the class itself, never an inherited one."""
    text = getattr(type_, "__dict__", {}).get("__doc__")
    return {"description": inspect.cleandoc(text)} if text else {}

"""JSON Schema of config structs, so that an editor completes and checks a config while it's
written.
"""

import inspect
from typing import Any

from msgspec import Struct, structs

from router.config.fields import FIELD_TYPES
from router.config.shapes import Hooks, Shape, is_optional, members_of, options_of, shape_of

Schema = dict[str, Any]

_VARIABLE: Schema = {"type": "string", "pattern": r"\$\{"}
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
    """The JSON Schema (2020-12) of what YAML is taken for a `type_`.

    Raises: TypeError, for a type that a config can't hold.
    """
    walk = _Walk(hooks or Hooks())
    root = walk.schema(type_)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **root,
        "$defs": walk.definitions,
    }


class _Walk:
    """One walk over a type.

    Structs and choices become definitions, so that each is there once and may recur.
    """

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
            case Shape.SECRET:
                return _SECRET
            case Shape.OPTIONS:
                return {"anyOf": [{"enum": list(options_of(type_))}, _VARIABLE]}
            case Shape.PARSED:
                return _single(type_)

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
        """The choice of a key that names its type: without `type` it is that struct."""
        return {
            "if": {"required": ["type"]},
            "then": self.reference(type_),
            "else": self.reference(self.hooks.choices[type_][name]),
        }

    def reference(self, type_: type[Struct]) -> Schema:
        # With the module, since each sender may well call its config the same.
        name = f"{type_.__module__.rpartition('.')[2]}.{type_.__qualname__}"
        if name not in self.definitions:
            self.definitions[name] = {}
            choices = self.hooks.choices.get(type_)
            self.definitions[name] = (
                self.choice(type_, choices) if choices is not None else self.struct(type_)
            )
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
        fields = structs.fields(type_)
        return _description(type_) | {
            "type": "object",
            "properties": {field.encode_name: self.schema(field.type) for field in fields},
            "required": [field.encode_name for field in fields if field.required],
            "additionalProperties": False,
        }


def _single(type_: Any) -> Schema:
    """A single value, which may be a variable."""
    if type_ not in FIELD_TYPES:
        return {"type": "string"} | _description(type_)
    field_type = FIELD_TYPES[type_]
    if field_type.schema == {"type": "string"}:
        return field_type.schema
    return {"anyOf": [field_type.schema | {"description": field_type.expected}, _VARIABLE]}


def _description(type_: type) -> Schema:
    """From the docstring of the class itself; a parent's would be about something else."""
    text = type_.__dict__.get("__doc__")
    return {"description": inspect.cleandoc(text)} if text else {}

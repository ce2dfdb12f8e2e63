"""The JSON Schema of config structs."""

import json
import re
from enum import StrEnum
from typing import Any, Literal, Optional

import pytest
from msgspec import Struct, field

from router.config.fields import HttpUrl, Size
from router.config.schema import json_schema
from router.config.secret import Secret
from router.config.shapes import Hooks
from router.model.scalars import Duration


class Colour(StrEnum):
    RED = "red"


class Matcher(Struct):
    """Like `a="b"`."""


class Channel(Struct):
    """One configured destination."""


class Slack(Channel):
    """Slack.

    By a token.
    """

    token: Secret


class Console(Channel):
    pass


class Tree(Struct, kw_only=True):
    name: str
    from_: int = field(name="from", default=0)
    kind: Literal["one", "two"] = "one"
    after: Duration | None = None
    by_colour: dict[Colour, float] = {}
    match: list[Matcher] = []
    channels: dict[str, Channel] = {}
    parent: Optional["Tree"] = None


HOOKS = Hooks(
    parsers={Matcher: lambda _: Matcher()}, choices={Channel: {"slack": Slack, "console": Console}}
)
VARIABLE = {"type": "string", "pattern": r"\$\{"}


def test_a_struct_is_described_as_it_is_written() -> None:
    """Keys as in YAML, no others; names in enums; a docstring as description; structs once, even
    recursive ones.
    """
    schema = json_schema(Tree, HOOKS)
    tree, channel = schema["$defs"]["test_schema.Tree"], schema["$defs"]["test_schema.Channel"]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$ref"] == "#/$defs/test_schema.Tree"
    assert tree["required"] == ["name"]
    assert tree["additionalProperties"] is False
    assert "description" not in tree
    properties = tree["properties"]
    assert properties.pop("after")["anyOf"][1] == {"type": "null"}
    assert properties == {
        "name": {"type": "string"},
        "from": {"anyOf": [{"type": "integer", "description": "a whole number"}, VARIABLE]},
        "kind": {"anyOf": [{"enum": ["one", "two"]}, VARIABLE]},
        "by_colour": {
            "type": "object",
            "additionalProperties": {
                "anyOf": [{"type": "number", "description": "a number"}, VARIABLE]
            },
            "propertyNames": {"enum": ["red"]},
        },
        "match": {"type": "array", "items": {"type": "string", "description": 'Like `a="b"`.'}},
        "channels": {
            "type": "object",
            "additionalProperties": {"$ref": "#/$defs/test_schema.Channel"},
        },
        "parent": {"anyOf": [{"$ref": "#/$defs/test_schema.Tree"}, {"type": "null"}]},
    }
    slack, console = channel["oneOf"]
    assert channel["description"] == "One configured destination."
    assert slack["description"] == "Slack.\n\nBy a token."
    assert slack["properties"]["type"] == {"const": "slack"}
    assert slack["required"] == ["type", "token"]
    assert console["properties"] == {"type": {"const": "console"}}
    json.dumps(schema)


def alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [leaf for choice in schema.get("anyOf", []) for leaf in alternatives(choice)] or [schema]


@pytest.mark.parametrize(
    ("type_", "right", "wrong"),
    [
        (Duration, ["5m", "1h30m", "500ms", "${AFTER}"], ["5", "", "m", "5 m"]),
        (Size, ["16MiB", "${SIZE}"], ["16 MiB", "x"]),
        (HttpUrl, ["https://example.com"], []),
    ],
)
def test_patterns_take_what_the_readers_take(
    type_: object, right: list[str], wrong: list[str]
) -> None:
    patterns = [leaf.get("pattern", "") for leaf in alternatives(json_schema(type_))]
    assert all(any(re.search(pattern, text) for pattern in patterns) for text in right)
    assert not any(re.search(pattern, text) for pattern in patterns for text in wrong)


def test_a_secret_is_text_or_a_file() -> None:
    text, file = json_schema(Secret)["anyOf"]
    assert text["type"] == "string"
    assert file["required"] == ["file"]

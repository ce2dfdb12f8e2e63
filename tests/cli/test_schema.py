"""`alert-router schema`: what an editor checks a config by."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from router.cli import main

ROOT = Path(__file__).parents[2]

TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


NOTES = {"description", "$schema", "$defs", "default", "format", "title", "examples"}
"""Keywords of JSON Schema that inform readers and restrict nothing."""


def schema(*of: str) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["schema", *(("--of", *of) if of else ())])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def accepts(wanted: dict[str, Any], value: Any, root: dict[str, Any]) -> bool:
    """Validate a value against the keywords of JSON Schema that our schemas use."""
    if "$ref" in wanted:
        return accepts(root["$defs"][wanted["$ref"].removeprefix("#/$defs/")], value, root)
    checks = {
        "type": lambda kinds: any(
            isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
            for kind in (kinds if isinstance(kinds, list) else [kinds])
        ),
        "const": lambda const: value == const,
        "enum": lambda options: value in options,
        "pattern": lambda pattern: (
            not isinstance(value, str) or re.search(pattern, value) is not None
        ),
        "minLength": lambda least: not isinstance(value, str) or len(value) >= least,
        "minimum": lambda least: not isinstance(value, (int, float)) or value >= least,
        "maximum": lambda most: not isinstance(value, (int, float)) or value <= most,
        "anyOf": lambda ways: any(accepts(way, value, root) for way in ways),
        "oneOf": lambda ways: sum(accepts(way, value, root) for way in ways) == 1,
        "items": lambda item: (
            not isinstance(value, list) or all(accepts(item, one, root) for one in value)
        ),
        "required": lambda names: not isinstance(value, dict) or set(names) <= value.keys(),
        "properties": lambda known: (
            not isinstance(value, dict)
            or all(
                accepts(known[name], item, root) for name, item in value.items() if name in known
            )
        ),
        "additionalProperties": lambda rest: (
            not isinstance(value, dict)
            or all(
                rest is not False and (rest is True or accepts(rest, item, root))
                for name, item in value.items()
                if name not in wanted.get("properties", {})
            )
        ),
        "if": lambda condition: (
            accepts(wanted.get("then", {}), value, root)
            if accepts(condition, value, root)
            else accepts(wanted.get("else", {}), value, root)
        ),
        "propertyNames": lambda names: (
            not isinstance(value, dict) or all(accepts(names, item, root) for item in value)
        ),
    }
    return all(checks[word](wanted[word]) for word in wanted.keys() - NOTES - {"then", "else"})


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if "$ref" in node else set()
        return own.union(*(references(item) for item in node.values()))
    return set().union(*(references(item) for item in node)) if isinstance(node, list) else set()


@pytest.mark.parametrize("of", ["config", "rules"])
def test_it_is_a_json_schema(of: str) -> None:
    """Its references resolve, its patterns compile, and it names its draft."""
    found = schema(of)
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert references(found) <= {f"#/$defs/{name}" for name in found["$defs"]}


class Editor(yaml.SafeLoader):
    """Reads YAML 1.2, as editors do: a day is a text there."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def test_it_takes_the_example() -> None:
    """And the config is the default."""
    found = schema()
    example = yaml.load((ROOT / "config.example.yaml").read_text(), Editor)
    assert accepts(found, example, found)
    assert found == schema("config")


@pytest.mark.parametrize("file", ["critical.yaml", "sentry.yaml"])
def test_it_takes_the_shipped_rules(file: str) -> None:
    """As they stand."""
    found = schema("rules")
    assert accepts(found, yaml.safe_load((ROOT / "rules" / file).read_text()), found)


@pytest.mark.parametrize(
    "wrong",
    [
        {"chanels": {}},
        {"channels": {"x": {"type": "pigeon"}}},
        {"channels": {"x": {"type": "webhook"}}},
        {"severities": {"P9": {"policy": "low"}}},
        {"rules": "rules/*.yaml"},
        {"auth": {"insecure": "perhaps"}},
    ],
)
def test_it_refuses_what_check_refuses(wrong: dict[str, Any]) -> None:
    """A misspelt key, an unknown kind, what a channel must have, a severity that there isn't."""
    found = schema()
    example = yaml.load((ROOT / "config.example.yaml").read_text(), Editor)
    assert not accepts(found, example | wrong, found)

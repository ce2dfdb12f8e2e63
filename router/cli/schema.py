"""`alert-router schema`."""

import json
from typing import Literal

import typer

from router.app import TYPES
from router.config.document import RulesFile
from router.config.schema import json_schema


def schema(of: Literal["config", "rules"] = "config") -> None:
    """Print the JSON Schema of the config file, or of a rule file, for editors."""
    type_ = TYPES.document if of == "config" else RulesFile
    typer.echo(json.dumps(json_schema(type_, TYPES.hooks), indent=2))

"""`alert-router schema`."""

import json
from typing import Literal

import typer

from router.app import TYPES
from router.config.document import RulesFile
from router.config.rule_tests import RuleTests, hooks
from router.config.schema import json_schema


def schema(of: Literal["config", "rules", "tests"] = "config") -> None:
    """Print the JSON Schema of the config file, of a rule file, or of a file of rule tests, for editors."""
    type_ = {"config": TYPES.document, "rules": RulesFile, "tests": RuleTests}[of]
    typer.echo(json.dumps(json_schema(type_, hooks(TYPES.hooks)), indent=2))

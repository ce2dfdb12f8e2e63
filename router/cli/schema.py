"""`alert-router schema`."""

from typing import Annotated, Literal

import typer

from router.app import TYPES
from router.cli.config import say_json
from router.config.document import RulesFile
from router.config.drills import ScenarioConfig
from router.config.rule_tests import RuleTests, hooks
from router.config.schema import json_schema


def schema(
    of: Annotated[
        Literal["config", "rules", "tests", "drills"], typer.Option(help="Of which kind of file.")
    ] = "config",
) -> None:
    """Print the JSON Schema of the config file, of a rule file, of rule tests, or of a drill, for
    editors.
    """
    type_ = {
        "config": TYPES.document,
        "rules": RulesFile,
        "tests": RuleTests,
        "drills": ScenarioConfig,
    }[of]
    say_json(json_schema(type_, hooks(TYPES.hooks)))

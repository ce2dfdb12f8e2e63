"""`alert-router schema`."""

from typing import Annotated, Literal

import typer

from router.cli.output import print_json


def schema(
    of: Annotated[
        Literal["config", "rules", "tests", "drills"], typer.Option(help="Kind of file.")
    ] = "config",
) -> None:
    """Print the JSON Schema of config, rules, rule tests or drills, for editors."""
    from router.app import TYPES
    from router.config.config_file import RulesFile
    from router.config.drills import ScenarioConfig
    from router.config.rule_tests import RuleTests, hooks
    from router.config.schema import json_schema

    types = {
        "config": TYPES.config_file,
        "rules": RulesFile,
        "tests": RuleTests,
        "drills": ScenarioConfig,
    }
    print_json(json_schema(types[of], hooks(TYPES.hooks)))

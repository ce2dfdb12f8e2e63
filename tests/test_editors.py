"""Files for editors, pre-commit and CI: each names its schema, each command exists."""

import re
import shlex
from typing import Any

import pytest
import typer
import yaml

from router.cli import main
from tests.pages import ROOT

OURS = [
    "config.example.yaml",
    *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("rules/**/*.yaml"))),
]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
COMMANDS: Any = typer.main.get_command(main)


def options(command: str) -> set[str]:
    """The options of a command line's command. Raises: KeyError, if there's none."""
    return {name for parameter in COMMANDS.commands[command].params for name in parameter.opts}


@pytest.mark.parametrize("name", [name for name in OURS if "/prometheus/" not in name])
def test_each_shipped_file_names_its_schema(name: str) -> None:
    """In its first line, where editors look, and it's there."""
    found = re.match(r"# yaml-language-server: \$schema=(\S+)\n", (ROOT / name).read_text())
    assert found
    kinds = {"config.": "config", "/tests/": "tests", "/drills/": "drills"}
    kind = next((kind for part, kind in kinds.items() if part in name), "rules")
    assert ((ROOT / name).parent / found[1]).resolve() == ROOT / f"docs/{kind}.schema.json"


@pytest.mark.parametrize("hook", HOOKS, ids=lambda one: one["id"])
def test_each_hook_runs_a_command(hook: dict[str, Any]) -> None:
    """Once, for any number of changed files, with a config."""
    program, command = shlex.split(hook["entry"])
    assert (program, hook["id"], hook["pass_filenames"]) == (
        "alert-router",
        f"alert-router-{command}",
        False,
    )
    assert "--config" in options(command)


@pytest.mark.parametrize(
    ("name", "commands"),
    [("github-actions.yml", ["check", "test", "check"]), ("replay.yml", ["replay", "replay"])],
)
def test_the_workflows_run_commands_there_are(name: str, commands: list[str]) -> None:
    """With options that they have."""
    workflow = yaml.safe_load((ROOT / "deploy/ci" / name).read_text())
    steps = [
        step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step
    ]
    lines = [shlex.split(step) for step in steps if step.startswith("alert-router ")]
    assert [line[1] for line in lines] == commands
    for _, command, *arguments in lines:
        assert {argument for argument in arguments if argument.startswith("--")} <= options(command)

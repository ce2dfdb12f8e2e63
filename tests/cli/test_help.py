"""What each command says of itself."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from router.cli import main


def commands(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """All that can be called, by what is typed after `alert-router`."""
    below = getattr(command, "commands", {})
    for part in below:
        yield from commands(below[part], f"{name} {part}".strip())
    if not below:
        yield name, command


ALL = dict(commands(typer.main.get_command(main)))
assert "oncall override" in ALL


@pytest.mark.parametrize("name", ALL)
def test_each_command_and_each_of_its_parameters_is_explained(name: str) -> None:
    """In a sentence. What is in square brackets would be taken for markup, and left out."""
    command = ALL[name]
    assert command.help
    for parameter in command.params:
        said = getattr(parameter, "help", None)
        assert said, f"{name} {parameter.name} isn't explained"
        assert "[" not in said
        assert said.rstrip(")…").endswith((".", "!")) or "…" in said


@pytest.mark.parametrize("name", ALL)
def test_help_shows_all_of_it(name: str) -> None:
    """As it's written, whatever the width does to the lines."""
    done = CliRunner().invoke(
        main, [*name.split(), "--help"], env={"COLUMNS": "400", "TERMINAL_WIDTH": "400"}
    )
    assert done.exit_code == 0
    for parameter in ALL[name].params:
        assert getattr(parameter, "help", "") in done.output

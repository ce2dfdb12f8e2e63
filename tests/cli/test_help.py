"""What each command says of itself."""

from collections.abc import Iterator

import click
import pytest
import typer
from typer.testing import CliRunner

from router.cli import main


def commands(command: click.Command, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """All that can be called, by what is typed after `alert-router`."""
    if isinstance(command, click.Group):
        for part, below in command.commands.items():
            yield from commands(below, f"{name} {part}".strip())
    else:
        yield name, command


ALL = dict(commands(typer.main.get_command(main)))


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
    done = CliRunner().invoke(main, [*name.split(), "--help"], env={"COLUMNS": "400", "TERMINAL_WIDTH": "400"})
    assert done.exit_code == 0
    for parameter in ALL[name].params:
        assert getattr(parameter, "help", "") in done.output

"""A command group that imports each command when it is used.

So `--help` and commands that only talk to the router don't load the server's libraries.
"""

import errno
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from router.cli.as_given import as_given
from router.cli.output import fail
from router.cli.registry import ALIASES, COMMANDS, PANELS, Command


class Loaded(Mapping[str, Any]):
    """The commands by name or former name, each imported when looked up."""

    def __getitem__(self, name: str) -> Any:
        command = COMMANDS[ALIASES.get(name, name)]
        module = import_module(f"router.cli.{command.attribute}")
        return _built(command, getattr(module, command.attribute))

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class LazyGroup(TyperGroup):
    """The commands of the registry."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands: Any = Loaded()

    def get_params(self, ctx: Any) -> list[Any]:
        """The options that come before the command."""
        return as_given(super().get_params(ctx))

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature of the base
        return [*COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as above
        """A command without its parameters, enough to be listed or completed."""
        command = COMMANDS.get(ALIASES.get(cmd_name, cmd_name))
        if command is None:
            return None
        panel = next(name for name, commands in PANELS.items() if command in commands)
        return TyperCommand(command.name, help=command.help, rich_help_panel=panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The name, the imported command and its arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.commands[name] if command else None, rest

    def invoke(self, ctx: Any) -> Any:
        """Run a command. A file that can't be used is an error of the user, without a traceback."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno == errno.EPIPE or not error.filename:
                raise
            fail(f"can't use {error.filename}: {error.strerror}")


def _built(command: Command, found: Any) -> Any:
    if isinstance(found, typer.Typer):
        group = get_group(found)
        group.name = command.name
        return _light(group)
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
    alone.command(command.name)(found)
    return _light(get_command(alone))


def _light(command: Any) -> Any:
    """Return the command, changed to load pydantic only for values that need it."""
    command.get_params = partial(_params, command.get_params)
    for inner in getattr(command, "commands", {}).values():
        _light(inner)
    return command


def _params(params: Callable[[Any], list[Any]], ctx: Any) -> list[Any]:
    return as_given(params(ctx))

"""The command `alert-router`. Each command is a file of its name, listed in `registry`."""

from typing import Annotated

import typer

import router
from router.cli.lazy import LazyGroup
from router.cli.output import echo

main = typer.Typer(
    name="alert-router",
    cls=LazyGroup,
    help="On-call alert router: groups alerts into incidents, pages people and escalates.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        echo(f"alert-router {router.__version__}")
        raise typer.Exit


@main.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    """On-call alert router: groups alerts into incidents, pages people and escalates."""

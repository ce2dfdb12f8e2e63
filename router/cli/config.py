"""What the commands share: finding the config, and saying what is wrong with it."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console

from router.app import load_config
from router.config.load import Config
from router.config.located import Invalid

ConfigPath = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="The config file; else config.yaml, or what $ALERT_ROUTER_CONFIG names.",
        show_default=False,
    ),
]

Json = Annotated[bool, typer.Option("--json", help="For programs.")]


def path_of(given: Path | None) -> Path:
    """The config file that is meant. Exits if there's none."""
    here = Path("config.yaml")
    variable = os.environ.get("ALERT_ROUTER_CONFIG")
    path = given or (here if here.exists() or not variable else Path(variable))
    if not path.exists():
        fail(
            f"no config at {path}: give --config FILE, or set ALERT_ROUTER_CONFIG; start from config.example.yaml"
        )
    return path


def config_at(path: Path) -> Config:
    """The config. Exits with every problem it has."""
    try:
        return load_config(path)
    except Invalid as error:
        fail(str(error))


def console() -> Console:
    """Standard output: as wide as the terminal, and without end in a pipe, where no line may be
    broken or cut.
    """
    return Console(width=None if sys.stdout.isatty() else 10_000)


def say_json(found: object) -> None:
    """For `--json`."""
    typer.echo(json.dumps(msgspec.to_builtins(found), indent=2))


def fail(message: str, code: int = 1) -> NoReturn:
    """Say what is wrong on stderr, and exit."""
    typer.echo(message, err=True)
    raise typer.Exit(code)

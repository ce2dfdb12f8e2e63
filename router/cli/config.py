"""Options that commands share, and the config file that they use."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli.output import fail

if TYPE_CHECKING:
    from router.config.load import Config

ConfigPath = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="Config file. Default: config.yaml, or $ALERT_ROUTER_CONFIG.",
        show_default=False,
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def found_config(given: Path | None) -> Path | None:
    """The config file to use, or None if there is none."""
    here = Path("config.yaml")
    variable = os.environ.get("ALERT_ROUTER_CONFIG")
    path = given or (here if here.exists() or not variable else Path(variable))
    return path if path.exists() else None


def path_of(given: Path | None) -> Path:
    """The config file to use. Exits if there is none."""
    path = found_config(given)
    if path is None:
        missing = given or os.environ.get("ALERT_ROUTER_CONFIG") or "config.yaml"
        fail(
            f"No config file at {missing}. Give --config FILE or set ALERT_ROUTER_CONFIG.\n"
            "To start a new one, run: alert-router init"
        )
    return path


def raw_value(path: Path, *keys: str) -> str:
    """One value of the config as text, by its keys; "" if it's not set.

    Nothing else is read, so a client needs none of the file's secrets. Raises: ValueError.
    """
    import yaml

    from router.config.environment import substitute

    try:
        found = yaml.load(path.read_text("utf-8-sig"), yaml.BaseLoader)  # noqa: S506
        for key in keys:
            found = (found or {}).get(key)
        return substitute(found or "", os.environ)
    except OSError as error:
        raise ValueError(f"can't read {path}: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {'.'.join(keys)}: {error}") from None
    except (AttributeError, TypeError, yaml.YAMLError):
        raise ValueError(f"{path}: can't read {'.'.join(keys)}: run alert-router check") from None


def config_at(path: Path) -> "Config":
    """The config. Exits with every error it has."""
    from router.app import load_config
    from router.config.located import Invalid

    try:
        return load_config(path)
    except Invalid as error:
        fail(str(error))

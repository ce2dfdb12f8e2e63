"""`alert-router check`."""

import typer

from router.cli.config import ConfigPath, config_at, path_of


def check(config: ConfigPath = None) -> None:
    """Check the config and its rules. Every error is said as file:line:column; any makes the exit code 1."""
    path = path_of(config)
    checked = config_at(path)
    rules, channels = len(checked.settings.rules.rules), len(checked.channels)
    typer.echo(f"{path}: no errors ({rules} rules, {channels} channels, {len(checked.sources)} sources)")

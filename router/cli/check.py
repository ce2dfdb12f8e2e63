"""`alert-router check`."""

import typer

from router.cli.config import ConfigPath, config_at, path_of
from router.core.coverage import coming_gaps, uncovered
from router.core.render import utc
from router.ports import SystemClock


def check(config: ConfigPath = None) -> None:
    """Check the config and its rules. Every error is said as file:line:column; any makes the exit code 1.

    Times of the coming week at which nobody is on call for the worst incidents are warned of.
    """
    path = path_of(config)
    checked = config_at(path)
    rules, channels = len(checked.settings.rules.rules), len(checked.channels)
    for one in uncovered(checked.settings, coming_gaps(checked.settings, SystemClock().now())):
        when = f"from {utc(one.gaps[0].start)} until {utc(one.gaps[0].end)}"
        typer.echo(f"{path}: warning: {one.why}, {when}: see alert-router oncall gaps {one.schedule}", err=True)
    typer.echo(f"{path}: no errors ({rules} rules, {channels} channels, {len(checked.sources)} sources)")

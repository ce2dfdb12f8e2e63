"""`alert-router check`."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from router.cli.config import ConfigPath, config_at, fail, path_of
from router.cli.reach import check_reach
from router.cli.stored import UNREADABLE, store_of
from router.config.load import Config
from router.core.reachability.gaps import coming_gaps, uncovered
from router.core.rules.lint import LintWarning, doubts
from router.core.rules.lint_unseen import KnownLabels
from router.core.text.plain import utc
from router.ports.clock import SystemClock

PAGE = 1000


def check(
    strict: Annotated[
        bool, typer.Option("--strict", help="Let warnings about rules be errors.")
    ] = False,
    seen: Annotated[
        bool, typer.Option("--seen", help="Hold the rules against the alerts in the store, too.")
    ] = False,
    reach: Annotated[
        str,
        typer.Option(help="Prove that over so long, such as 4w, every P0 and P1 reaches a person."),
    ] = "",
    person: Annotated[
        list[str] | None,
        typer.Option(
            help="A channel that reaches a person by itself, as PagerDuty's. For --reach."
        ),
    ] = None,
    allow_silence: Annotated[
        list[str] | None,
        typer.Option(
            help="A silence that is meant to keep its alerts from everybody. For --reach."
        ),
    ] = None,
    config_only: Annotated[
        bool,
        typer.Option(
            "--config-only",
            help="For --reach: assume what only the store knows, and that it is good.",
        ),
    ] = False,
    for_programs: Annotated[
        bool, typer.Option("--json", help="For programs: what --reach says.")
    ] = False,
    config: ConfigPath = None,
) -> None:
    """Check the config and its rules. Every error is said as file:line:column; any makes the exit
    code 1.

    Warns of rules that can do nothing, and of times in the coming week when nobody is on call for
    the worst incidents.
    """
    path = path_of(config)
    checked = config_at(path)
    if reach:
        check_reach(
            checked,
            reach,
            person or (),
            allowed=allow_silence or (),
            config_only=config_only,
            for_programs=for_programs,
        )
        return
    rules, channels = len(checked.settings.rules.rules), len(checked.channels)
    found = [*doubts(checked.settings.rules.rules), *(_unseen(checked) if seen else ())]
    for doubt in found:
        typer.echo(f"{doubt.rule.origin}: {'' if strict else 'warning: '}{doubt.message}", err=True)
    for warning in checked.warnings:
        typer.echo(f"{warning.place}: warning: {warning.message}", err=True)
    for line in _gaps(checked, path):
        typer.echo(line, err=True)
    if strict and found:
        raise typer.Exit(1)
    typer.echo(
        f"{path}: no errors ({rules} rules, {channels} channels, {len(checked.sources)} sources)"
    )


def _gaps(checked: Config, path: Path) -> Iterator[str]:
    for one in uncovered(checked.settings, coming_gaps(checked.settings, SystemClock().now())):
        when = f"from {utc(one.gaps[0].start)} until {utc(one.gaps[0].end)}"
        yield f"{path}: warning: {one.why}, {when}: see alert-router oncall gaps {one.schedule}"


def _unseen(checked: Config) -> list[LintWarning]:
    try:
        seen = asyncio.run(_seen(checked))
    except UNREADABLE as error:
        fail(f"can't read the stored alerts: {error}")
    typer.echo(f"looked at {seen.alerts} stored alerts", err=True)
    return seen.doubts(checked.settings.rules.rules)


async def _seen(checked: Config) -> KnownLabels:
    """All alerts in the store, which is only read. Raises: one of UNREADABLE."""
    seen, after = KnownLabels(), ""
    async with store_of(checked) as store:
        while rows := await store.alerts(after=after, limit=PAGE):
            for alert in {row.alert.fingerprint: row.alert for row in rows}.values():
                seen.add(alert)
            after = rows[-1].alert.fingerprint
    return seen

"""`alert-router check`."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from router.cli.check_live import check_live
from router.cli.check_reach import check_reach
from router.cli.config import ConfigPath, config_at, path_of
from router.cli.output import Exit, echo, fail
from router.cli.store import UNREADABLE, store_of
from router.config.load import Config
from router.core.reachability.gaps import coming_gaps, uncovered, unreachable
from router.core.rules.lint import LintWarning, doubts
from router.core.rules.lint_unseen import KnownLabels
from router.core.text.plain import utc
from router.ports.clock import SystemClock

PAGE = 1000
"""Alerts per read from the store."""


def check(
    file: Annotated[
        Path | None, typer.Argument(help="The config file, as with --config.", show_default=False)
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Treat warnings about rules as errors.")
    ] = False,
    seen: Annotated[
        bool, typer.Option("--seen", help="Also compare the rules with the alerts in the store.")
    ] = False,
    live: Annotated[
        bool,
        typer.Option(
            "--live", help="Also log in to every service and check addresses. Sends no message."
        ),
    ] = False,
    reach: Annotated[
        str,
        typer.Option(
            help="Prove that for this long, such as 4w, every P0 and P1 reaches a person."
        ),
    ] = "",
    person: Annotated[
        list[str] | None,
        typer.Option(help="For --reach: a channel that pages people itself, such as PagerDuty."),
    ] = None,
    allow_silence: Annotated[
        list[str] | None,
        typer.Option(help="For --reach: a silence during which nobody needs to be paged."),
    ] = None,
    config_only: Annotated[
        bool,
        typer.Option(
            "--config-only",
            help="For --reach: don't read the store, and assume that "
            "every contact method works and nobody set an override or a silence.",
        ),
    ] = False,
    in_full: Annotated[
        bool,
        typer.Option(
            "--all", help="For --reach: print every route, time and escalation of each cause."
        ),
    ] = False,
    for_programs: Annotated[
        bool, typer.Option("--json", help="Print the result of --reach as JSON.")
    ] = False,
    config: ConfigPath = None,
) -> None:
    """Check the config and its rules. Exits with 1 on any error, each as file:line:column.

    Warns about rules without effect, and for P0 and P1 about times in the coming week when nobody
    is on call, and about people without a contact method.
    """
    path = path_of(file or config)
    checked = config_at(path)
    if reach:
        check_reach(
            checked,
            reach,
            person or (),
            allowed=allow_silence or (),
            config_only=config_only,
            in_full=in_full,
            for_programs=for_programs,
        )
        return
    warnings = doubts(checked.settings.rules.rules, checked.sources)
    warnings += _unseen(checked) if seen else ()
    for doubt in warnings:
        echo(f"{doubt.rule.origin}: {'' if strict else 'warning: '}{doubt.message}", err=True)
    for warning in checked.warnings:
        echo(f"{warning.place}: warning: {warning.message}", err=True)
    for line in (*_gaps(checked, path), *_unreachable(checked, path)):
        echo(line, err=True)
    if (live and not check_live(checked)) or (strict and warnings):
        raise typer.Exit(Exit.FAILED)
    rules, channels = len(checked.settings.rules.rules), len(checked.channels)
    sources = len(checked.sources)
    echo(f"{path}: no errors (rules: {rules}, channels: {channels}, sources: {sources})")


def _gaps(checked: Config, path: Path) -> Iterator[str]:
    for gap in uncovered(checked.settings, coming_gaps(checked.settings, SystemClock().now())):
        when = f"from {utc(gap.gaps[0].start)} until {utc(gap.gaps[0].end)}"
        yield f"{path}: warning: {gap.why}, {when}: see alert-router oncall gaps {gap.schedule}"


def _unreachable(checked: Config, path: Path) -> Iterator[str]:
    for contact in unreachable(checked.settings):
        yield f"{path}: warning: {contact.why}: see `reach` of contacts.{contact.contact}"


def _unseen(checked: Config) -> list[LintWarning]:
    try:
        seen = asyncio.run(_seen(checked))
    except UNREADABLE as error:
        fail(f"can't read the stored alerts: {error}")
    echo(f"compared with {seen.alerts} stored alerts", err=True)
    return seen.doubts(checked.settings.rules.rules)


async def _seen(checked: Config) -> KnownLabels:
    """All alerts in the store. Raises: one of UNREADABLE."""
    seen, after = KnownLabels(), ""
    async with store_of(checked) as store:
        while rows := await store.alerts(after=after, limit=PAGE):
            for alert in {row.alert.fingerprint: row.alert for row in rows}.values():
                seen.add(alert)
            after = rows[-1].alert.fingerprint
    return seen

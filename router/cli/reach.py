"""`alert-router check --reach`: that urgent incidents reach a person at every moment, or when they
don't.
"""

import asyncio
import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from router.cli.config import console, fail
from router.cli.escalation import as_json, show
from router.cli.stored import UNREADABLE, live_settings, store_of
from router.config.fields import parse_duration
from router.config.load import Config
from router.config.located import suggest
from router.core.incident.settings import Settings
from router.core.reachability.channel_health import QUARTER, addresses, standings
from router.core.reachability.prove import Proof, Trust, Unreached, prove
from router.core.reachability.routes import Route
from router.core.text.plain import local, utc
from router.core.text.units import duration
from router.ports.clock import Clock, SystemClock
from router.web.api import views

TIMES = 5
"""How many times that something goes wrong are listed, beside the first."""


def check_reach(config: Config, ahead: str, people: Sequence[str], *, for_programs: bool) -> None:
    """Say what is proven. Exits with 1 if something isn't."""
    try:
        weeks = parse_duration(ahead)
    except ValueError as error:
        fail(f"--reach: {error}")
    for name in people:
        if name not in config.channels:
            known = ", ".join(config.channels)
            fail(
                f"--person: no channel '{name}'{suggest(name, config.channels)}; there are: {known}"
            )
    clock = SystemClock()
    start = float(int(clock.now()))
    settings, unproven, blind = _known(config, clock, start)
    try:
        proof = prove(settings, start, start + weeks, Trust(frozenset(people), unproven))
    except ValueError as error:
        fail(f"--reach: {error}")
    if for_programs:
        typer.echo(json.dumps(_as_json(proof, blind), indent=2))
    else:
        _show(console(), proof, weeks, blind, str(config.document.company.time_zone))
    if proof.unreached:
        raise typer.Exit(1)


def _known(config: Config, clock: Clock, start: float) -> tuple[Settings, dict[str, str], str]:
    """The settings in force, the addresses that nothing has proven, and why the store wasn't looked
    at, if so.
    """
    try:
        return *asyncio.run(_stored(config, clock, start)), ""
    except UNREADABLE as error:
        return config.settings, {}, str(error)


async def _stored(config: Config, clock: Clock, start: float) -> tuple[Settings, dict[str, str]]:
    async with store_of(config) as store:
        settings = await live_settings(config, store, clock)
        found = standings(
            addresses(config.channels, settings.people), await store.proven(), start - QUARTER
        )
    unproven = {
        one.address: f"no delivery over it since {utc(one.at)}"
        if one.at
        else "no delivery over it has been seen"
        for one in found
        if not one.proven
    }
    return settings, unproven


# --- for people


def _show(out: Console, proof: Proof, weeks: float, blind: str, zone: str) -> None:
    for _, those in groupby(sorted(proof.unreached, key=_order), key=lambda one: one.cause):
        _show_cause(out, list(those), zone)
    if blind:
        out.print(
            Text(
                f"by the config alone: {blind}; so no overrides, silences and deliveries were looked at",
                "dim",
            )
        )
    looked = f"{len(proof.routes)} routes x {duration(weeks)}, {proof.intervals} intervals"
    if proof.unreached:
        out.print(Text(f"not proven ({looked})", "bold red"))
    elif proof.routes:
        late = (
            f"at the latest {duration(proof.slowest)} after it begins"
            if proof.slowest
            else "at once"
        )
        out.print(Text(f"proven: {looked}: somebody is told of each {late}", "green"))
    else:
        out.print(Text("nothing to prove: no rule makes a P0 or a P1"))


def _order(one: Unreached) -> tuple[str, float]:
    return repr(one.cause), one.start


def _show_cause(out: Console, those: Sequence[Unreached], zone: str) -> None:
    first, *more = those
    out.print(Text(f"nobody is told in time: {', '.join(map(str, first.routes))}", "bold red"))
    for one in (first, *more[:TIMES]):
        times = f"{local(one.start, zone)} until {local(one.end, zone)}"
        out.print(Text(f"  from {times}  ({utc(one.start)} until {utc(one.end)})"))
    if more[TIMES:]:
        out.print(Text(f"  and {len(more[TIMES:])} times more"))
    for why in first.why:
        out.print(Text(f"  because {why}"))
    for condition, holds in first.supposing:
        out.print(Text(f"  supposing that {condition} {'holds' if holds else 'does not hold'}"))
    show(out, first.trace, first.start, zone)
    out.print()


# --- for programs


def _as_json(proof: Proof, blind: str) -> dict[str, Any]:
    return {
        "proven": not proof.unreached,
        "from": views.when(proof.start),
        "until": views.when(proof.end),
        "routes": [_route(one) for one in proof.routes],
        "intervals": proof.intervals,
        "slowest": proof.slowest,
        "store": blind or "read",
        "unreached": [
            {
                "routes": [_route(route) for route in one.routes],
                "from": views.when(one.start),
                "until": views.when(one.end),
                "why": one.why,
                "supposing": dict(one.supposing),
                "trace": as_json(one.trace, one.start),
            }
            for one in proof.unreached
        ],
    }


def _route(one: Route) -> dict[str, Any]:
    return {"rule": one.rule, "opens": one.opens, "severity": one.severity}

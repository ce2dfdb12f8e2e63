"""`alert-router check --reach`: prove that urgent incidents reach a person, or show the gaps."""

import asyncio
import math
from collections.abc import AsyncIterator, Collection, Sequence
from itertools import groupby
from typing import Any

import typer
from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from router.cli.escalation import as_json, show
from router.cli.output import console, fail, print_json
from router.cli.store import UNREADABLE, live_settings, store_of
from router.config.fields import parse_duration
from router.config.load import Config
from router.config.located import suggest
from router.core.incident.settings import Settings
from router.core.reachability.channel_health import QUARTER, addresses, standings
from router.core.reachability.findings import Finding, Proof, Verdict
from router.core.reachability.prove import prove
from router.core.reachability.routes import Route
from router.core.reachability.undecided import Known, may_prevent_page, unheard_inhibitors
from router.core.text.plain import local, utc
from router.core.text.units import duration
from router.engine.jobs.calendars import AHEAD
from router.model.incident import OPEN, Incident
from router.ports.clock import Clock, SystemClock
from router.ports.store import Store
from router.web.api import views

TIMES = 5
"""Maximum further times listed for one cause."""

PAGE = 1000

_WORDS = {Verdict.UNREACHED: "nobody is notified in time", Verdict.NOT_PROVEN: "not proven"}


def check_reach(
    config: Config,
    ahead: str,
    people: Sequence[str],
    *,
    allowed: Sequence[str] = (),
    config_only: bool = False,
    in_full: bool = False,
    for_programs: bool,
) -> None:
    """Print the proof. Exits with 1 unless everything is proven.

    `people` are channels that count as a person; `allowed` are intended silences. `config_only`:
    assume that every contact method works, and that nobody set an override or a silence. `in_full`:
    print every route, time and escalation of a cause, instead of an example.
    """
    try:
        weeks = parse_duration(ahead)
    except ValueError as error:
        fail(f"--reach: {error}")
    _check_names("--person", "channel", people, config.channels)
    clock = SystemClock()
    start = float(math.ceil(clock.now()))
    settings, known, store = _known(config, clock, start, people, config_only=config_only)
    _check_names(
        "--allow-silence", "silence", allowed, [silence.name for silence in settings.silences]
    )
    known = replace(known, allowed=frozenset(allowed))
    proof = prove(settings, start, start + weeks, known)
    if config_only:
        proof = replace(proof, assumes=(*proof.assumes, *CONFIG_ONLY))
    if for_programs:
        print_json(_as_json(proof, store))
    else:
        _show(console(), proof, weeks, str(config.file.company.time_zone), in_full=in_full)
    if proof.verdict is not Verdict.PROVEN:
        raise typer.Exit(1)


CONFIG_ONLY = (
    "every contact method works",
    "nobody has set an override or a silence since the config was written",
)


def _check_names(option: str, what: str, given: Sequence[str], known: Collection[str]) -> None:
    for name in given:
        if name not in known:
            fail(
                f"{option}: no {what} '{name}'{suggest(name, known)}; there are: {', '.join(known)}"
            )


# --- input of the proof


def _known(
    config: Config, clock: Clock, start: float, people: Collection[str], *, config_only: bool
) -> tuple[Settings, Known, str]:
    """The current settings, the proof's other input, and whether the store was read."""
    rates = {
        name: f"{rate.count} in {duration(rate.per)}"
        for name, channel in config.channels.items()
        if (rate := channel.rate) is not None
    }
    known = Known(
        people=frozenset(people),
        rates=rates,
        sources=frozenset(config.sources),
        calendars_until=start + AHEAD,
    )
    if config_only:
        return config.settings, known, "not read"
    try:
        return *asyncio.run(_stored(config, clock, start, known)), "read"
    except UNREADABLE as error:
        why = (
            f"the store can't be read ({error}), "
            "so no delivery, override or silence is known; see --config-only"
        )
        return config.settings, replace(known, reasons=(why,)), str(error)


async def _stored(
    config: Config, clock: Clock, start: float, known: Known
) -> tuple[Settings, Known]:
    async with store_of(config) as store:
        settings = await live_settings(config, store, clock)
        health, wanted = await store.proven(), addresses(config.channels, settings.people)
        found = standings(wanted, health, start - QUARTER, settings.destinations)
        incidents = [incident async for incident in _unheard(store, settings, known)]
    unproven = {standing.address: standing.why for standing in found if not standing.proven}
    return settings, replace(
        known,
        unproven=unproven,
        reasons=tuple(unheard_inhibitors(settings, incidents)),
        unheard=tuple(incidents),
    )


async def _unheard(store: Store, settings: Settings, known: Known) -> AsyncIterator[Incident]:
    """The open incidents that may prevent a page although no person has received a message."""
    before = 0
    while page := await store.incidents(statuses=OPEN, before=before, limit=PAGE):
        before = page[-1].id
        for incident in page:
            if not may_prevent_page(settings, incident):
                continue
            rows = await store.notifications(incident_id=incident.id, limit=PAGE)
            if not any(row.sent and known.reaches(row.channel) for row in rows):
                yield incident


# --- for people


def _show(out: Console, proof: Proof, weeks: float, zone: str, *, in_full: bool) -> None:
    _show_verdict(out, proof, weeks)
    findings = sorted(
        proof.findings,
        key=lambda finding: (
            finding.verdict is not Verdict.UNREACHED,
            repr(finding.why),
            finding.start,
        ),
    )
    if in_full:
        for _, of_cause in groupby(
            findings,
            key=lambda finding: (finding.verdict, finding.why, finding.supposing, finding.labels),
        ):
            _show_cause(out, list(of_cause), proof, zone)
        return
    for _, of_cause in groupby(findings, key=lambda finding: (finding.verdict, finding.why)):
        _show_example(out, list(of_cause), proof, zone)
    if findings:
        out.print(Text("--all prints every route, time and escalation", "dim"))


def _show_verdict(out: Console, proof: Proof, weeks: float) -> None:
    looked = f"{len(proof.routes)} routes x {duration(weeks)}, {proof.intervals} intervals"
    if proof.verdict is not Verdict.PROVEN:
        out.print(Text(f"not proven ({looked})", "bold red"))
        return
    late = f"within {duration(proof.slowest)}" if proof.slowest else "at once"
    out.print(Text(f"proven: {looked}: somebody is notified of each incident {late}", "green"))
    for assume in proof.assumes:
        out.print(Text(f"  assuming that {assume}", "dim"))


def _show_example(out: Console, findings: Sequence[Finding], proof: Proof, zone: str) -> None:
    """Print a cause with one example, preferably a rule's, and its numbers of routes and times."""
    first = min(findings, key=lambda finding: _routes([finding])[0].declared)
    times = len({(finding.start, finding.end) for finding in findings})
    counts = f"(routes: {len(_routes(findings))}, intervals: {times})"
    out.print(Text(f"{_WORDS[first.verdict]}: {_routes([first])[0]} {counts}", "bold red"))
    if (first.start, first.end) != (proof.start, proof.end):
        _show_time(out, first.start, first.end, zone)
    _show_reasons(out, first)


def _routes(findings: Sequence[Finding]) -> list[Route]:
    """The routes of the findings, those of rules first."""
    routes = {route for finding in findings for route in finding.routes}
    return sorted(routes, key=lambda route: (route.declared, route))


def _show_cause(out: Console, findings: Sequence[Finding], proof: Proof, zone: str) -> None:
    first = findings[0]
    names = map(str, _routes(findings))
    out.print(Text(f"{_WORDS[first.verdict]}: {', '.join(names)}", "bold red"))
    times = dict.fromkeys((finding.start, finding.end) for finding in findings)
    times.pop((proof.start, proof.end), None)
    for start, end in [*times][: TIMES + 1]:
        _show_time(out, start, end, zone)
    if (left := len(times) - TIMES - 1) > 0:
        out.print(Text(f"  and {left} more times"))
    _show_reasons(out, first)
    if trace := first.trace:
        show(out, trace, first.start, zone)
    out.print()


def _show_time(out: Console, start: float, end: float, zone: str) -> None:
    local_times = f"{local(start, zone)} until {local(end, zone)}"
    out.print(Text(f"  from {local_times}  ({utc(start)} until {utc(end)})"))


def _show_reasons(out: Console, finding: Finding) -> None:
    for why in finding.why:
        out.print(Text(f"  because {why}"))
    for condition, holds in finding.supposing:
        out.print(Text(f"  supposing that {condition} is {'true' if holds else 'false'}"))
    if finding.labels:
        labels = ", ".join(f'{name}="{value}"' for name, value in finding.labels)
        out.print(Text(f"  for an alert with {labels}"))


# --- for programs


def _as_json(proof: Proof, store: str) -> dict[str, Any]:
    return {
        "proven": proof.verdict is Verdict.PROVEN,
        "verdict": proof.verdict,
        "from": views.when(proof.start),
        "until": views.when(proof.end),
        "routes": [_route(route) for route in proof.routes],
        "intervals": proof.intervals,
        "slowest": proof.slowest,
        "store": store,
        "assumes": proof.assumes,
        "unreached": [_finding(finding) for finding in proof.of(Verdict.UNREACHED)],
        "undecided": [_finding(finding) for finding in proof.of(Verdict.NOT_PROVEN)],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "routes": [_route(route) for route in finding.routes],
        "from": views.when(finding.start),
        "until": views.when(finding.end),
        "why": finding.why,
        "supposing": dict(finding.supposing),
        "labels": dict(finding.labels) or None,
        "trace": as_json(trace, finding.start) if (trace := finding.trace) else None,
    }


def _route(route: Route) -> dict[str, Any]:
    return {
        "rule": route.rule or None,
        "opens": route.opens,
        "severity": route.severity,
        "by_hand": route.declared,
    }

"""`alert-router simulate`."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from router.chart import ImageFormat
from router.cli.arguments import Resource, Source
from router.cli.client import Url
from router.cli.config import ConfigPath, Json, config_at, path_of
from router.cli.escalation import as_json, drawn, show
from router.cli.live_state import ignored_rates, read_live_state
from router.cli.output import console, fail, print_json
from router.cli.payload import alerts_in
from router.config.fields import parse_duration
from router.config.load import Config
from router.config.located import suggest
from router.config.times import parse_moment
from router.core.incident.settings import Settings
from router.core.oncall.local_time import instant
from router.core.virtual.example_alert import example_alert
from router.core.virtual.simulation import SimulatedAnswer
from router.core.virtual.simulation import simulate as simulate_alerts
from router.model.alert import Alert
from router.model.incident import Severity
from router.ports.clock import SystemClock

Labels = Annotated[
    list[str] | None, typer.Option("--label", help="A label NAME=VALUE of the alert for --rule.")
]


def simulate(
    payload: Annotated[
        Path | None, typer.Argument(help="A file with the body of a webhook.", show_default=False)
    ] = None,
    rule: Annotated[str, typer.Option(help="Use an example alert that this rule matches.")] = "",
    severity: Annotated[
        Severity | None,
        typer.Option(help="The severity of the example; default: the worst of the rule."),
    ] = None,
    label: Labels = None,
    source: Source = "alertmanager",
    resource: Resource = "event_alert",
    at: Annotated[
        str,
        typer.Option(
            help="The time, such as '2026-12-24 23:00' in the company's time zone; default: now."
        ),
    ] = "",
    ack: Annotated[str, typer.Option(help="Acknowledge after this time, such as 7m.")] = "",
    by: Annotated[str, typer.Option(help="Who does.")] = "somebody",
    for_programs: Json = False,
    svg: Annotated[
        Path | None, typer.Option(help="Draw the escalation into this SVG file.")
    ] = None,
    png: Annotated[Path | None, typer.Option(help="The same as PNG.")] = None,
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Show the whole escalation of an alert that nobody answers."""
    if bool(payload) == bool(rule):
        fail("give either the file of a webhook's body, or --rule NAME")
    checked = config_at(path_of(config))
    zone = str(checked.file.company.time_zone)
    start = _moment(at, zone)
    answer = SimulatedAnswer(_after(ack), by) if ack else None
    if payload:
        alerts = _read(checked, payload, source, resource)
    else:
        alerts = _made_up(checked.settings, rule, severity, label or [], start)
    now = read_live_state(checked, lambda _: alerts, start, url, config)
    found = simulate_alerts(now.settings, alerts, start, answer, known=now.snapshot)
    shared = ignored_rates(checked, [moment.over for moment in found.moments])
    found = replace(found, left_out=(*now.left_out, *found.left_out, *shared))
    for path, form in ((svg, ImageFormat.SVG), (png, ImageFormat.PNG)):
        if path:
            path.write_bytes(drawn(found, start, zone, form))
    if for_programs:
        print_json(as_json(found, start))
    else:
        show(console(), found, start, zone)


# --- what is asked


def _moment(at: str, zone: str) -> float:
    """Parse a time with an offset or in `zone`; the current time for ""."""
    if not at:
        # Rounded up: otherwise an override set within this second would not apply yet.
        return float(math.ceil(SystemClock().now()))
    try:
        moment = parse_moment(at)
    except ValueError as error:
        fail(f"--at: {error}")
    return moment.timestamp() if moment.tzinfo else instant(moment, zone)


def _after(ack: str) -> float:
    try:
        return parse_duration(ack)
    except ValueError as error:
        fail(f"--ack: {error}")


def _read(checked: Config, payload: Path, source: str, resource: str) -> Sequence[Alert]:
    try:
        return alerts_in(checked)(source, resource, payload)
    except ValueError as error:
        fail(f"{payload}: {error}")


def _made_up(
    settings: Settings, name: str, severity: Severity | None, labels: Sequence[str], at: float
) -> Sequence[Alert]:
    given = dict(label.partition("=")[::2] for label in labels)
    if unnamed := [label for label in labels if "=" not in label]:
        fail(f"--label: expected NAME=VALUE, found '{unnamed[0]}'")
    rules = {rule.name: rule for rule in (*settings.rules.rules, settings.rules.default)}
    if name not in rules:
        fail(f"no rule '{name}'{suggest(name, rules)}; there are: {', '.join(rules)}")
    try:
        made = example_alert(settings.rules, rules[name], severity, given, at)
    except ValueError as error:
        fail(str(error))
    if rules[name].count_over is None:
        return [made.alert]
    return [replace(made.alert, event_id=f"occurrence {number}") for number in range(made.times)]

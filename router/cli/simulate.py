"""`alert-router simulate`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table
from rich.text import Text

from router.chart import Form, Look, Mark, Span, Tone, gantt
from router.cli.arranged import in_force
from router.cli.client import Url
from router.cli.config import ConfigPath, config_at, console, fail, path_of
from router.cli.payload import alerts_in
from router.config.fields import parse_duration
from router.config.load import Config
from router.config.located import suggest
from router.config.times import parse_moment
from router.core.quantity import duration
from router.core.settings import Settings
from router.core.simulation import HORIZON, Answer, Moment, Simulation
from router.core.simulation import simulate as simulate_alerts
from router.core.specimen import specimen
from router.core.wall import instant, wall
from router.model.alert import Alert
from router.model.incident import Severity
from router.model.reason import Reason
from router.ports import SystemClock
from router.web import views

Labels = Annotated[list[str] | None, typer.Option("--label", help="NAME=VALUE, of the alert for --rule.")]


def simulate(
    payload: Annotated[Path | None, typer.Argument(help="A webhook's body, in a file.", show_default=False)] = None,
    rule: Annotated[str, typer.Option(help="Make up an alert that this rule takes.")] = "",
    severity: Annotated[Severity | None, typer.Option(help="As bad as this. [default: the worst it knows]")] = None,
    label: Labels = None,
    source: Annotated[str, typer.Option(help="Whose webhook it is, by its name under `sources`.")] = "alertmanager",
    resource: Annotated[str, typer.Option(help="Of Sentry: the Sentry-Hook-Resource header.")] = "event_alert",
    at: Annotated[str, typer.Option(help="When: '2026-12-24 23:00' by the company's clock. [default: now]")] = "",
    ack: Annotated[str, typer.Option(help="Somebody acknowledges after so long: 7m.")] = "",
    by: Annotated[str, typer.Option(help="Who does.")] = "somebody",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    svg: Annotated[Path | None, typer.Option(help="Draw it, into this file.")] = None,
    png: Annotated[Path | None, typer.Option(help="The same as PNG.")] = None,
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Tell the whole escalation of an alert that nobody answers: who is told when, over what and why."""
    if bool(payload) == bool(rule):
        fail("give either the file of a webhook's body, or --rule NAME")
    checked = config_at(path_of(config))
    zone = str(checked.document.company.time_zone)
    start = _moment(at, zone)
    answer = Answer(_after(ack), by) if ack else None
    if payload:
        alerts = _read(checked, payload, source, resource)
    else:
        alerts = _made_up(checked.settings, rule, severity, label or [], start)
    found = simulate_alerts(in_force(checked.settings, url, config), alerts, start, answer)
    for path, form in ((svg, Form.SVG), (png, Form.PNG)):
        if path:
            path.write_bytes(_drawn(found, start, zone, form))
    if as_json:
        typer.echo(json.dumps(_as_json(found, start), indent=2))
    else:
        _show(console(), found, start, zone)


# --- what is asked


def _moment(at: str, zone: str) -> float:
    """Now, or a time by the clock of `zone`, or with an offset."""
    if not at:
        return float(int(SystemClock().now()))
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
    given = dict(one.partition("=")[::2] for one in labels)
    if unnamed := [one for one in labels if "=" not in one]:
        fail(f"--label: expected NAME=VALUE, found '{unnamed[0]}'")
    rules = {rule.name: rule for rule in (*settings.rules.rules, settings.rules.default)}
    if name not in rules:
        fail(f"no rule '{name}'{suggest(name, rules)}; there are: {', '.join(rules)}")
    try:
        made = specimen(settings.rules, rules[name], severity, given, at)
    except ValueError as error:
        fail(str(error))
    if rules[name].count_over is None:
        return [made.alert]
    return [replace(made.alert, event_id=f"occurrence {number}") for number in range(made.times)]


# --- what is said


def _show(out: Console, found: Simulation, start: float, zone: str) -> None:
    if not found.incidents:
        why = ", ".join(dict.fromkeys(_words(reason) for reason in found.reasons))
        out.print(Text(f"nobody is told: {why}"))
        return
    for incident in found.incidents:
        out.print(Text(f"{incident.name} [{incident.severity}] {incident.title}  ({incident.key})", "bold"))
    table = Table("after", f"clock ({zone})", "incident", "who", "over", "why", box=None, padding=(0, 2))
    for moment in found.moments:
        when = (f"+{duration(moment.at - start)}", _clock(moment.at, zone))
        cells = (*when, f"INC-{moment.incident_id}", moment.who, moment.over, _why(moment))
        table.add_row(*map(Text, cells), style="" if moment.over else "dim")
    out.print(table)
    if not found.ended:
        out.print(Text(f"it goes on beyond {duration(HORIZON)}", "yellow"))


def _clock(at: float, zone: str) -> str:
    return f"{wall(at, zone):%a %Y-%m-%d %H:%M:%S}"


def _why(moment: Moment) -> str:
    return moment.text or _words(moment.reason)


def _words(reason: Reason) -> str:
    return reason.replace("_", " ")


def _as_json(found: Simulation, start: float) -> dict[str, Any]:
    return {
        "reasons": found.reasons,
        "incidents": [views.incident(incident) for incident in found.incidents],
        "moments": [
            {
                "at": views.when(moment.at),
                "after": moment.at - start,
                "incident": f"INC-{moment.incident_id}",
                "who": moment.who or None,
                "over": moment.over or None,
                "reason": moment.reason,
                "text": moment.text or None,
            }
            for moment in found.moments
        ],
        "end": views.when(found.end),
        "ended": found.ended,
    }


# --- what is drawn

_TONES = {
    Reason.ACKNOWLEDGED: Tone.GOOD,
    Reason.STEP_DUE: Tone.WARN,
    Reason.NEXT_WAY: Tone.WARN,
    Reason.TOLD_AGAIN: Tone.WARN,
    Reason.PROMOTED: Tone.BAD,
    Reason.UNANSWERED: Tone.BAD,
}


def _drawn(found: Simulation, start: float, zone: str, form: Form) -> bytes:
    """A row for each incident and for everybody who is told, a dot for each message."""
    spans = [
        Span(incident.name, incident.opened_at, incident.acknowledged_at or found.end, Tone.BAD, str(incident.severity))
        for incident in found.incidents
    ]
    for moment in found.moments:
        if moment.over:
            row = f"{moment.who} over {moment.over}" if moment.who else moment.over
            tone = _TONES.get(moment.reason, Tone.INFO)
            spans.append(Span(row, moment.at, moment.at, tone, f"+{duration(moment.at - start)} {_why(moment)}"))
    marks = [Mark(one.at, "acknowledged", Tone.GOOD) for one in found.moments if _is_answer(one)]
    title = ", ".join(incident.title for incident in found.incidents) or "nobody is told"
    return gantt(spans, marks=marks, title=title, zone=zone, look=Look(form))


def _is_answer(moment: Moment) -> bool:
    return moment.reason is Reason.ACKNOWLEDGED and not moment.over

"""`alert-router template`: the templates of what is said, and what each would say."""

from typing import Annotated

import typer
from msgspec.structs import replace
from rich.table import Table

from router.cli.client import Url, ask
from router.cli.config import ConfigPath, config_at, console, fail, path_of
from router.config.fields import parse_time_zone
from router.config.load import Config
from router.config.located import suggest
from router.core.communication.previews import drafts
from router.core.messages.templates import CUSTOMERS, KINDS
from router.core.virtual.example_alert import example_alert
from router.core.virtual.router import VirtualRouter
from router.model.event import AlertSeen, Command, Commanded
from router.model.incident import Severity
from router.ports.clock import SystemClock

template = typer.Typer(
    help="The templates of what is said, and what each would say.", no_args_is_help=True
)

PURPOSES = {
    "internal": "messages to channels and people on call",
    "stakeholder-email": "mail to stakeholders",
    "status-update": "the status page, until somebody writes their own words",
    "customer-email": "the mail to customers, once an incident is resolved",
}
LASTED = 45 * 60.0
"""Seconds that a made-up incident takes, where it has to be over."""


@template.command("list")
def list_(config: ConfigPath = None) -> None:
    """List the templates, where each comes from, and what it may use."""
    checked = config_at(path_of(config))
    table = Table("template", "from", "for", "may use", box=None)
    folder = checked.document.templates.directory if checked.document.templates else ""
    for name, kind in KINDS.items():
        origin = folder if name in checked.settings.wording.own else "the router"
        table.add_row(name, origin, PURPOSES[name], ", ".join(sorted(kind.names)))
    console().print(table)


@template.command("preview")
def preview(
    name: Annotated[str, typer.Argument(help="The template.")],
    incident: Annotated[
        str, typer.Option("--incident", help="Of this incident: 142 or INC-142.")
    ] = "",
    rule: Annotated[
        str, typer.Option("--rule", help="Of a made-up one that this rule opens.")
    ] = "",
    severity: Annotated[
        Severity | None, typer.Option(help="As bad as this; else the worst it knows.")
    ] = None,
    zone: Annotated[
        str, typer.Option("--zone", help="By whose clock: Europe/London; else the company's.")
    ] = "",
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Show what a template would say. Nothing is sent."""
    if name not in KINDS:
        fail(f"there's no template '{name}'{suggest(name, KINDS)}; there are: {', '.join(KINDS)}")
    if bool(incident) == bool(rule):
        fail("give either --incident NUMBER or --rule NAME")
    if incident:
        params = {"zone": zone} if zone else {}
        found = ask("GET", f"/incidents/{incident}/drafts", url, config, params=params)["drafts"]
        shown = {one["template"]: (one["subject"], one["text"]) for one in found}
    else:
        shown = _made_up(
            config_at(path_of(config)), rule, severity, _zone(zone), over=name == CUSTOMERS
        )
    if name not in shown:
        fail("there's no mail to customers before the incident is resolved")
    subject, text = shown[name]
    typer.echo(f"Subject: {subject}\n\n{text}" if subject and name != "internal" else text)


def _zone(zone: str) -> str:
    try:
        return parse_time_zone(zone) if zone else ""
    except ValueError as error:
        fail(f"--zone: {error}")


def _made_up(
    checked: Config, name: str, severity: Severity | None, zone: str, *, over: bool
) -> dict[str, tuple[str, str]]:
    """What every template says of an incident that the rule opens, and that is resolved by now if
    it's to be `over`.
    """
    settings = checked.settings
    rules = {rule.name: rule for rule in (*settings.rules.rules, settings.rules.default)}
    if name not in rules:
        fail(f"no rule '{name}'{suggest(name, rules)}; there are: {', '.join(rules)}")
    now = float(int(SystemClock().now()))
    start = now - LASTED if over else now
    router = VirtualRouter(settings, start)
    try:
        made = example_alert(settings.rules, rules[name], severity, {}, start)
    except ValueError as error:
        fail(str(error))
    alerts = [replace(made.alert, event_id=f"{number}") for number in range(made.times)]
    router.happen(*(AlertSeen(start, alert) for alert in alerts))
    if over:
        router.happen(Commanded(now, 1, "somebody", Command.RESOLVE))
    incident = router.memory.incidents[1]
    url = f"{str(checked.document.external_url).rstrip('/')}/incidents/1"
    found = drafts(incident, router.memory.timeline, settings, now, zone=zone, url=url)
    return {one.name: (one.subject, one.text) for one in found}

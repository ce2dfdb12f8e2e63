"""`alert-router template`: the templates of messages, and previews of them."""

from typing import TYPE_CHECKING, Annotated

import typer

from router.cli.client import Router, viewer
from router.cli.config import ConfigPath, config_at, path_of
from router.cli.output import console, echo, fail
from router.model.incident import Severity

if TYPE_CHECKING:
    from router.config.load import Config

template = typer.Typer(help="Message templates: list, preview.", no_args_is_help=True)

PURPOSES = {
    "internal": "messages to channels and people on call",
    "stakeholder-email": "mail to stakeholders",
    "status-update": "the status page, until somebody writes the text",
    "customer-email": "the mail to customers after an incident is resolved",
}
LASTED = 45 * 60.0
"""Seconds that the example incident lasted, in mails about its end."""


@template.command("list")
def list_(config: ConfigPath = None) -> None:
    """List the templates, their origin and the values that each may use."""
    from rich.table import Table

    from router.core.messages.templates import KINDS

    checked = config_at(path_of(config))
    table = Table("template", "from", "for", "may use", box=None)
    folder = checked.file.templates.directory if checked.file.templates else ""
    for name, kind in KINDS.items():
        origin = folder if name in checked.settings.wording.own else "the router"
        table.add_row(name, origin, PURPOSES[name], ", ".join(sorted(kind.names)))
    console().print(table)


@template.command("preview")
@viewer
def preview(
    router: Router,
    name: Annotated[str, typer.Argument(help="The template.")],
    incident: Annotated[
        str, typer.Option("--incident", help="Preview for this incident: 142 or INC-142.")
    ] = "",
    rule: Annotated[
        str, typer.Option("--rule", help="Preview for an example incident of this rule.")
    ] = "",
    severity: Annotated[
        Severity | None,
        typer.Option(help="Severity of the example. Default: the most severe of the rule."),
    ] = None,
    zone: Annotated[
        str,
        typer.Option("--zone", help="Time zone, such as Europe/London. Default: the company's."),
    ] = "",
) -> None:
    """Show the text of a template. Nothing is sent."""
    if name not in PURPOSES:
        fail(f"no template '{name}'; the templates are: {', '.join(PURPOSES)}")
    if bool(incident) == bool(rule):
        fail("give either --incident NUMBER or --rule NAME")
    if incident:
        shown = _of_incident(router, incident, zone)
    else:
        shown = _of_example(config_at(path_of(router.config)), name, rule, severity, zone)
    if name not in shown:
        fail("there is no mail to customers before the incident is resolved")
    subject, text = shown[name]
    echo(f"Subject: {subject}\n\n{text}" if subject and name != "internal" else text)


def _of_incident(router: Router, incident: str, zone: str) -> dict[str, tuple[str, str]]:
    params = {"zone": zone} if zone else {}
    found = router.ask("GET", f"/incidents/{incident}/drafts", params=params)["drafts"]
    return {draft["template"]: (draft["subject"], draft["text"]) for draft in found}


def _of_example(
    checked: "Config", name: str, rule: str, severity: Severity | None, zone: str
) -> dict[str, tuple[str, str]]:
    """Every template for an example incident of the rule, resolved for a mail to customers."""
    from msgspec.structs import replace

    from router.config.fields import parse_time_zone
    from router.config.located import suggest
    from router.core.communication.previews import drafts
    from router.core.messages.templates import CUSTOMERS
    from router.core.virtual.example_alert import example_alert
    from router.core.virtual.router import VirtualRouter
    from router.model.event import AlertSeen, Command, Commanded
    from router.ports.clock import SystemClock

    settings = checked.settings
    rules = {rule.name: rule for rule in (*settings.rules.rules, settings.rules.default)}
    if rule not in rules:
        fail(f"no rule '{rule}'{suggest(rule, rules)}; the rules are: {', '.join(rules)}")
    now = float(int(SystemClock().now()))
    start = now - LASTED if name == CUSTOMERS else now
    try:
        zone = parse_time_zone(zone) if zone else ""
        made = example_alert(settings.rules, rules[rule], severity, {}, start)
    except ValueError as error:
        fail(str(error))
    alerts = [replace(made.alert, event_id=f"{number}") for number in range(made.times)]
    virtual = VirtualRouter(settings, start)
    virtual.happen(*(AlertSeen(start, alert) for alert in alerts))
    if name == CUSTOMERS:
        virtual.happen(Commanded(now, 1, "somebody", Command.RESOLVE))
    incident = virtual.memory.incidents[1]
    url = f"{str(checked.file.external_url).rstrip('/')}/incidents/1"
    found = drafts(incident, virtual.memory.timeline, settings, now, zone=zone, url=url)
    return {draft.name: (draft.subject, draft.text) for draft in found}

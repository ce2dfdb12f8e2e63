"""`alert-router declare`."""

from typing import Annotated

import typer

from router.cli.arguments import SEVERITIES
from router.cli.client import Router, responder
from router.cli.incident_command import finish, report
from router.model.incident import Severity


@responder
def declare(
    router: Router,
    title: Annotated[str, typer.Argument(help="What is wrong.")],
    severity: Annotated[
        Severity | None,
        typer.Option(
            "--severity",
            case_sensitive=False,
            help=f"{SEVERITIES}. Default: the severity of the rule that matches.",
            show_default=False,
        ),
    ] = None,
    description: Annotated[str, typer.Option("--description", help="More details.")] = "",
) -> None:
    """Open an incident yourself. It passes through the rules like an alert."""
    body = {"title": title, "description": description}
    if severity:
        body["severity"] = severity.value
    finish(report("declare", router.ask("POST", "/incidents", json=body)))

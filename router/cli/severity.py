"""`alert-router severity`."""

from typing import Annotated

import typer

from router.cli.arguments import SEVERITIES, Id, Note
from router.cli.client import Router, responder
from router.cli.incident_command import finish, run_command
from router.model.incident import Severity


@responder
def severity(
    router: Router,
    incident: Id,
    severity: Annotated[Severity, typer.Argument(help=f"{SEVERITIES}.", case_sensitive=False)],
    note: Note = "",
) -> None:
    """Set the severity of an incident. The policy of that severity starts from its first step."""
    finish(run_command(router, "severity", incident, {"severity": severity, "text": note}))

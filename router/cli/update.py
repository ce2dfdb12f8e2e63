"""`alert-router update`."""

from typing import Annotated

import typer

from router.cli.arguments import Id
from router.cli.client import Router, responder
from router.cli.incident_command import finish, run_command
from router.cli.output import fail
from router.model.incident import OPEN


@responder
def update(
    router: Router,
    incident: Id,
    text: Annotated[str, typer.Argument(help="The current state, in your words.")] = "",
    status: Annotated[
        str, typer.Option("--status", help=f"New status: one of {', '.join(OPEN)}.")
    ] = "",
) -> None:
    """Add an update to an incident. A new status is also sent to stakeholders."""
    if not (text or status):
        fail("give a text, or --status")
    name, body = ("status", {"status": status}) if status else ("note", {})
    finish(run_command(router, name, incident, body | {"text": text}))

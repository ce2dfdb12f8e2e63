"""`alert-router merge`."""

from typing import Annotated

import typer

from router.cli.arguments import Id, Note
from router.cli.client import Router, responder
from router.cli.incident_command import finish, run_command


@responder
def merge(
    router: Router,
    incident: Id,
    other: Annotated[str, typer.Argument(help="The other incident: 143 or INC-143.")],
    note: Note = "",
) -> None:
    """Close an incident and move its alerts to another one."""
    finish(run_command(router, "merge", incident, {"other": other, "text": note}))

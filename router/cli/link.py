"""`alert-router link`."""

from typing import Annotated

import typer

from router.cli.arguments import Id, Note
from router.cli.client import Router, responder
from router.cli.incident_command import finish, run_command


@responder
def link(
    router: Router,
    incident: Id,
    other: Annotated[str, typer.Argument(help="The other incident: 143 or INC-143.")],
    note: Note = "",
) -> None:
    """Link an incident with another one. Both stay as they are."""
    finish(run_command(router, "link", incident, {"other": other, "text": note}))

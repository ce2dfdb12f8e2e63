"""`alert-router note`."""

from typing import Annotated

import typer

from router.cli.arguments import Id
from router.cli.client import Router, responder
from router.cli.incident_command import finish, run_command


@responder
def note(
    router: Router, incident: Id, text: Annotated[str, typer.Argument(help="Text of the note.")]
) -> None:
    """Add a note to the timeline of an incident."""
    finish(run_command(router, "note", incident, {"text": text}))

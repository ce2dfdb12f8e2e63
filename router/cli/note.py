"""`alert-router note`."""

from typing import Annotated

import typer

from router.cli.arguments import Id
from router.cli.client import Router, responder
from router.cli.outcome import command, finish


@responder
def note(
    router: Router, incident: Id, text: Annotated[str, typer.Argument(help="Text of the note.")]
) -> None:
    """Add a note to the timeline of an incident."""
    finish(command(router, "note", incident, {"text": text}))

"""`alert-router resolve`."""

from typing import Annotated

import typer

from router.cli.arguments import Ids, Note
from router.cli.client import Router, responder
from router.cli.outcome import command_each


@responder
def resolve(
    router: Router,
    incidents: Ids,
    note: Note = "",
    false_positive: Annotated[
        bool, typer.Option("--false-positive", help="Close as a false positive instead.")
    ] = False,
) -> None:
    """Resolve incidents, even if their alerts still fire."""
    name = "false-positive" if false_positive else "resolve"
    command_each(router, name, incidents, {"text": note})

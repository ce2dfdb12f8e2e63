"""`alert-router assign`."""

from typing import Annotated

import typer

from router.cli.arguments import Id
from router.cli.client import Router, responder
from router.cli.outcome import command, finish


@responder
def assign(
    router: Router,
    incident: Id,
    lead: Annotated[str, typer.Argument(help="The lead. Default: you.")] = "",
) -> None:
    """Make somebody the lead of an incident, and notify them."""
    finish(command(router, "assign", incident, {"text": lead}))

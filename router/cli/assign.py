"""`alert-router assign`."""

from typing import Annotated

import typer

from router.cli.arguments import Id
from router.cli.client import Router, responder
from router.cli.incident_command import finish, run_command


@responder
def assign(
    router: Router,
    incident: Id,
    person: Annotated[str, typer.Argument(help="The person. Default: you.")] = "",
    role: Annotated[str, typer.Option(help="communications, operations, scribe, …")] = "lead",
) -> None:
    """Give somebody a role in an incident, such as lead, and notify them."""
    other = {} if role == "lead" else {"role": role}
    finish(run_command(router, "assign", incident, {"text": person, **other}))

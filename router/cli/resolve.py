"""`alert-router resolve`."""

import sys
from typing import Annotated

import typer

from router.cli.arguments import Ids, Note, Yes
from router.cli.client import Router, responder
from router.cli.incident_command import run_on_each

HOLDS = "Nobody is paged for its alerts until they end, or until a value becomes worse. Close it?"


def in_terminal() -> bool:
    """Check if the command runs in a terminal, where a person can answer a question."""
    return sys.stdin.isatty()


@responder
def resolve(
    router: Router,
    incidents: Ids,
    note: Note = "",
    false_positive: Annotated[
        bool, typer.Option("--false-positive", help="Close as a false positive instead.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Resolve incidents, even if their alerts still fire.

    In a terminal, a false positive asks first.
    """
    if false_positive and not yes and in_terminal():
        typer.confirm(HOLDS, abort=True)
    name = "false-positive" if false_positive else "resolve"
    run_on_each(router, name, incidents, {"text": note})

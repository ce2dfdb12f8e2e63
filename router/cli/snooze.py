"""`alert-router snooze`."""

from typing import Annotated

import typer

from router.cli.arguments import Ids, Note
from router.cli.client import Router, responder
from router.cli.incident_command import run_on_each
from router.cli.output import fail


@responder
def snooze(
    router: Router,
    incidents: Ids,
    for_: Annotated[
        str, typer.Option("--for", help="How long, such as 2h.", show_default=False)
    ] = "",
    until: Annotated[
        str,
        typer.Option(
            help="The end, such as '2026-12-24 09:00' in the company's time zone.",
            show_default=False,
        ),
    ] = "",
    note: Note = "",
) -> None:
    """Pause the pages of incidents until a time. The incidents stay open."""
    if bool(for_) == bool(until):
        fail("give either --for or --until")
    run_on_each(router, "snooze", incidents, {"for": for_, "until": until, "text": note})

"""Arguments and options that several commands take."""

from typing import Annotated

import typer

Id = Annotated[str, typer.Argument(help="The incident: 142 or INC-142.")]
Ids = Annotated[list[str], typer.Argument(help="One or more incidents: 142 or INC-142.")]
Note = Annotated[str, typer.Option("--note", help="Note for the timeline.")]
Yes = Annotated[bool, typer.Option("--yes", help="Skip the confirmation.")]
Source = Annotated[
    str, typer.Option(help="The source of the webhook, by its name under `sources`.")
]
Resource = Annotated[str, typer.Option(help="For Sentry: the Sentry-Hook-Resource header.")]

SEVERITIES = "P0 (most severe) to P3"

"""`alert-router publish`."""

from typing import Annotated

import typer

from router.cli.approval import approve, drafts
from router.cli.arguments import Id, Yes
from router.cli.client import Router, responder
from router.cli.output import fail


@responder
def publish(
    router: Router,
    incident: Id,
    text: Annotated[str, typer.Option("--text", help="Text instead of the draft.")] = "",
    title: Annotated[str, typer.Option("--title", help="Title instead of the draft's.")] = "",
    yes: Yes = False,
) -> None:
    """Publish an incident on the status page, after showing the text."""
    draft = drafts(router, incident).get("publish")
    if draft is None:
        fail("nothing to publish: the config has no `status_page`")
    approve(router, incident, draft, title, text, yes=yes)

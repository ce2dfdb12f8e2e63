"""`alert-router mail-customers`."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from router.cli.approval import approve, drafts
from router.cli.arguments import Id, Yes
from router.cli.client import Router, responder
from router.cli.output import fail

TEMPLATE = "customer-email"


@responder
def mail_customers(
    router: Router,
    incident: Id,
    text: Annotated[str, typer.Option("--text", help="Text instead of the draft.")] = "",
    subject: Annotated[str, typer.Option("--subject", help="Subject instead of the draft's.")] = "",
    yes: Yes = False,
) -> None:
    """Mail customers that an incident is resolved, after showing the mail. It is sent once."""
    found = drafts(router, incident)
    draft = found.get("announce")
    if draft is None:
        fail(_missing(found))
    approve(router, incident, draft, subject, text, yes=yes)


def _missing(found: Mapping[str, Any]) -> str:
    if any(draft["template"] == TEMPLATE for draft in found.values()):
        return "nobody to mail: the config has no `communication.customers`"
    return "nothing to mail yet: the incident is not resolved"

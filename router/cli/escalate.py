"""`alert-router escalate`."""

from router.cli.arguments import Ids, Note
from router.cli.client import Router, responder
from router.cli.incident_command import run_on_each


@responder
def escalate(router: Router, incidents: Ids, note: Note = "") -> None:
    """Take the next step of the policy now, so that somebody else is paged."""
    run_on_each(router, "escalate", incidents, {"text": note})

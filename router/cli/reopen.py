"""`alert-router reopen`."""

from router.cli.arguments import Ids, Note
from router.cli.client import Router, responder
from router.cli.incident_command import run_on_each


@responder
def reopen(router: Router, incidents: Ids, note: Note = "") -> None:
    """Reopen incidents that were closed too early. The policy continues."""
    run_on_each(router, "reopen", incidents, {"text": note})

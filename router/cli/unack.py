"""`alert-router unack`."""

from router.cli.arguments import Ids, Note
from router.cli.client import Router, responder
from router.cli.incident_command import run_on_each


@responder
def unack(router: Router, incidents: Ids, note: Note = "") -> None:
    """Withdraw an acknowledgement. The policy starts from its first step."""
    run_on_each(router, "unack", incidents, {"text": note})

"""`alert-router ack`."""

from router.cli.arguments import Ids, Note
from router.cli.client import Router, responder
from router.cli.incident_command import run_on_each


@responder
def ack(router: Router, incidents: Ids, note: Note = "") -> None:
    """Acknowledge incidents: you work on them, and escalation stops."""
    run_on_each(router, "ack", incidents, {"text": note})

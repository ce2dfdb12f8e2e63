"""Drafts of public texts, for a person to read and approve."""

from collections.abc import Mapping
from typing import Any

import typer

from router.cli.client import Router
from router.cli.incident_command import finish, run_command
from router.cli.output import echo

Draft = Mapping[str, Any]
"""A draft as the API shows it."""


def drafts(router: Router, incident: str) -> dict[str, Draft]:
    """The drafts of an incident, by the command that sends each, or by its template's name."""
    found = router.ask("GET", f"/incidents/{incident}/drafts")["drafts"]
    return {draft["approved_by"] or draft["template"]: draft for draft in found}


def approve(
    router: Router, incident: str, draft: Draft, title: str, text: str, *, yes: bool
) -> None:
    """Show a draft, ask for confirmation unless `yes`, and send exactly the text that was shown.

    The question states the number of people to mail. If there are more when it's answered, the
    router refuses.
    """
    title, text = title or draft["subject"], text or draft["text"]
    name, people = draft["approved_by"], draft.get("recipients", 0)
    echo(f"{title}\n\n{text}\n")
    if not yes:
        mail = f" and mail it to {people} {'person' if people == 1 else 'people'}" if people else ""
        typer.confirm(
            f"Publish this{mail}?" if name == "publish" else f"Send this{mail}?", abort=True
        )
    body = {"title": title, "text": text, "confirm": people}
    finish(run_command(router, name, incident, body))

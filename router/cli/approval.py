"""Drafts of texts to the public, which a person reads and approves."""

from collections.abc import Mapping
from typing import Any

import typer

from router.cli.client import Router
from router.cli.outcome import command, finish
from router.cli.output import echo

Draft = Mapping[str, Any]
"""A draft as the API shows it."""


def drafts(router: Router, incident: str) -> dict[str, Draft]:
    """The drafts of an incident, by the command that sends them, else by their template."""
    found = router.ask("GET", f"/incidents/{incident}/drafts")["drafts"]
    return {draft["approved_by"] or draft["template"]: draft for draft in found}


def approve(
    router: Router, incident: str, draft: Draft, title: str, text: str, *, yes: bool
) -> None:
    """Show the words, ask unless `yes`, and send exactly these words.

    The question names the number of people that are mailed, and the router refuses if it grew.
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
    finish(command(router, name, incident, body))

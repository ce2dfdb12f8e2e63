"""Drafts of texts to the public, which a person reads and approves."""

from collections.abc import Mapping
from typing import Any

import typer

from router.cli.client import Router
from router.cli.outcome import command, finish
from router.cli.output import echo


def drafts(router: Router, incident: str) -> dict[str, Any]:
    """The drafts of an incident, by the command that sends them, else by their template."""
    found = router.ask("GET", f"/incidents/{incident}/drafts")["drafts"]
    return {draft["approved_by"] or draft["template"]: draft for draft in found}


def approve(
    router: Router, name: str, incident: str, words: Mapping[str, Any], question: str | None
) -> None:
    """Show the words and send exactly these, after a yes to the question if there is one.

    `words["confirm"]` is the number of people who are mailed.
    """
    echo(f"{words['title']}\n\n{words['text']}\n")
    if count := words["confirm"]:
        echo(f"This mails {count} recipient{'' if count == 1 else 's'}.")
    if question:
        typer.confirm(question, abort=True)
    finish(command(router, name, incident, words))

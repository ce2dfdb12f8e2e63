"""What people tell others of an incident: `update`, `assign`; and the public, after a look,
`publish`, `announce`.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from router.cli.client import Url, ask
from router.cli.config import ConfigPath, fail
from router.cli.incidents import Id, command
from router.core.messages.templates import CUSTOMERS
from router.model.incident import OPEN

Text = Annotated[str, typer.Option("--text", help="Say this instead of the draft.")]
Title = Annotated[str, typer.Option("--title", help="Under this title instead.")]
Subject = Annotated[str, typer.Option("--subject", help="With this subject instead.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask: the text has been read.")]


def update(
    incident: Id,
    text: Annotated[str, typer.Argument(help="How it stands.")] = "",
    status: Annotated[str, typer.Option("--status", help=f"One of {', '.join(OPEN)}.")] = "",
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Say how an incident stands. With a new status, stakeholders are told."""
    if not (text or status):
        fail("say something, or give --status")
    if status:
        command("status", incident, {"status": status, "text": text}, config, url)
    else:
        command("note", incident, {"text": text}, config, url)


def assign(
    incident: Id,
    lead: Annotated[str, typer.Argument(help="Who leads it; without it, you.")] = "",
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Make somebody lead an incident. They're told."""
    command("assign", incident, {"text": lead}, config, url)


def publish(
    incident: Id,
    text: Text = "",
    title: Title = "",
    yes: Yes = False,
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Show what the status page would say, and publish it if you say so."""
    approve("publish", incident, title, text, yes=yes, config=config, url=url)


def announce(
    incident: Id,
    text: Text = "",
    subject: Subject = "",
    yes: Yes = False,
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Show the mail to customers that an incident is over, and send it if you say so.

    It's sent once.
    """
    approve("announce", incident, subject, text, yes=yes, config=config, url=url)


def approve(
    kind: str,
    incident: str,
    title: str,
    text: str,
    *,
    yes: bool,
    config: Path | None,
    url: str | None,
) -> None:
    """What is shown is what is sent."""
    found = ask("GET", f"/incidents/{incident}/drafts", url, config)["drafts"]
    draft: dict[str, Any] | None = next((one for one in found if one["approved_by"] == kind), None)
    if draft is None:
        fail(_nothing(kind, [one["template"] for one in found]))
    words = {"title": title or draft["subject"], "text": text or draft["text"]}
    typer.echo(f"{words['title']}\n\n{words['text']}\n")
    if not yes:
        typer.confirm(
            {"publish": "Publish this?", "announce": "Mail this to customers?"}[kind], abort=True
        )
    command(kind, incident, words, config, url)


def _nothing(kind: str, templates: list[str]) -> str:
    """Why there's nothing to approve."""
    if kind == "publish":
        return "the config has no status page to publish it on (`status_page`)"
    if CUSTOMERS in templates:
        return "the config has no customers to announce it to (`communication`)"
    return "there's nothing to announce yet: the incident isn't resolved"

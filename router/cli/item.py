"""`alert-router item`: the action items of an incident."""

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from router.cli.client import Url, ask
from router.cli.config import ConfigPath, console
from router.cli.incidents import Id

item = typer.Typer(help="The action items of an incident's post-mortem.", no_args_is_help=True)


@item.command()
def add(
    incident: Id,
    text: Annotated[str, typer.Argument(help="What is to be done.")],
    owner: Annotated[str, typer.Option("--owner", help="Who does it; without it, you.")] = "",
    due: Annotated[str, typer.Option("--due", help="A day, like 2026-12-01.")] = "",
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Add one."""
    body = {"text": text, "owner": owner or None, "due": due or None}
    _say(ask("POST", f"/incidents/{incident}/items", url, config, json=body))


@item.command("list")
def list_items(incident: Id, config: ConfigPath = None, url: Url = None) -> None:
    """List them."""
    found = ask("GET", f"/incidents/{incident}/items", url, config)["items"]
    table = Table("item", "state", "owner", "due (UTC)", "what", box=None)
    for one in found:
        state = "done" if one["done"] else Text("overdue", "red") if one["overdue"] else "open"
        due = one["due_at"][:16].replace("T", " ")
        table.add_row(str(one["number"]), state, Text(one["owner"]), due, Text(one["text"]))
    console().print(table if found else "no action items")


@item.command()
def done(
    incident: Id,
    number: Annotated[int, typer.Argument(help="As `list` shows it.")],
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Say that one is done."""
    _say(ask("POST", f"/incidents/{incident}/items/{number}", url, config, json={"done": True}))


def _say(answer: dict[str, Any]) -> None:
    one = answer["item"]
    typer.echo(
        f"{one['number']}. {one['text']} ({one['owner']}): {answer['outcome'].replace('_', ' ')}"
    )

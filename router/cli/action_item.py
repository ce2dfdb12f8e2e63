"""`alert-router action-item`: the action items of a post-mortem."""

from typing import Annotated, Any

import typer

from router.cli.arguments import Id
from router.cli.client import Router, responder, viewer
from router.cli.incident_command import finish, warn
from router.cli.output import Exit, console, echo
from router.cli.times import minute

action_item = typer.Typer(
    help="The action items of a post-mortem: add, list, done.", no_args_is_help=True
)


@action_item.command()
@responder
def add(
    router: Router,
    incident: Id,
    text: Annotated[str, typer.Argument(help="The task.")],
    owner: Annotated[str, typer.Option("--owner", help="Who does it. Default: you.")] = "",
    due: Annotated[str, typer.Option("--due", help="A day, such as 2026-12-01.")] = "",
) -> None:
    """Add an action item."""
    body = {"text": text, "owner": owner or None, "due": due or None}
    _report(router.ask("POST", f"/incidents/{incident}/items", json=body))


@action_item.command("list")
@viewer
def list_items(router: Router, incident: Id) -> None:
    """List the action items of an incident."""
    from rich.table import Table
    from rich.text import Text

    found = router.ask("GET", f"/incidents/{incident}/items")["items"]
    table = Table("item", "state", "owner", "due (UTC)", "what", box=None)
    for item in found:
        state = "done" if item["done"] else Text("overdue", "red") if item["overdue"] else "open"
        cells = (Text(item["owner"]), minute(item["due_at"]), Text(item["text"]))
        table.add_row(str(item["number"]), state, *cells)
    console().print(table if found else "no action items")


@action_item.command()
@responder
def done(
    router: Router,
    incident: Id,
    number: Annotated[int, typer.Argument(help="The number that `list` shows.")],
) -> None:
    """Mark an action item as done."""
    path = f"/incidents/{incident}/items/{number}"
    _report(router.ask("POST", path, json={"done": True}))


def _report(answer: dict[str, Any]) -> None:
    item, outcome = answer["item"], answer["outcome"]
    echo(f"{item['number']}. {item['text']} ({item['owner']}): {outcome.replace('_', ' ')}")
    warn(answer)
    finish(Exit.UNCHANGED if outcome.startswith("already") else Exit.DONE)

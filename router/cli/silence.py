"""`alert-router silence add`, `list` and `expire`: through the running router, which has them in
force at once.
"""

from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.table import Table
from rich.text import Text

from router.cli.client import Url, ask
from router.cli.config import ConfigPath, Json, console, say_json

silence = typer.Typer(help="Keep alerts quiet for a time.", no_args_is_help=True)

WHEN = "Such as '2026-12-24 09:00', by the company's clock, or with an offset."


@silence.command()
def add(
    match: Annotated[
        list[str], typer.Argument(help="Matchers, such as 'alertname=\"DiskFull\"': all must hold.")
    ],
    comment: Annotated[str, typer.Option(help="Why.", show_default=False)],
    for_: Annotated[
        str, typer.Option("--for", help="How long, such as 2h.", show_default=False)
    ] = "",
    to: Annotated[str, typer.Option(help=f"Until when. {WHEN}", show_default=False)] = "",
    from_: Annotated[
        str, typer.Option("--from", help="From when on; else now.", show_default=False)
    ] = "",
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Silence what the matchers take."""
    body = {"match": match, "comment": comment, "for": for_, "to": to, "from": from_}
    made = ask("POST", "/silences", url, config, json=body)["silence"]
    for why in made.get("warnings", []):
        typer.echo(f"warning: the silence mutes nothing: {why}", err=True)
    typer.echo(
        f"silence {made['id']} is {made['state']}, until {_time(made['end'])} UTC: {', '.join(made['match'])}"
    )


@silence.command(name="list")
def show(
    every: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    for_programs: Json = False,
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """List the silences that people have made, and those of the config."""
    found = ask("GET", "/silences", url, config, params={"expired": "true"} if every else {})
    if for_programs:
        say_json(found)
        return
    table = Table("silence", "state", "from (UTC)", "until (UTC)", "takes", "by", "why", box=None)
    for one in found["silences"]:
        _row(table, one["id"], one["state"], _time(one["start"]), _time(one["end"]), one, one["by"])
    for one in found["windows"]:
        state = "active" if one["until"] else "pending"
        _row(table, one["name"], state, "", _time(one["until"] or ""), one, "the config")
    console().print(table if table.row_count else "no silences")


@silence.command()
def expire(
    silence: Annotated[str, typer.Argument(help="As `silence list` shows it.", show_default=False)],
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """End a silence now. What still fires is heard of at once."""
    ended = ask("DELETE", f"/silences/{quote(silence, safe='')}", url, config)["silence"]
    typer.echo(f"silence {ended['id']} is over: {', '.join(ended['match'])}")


def _row(
    table: Table, name: str, state: str, start: str, end: str, one: dict[str, Any], by: str
) -> None:
    table.add_row(
        name, state, start, end, Text(", ".join(one["match"])), Text(by), Text(one["comment"])
    )


def _time(at: str) -> str:
    return at[:16].replace("T", " ")

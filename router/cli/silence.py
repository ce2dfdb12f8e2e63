"""`alert-router silence`: silences in the running router."""

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from router.cli.client import Router, responder, viewer
from router.cli.config import Json
from router.cli.output import console, echo, print_json
from router.cli.times import minute

if TYPE_CHECKING:
    from rich.table import Table

silence = typer.Typer(help="Mute alerts for a time: add, list, expire.", no_args_is_help=True)

WHEN = "Such as '2026-12-24 09:00', in the company's time zone, or with an offset."


@silence.command()
@responder
def add(
    router: Router,
    match: Annotated[
        list[str],
        typer.Argument(help="Matchers, such as 'alertname=\"DiskFull\"'. All of them must match."),
    ],
    comment: Annotated[str, typer.Option(help="Why.", show_default=False)],
    for_: Annotated[
        str, typer.Option("--for", help="How long, such as 2h.", show_default=False)
    ] = "",
    to: Annotated[str, typer.Option(help=f"The end. {WHEN}", show_default=False)] = "",
    from_: Annotated[
        str, typer.Option("--from", help="The start. Default: now.", show_default=False)
    ] = "",
) -> None:
    """Silence the alerts that match."""
    body = {"match": match, "comment": comment, "for": for_, "to": to, "from": from_}
    made = router.ask("POST", "/silences", json=body)["silence"]
    for why in made.get("warnings", ()):
        echo(f"warning: the silence mutes nothing: {why}", err=True)
    matchers = ", ".join(made["match"])
    echo(f"silence {made['id']} is {made['state']}, until {minute(made['end'])} UTC: {matchers}")


@silence.command(name="list")
@viewer
def show(
    router: Router,
    every: Annotated[bool, typer.Option("--all", help="Include expired silences.")] = False,
    for_programs: Json = False,
) -> None:
    """List the silences that people made and those of the config."""
    from rich.table import Table

    found = router.ask("GET", "/silences", params={"expired": "true"} if every else {})
    if for_programs:
        print_json(found)
        return
    columns = ("silence", "state", "from (UTC)", "until (UTC)", "matches", "by", "why")
    table = Table(*columns, box=None)
    for silence_ in found["silences"]:
        times = (minute(silence_["start"]), minute(silence_["end"]))
        _row(table, silence_["id"], silence_["state"], *times, silence_, silence_["by"])
    for window in found["windows"]:
        state = "active" if window["until"] else "pending"
        times = (minute(window["next_start"]), minute(window["until"] or window["next_end"]))
        _row(table, window["name"], state, *times, window, "the config")
    console().print(table if table.row_count else "no silences")


@silence.command()
@responder
def expire(
    router: Router,
    silence: Annotated[
        str, typer.Argument(help="The id that `silence list` shows.", show_default=False)
    ],
) -> None:
    """End a silence now. Alerts that still fire notify immediately."""
    ended = router.ask("DELETE", f"/silences/{quote(silence, safe='')}")["silence"]
    echo(f"silence {ended['id']} has ended: {', '.join(ended['match'])}")


def _row(
    table: "Table", name: str, state: str, start: str, end: str, silence_: dict[str, Any], by: str
) -> None:
    from rich.text import Text

    matchers, why = Text(", ".join(silence_["match"])), Text(silence_["comment"])
    table.add_row(name, state, start, end, matchers, Text(by), why)

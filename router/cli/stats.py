"""`alert-router stats`: how incidents went over a time."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from router.cli.client import Url, ask
from router.cli.config import ConfigPath, console
from router.core.text.units import duration


def stats(
    since: Annotated[str, typer.Option("--since", help="How far back: 7d, 12w.")] = "30d",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Tell how soon incidents were acknowledged and resolved, and whom they paged.

    Drills are left out.
    """
    found = ask("GET", "/stats", url, config, params={"since": since})
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    groups = [
        ("", {"all": found["total"]}),
        *((name, found[f"by_{name}"]) for name in ("severity", "rule", "week")),
    ]
    out = console()
    for name, group in groups:
        out.print(_times(name, group), "")
    pages = Table("who", "pages", "at night", box=None)
    for who, one in found["pages"].items():
        pages.add_row(Text(who), str(one["pages"]), str(one["night"]))
    out.print(pages if found["pages"] else "nobody was paged")


def _times(name: str, group: Mapping[str, Any]) -> Table:
    table = Table(name, "incidents", "acknowledged", "(median)", "resolved", "(median)", box=None)
    for one, times in group.items():
        took = [
            times[f"{what}_{how}"]
            for what in ("acknowledge", "resolve")
            for how in ("mean", "median")
        ]
        said = ["" if seconds is None else duration(seconds) for seconds in took]
        table.add_row(Text(one), str(times["incidents"]), *said)
    return table

"""`alert-router stats`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from router.cli.client import Router, viewer
from router.cli.config import Json
from router.cli.output import console, print_json

if TYPE_CHECKING:
    from rich.table import Table


@viewer
def stats(
    router: Router,
    since: Annotated[str, typer.Option("--since", help="Period, such as 7d or 12w.")] = "30d",
    for_programs: Json = False,
) -> None:
    """Show times to acknowledge and to resolve, and who was paged. Drills do not count."""
    from rich.table import Table
    from rich.text import Text

    found = router.ask("GET", "/stats", params={"since": since})
    if for_programs:
        print_json(found)
        return
    out = console()
    if not found["complete"]:
        out.print("Only the newest 20,000 incidents of this time were read.")
    out.print(_times("", {"all": found["total"]}), "")
    for name in ("severity", "service", "rule", "week"):
        out.print(_times(name, found[f"by_{name}"]), "")
    pages = Table("who", "pages", "at night", box=None)
    for who, count in found["pages"].items():
        pages.add_row(Text(who), str(count["pages"]), str(count["night"]))
    out.print(pages if found["pages"] else "nobody was paged")


def _times(name: str, group: Mapping[str, Any]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    from router.core.text.units import duration

    columns = ("incidents", "acknowledged", "(median)", "(90 %)", "resolved", "(median)", "(90 %)")
    table = Table(name, *columns, box=None)
    hows = ("mean", "median", "p90")
    kinds = [f"{what}_{how}" for what in ("acknowledge", "resolve") for how in hows]
    for row, times in group.items():
        seconds = [times[kind] for kind in kinds]
        cells = ["" if took is None else duration(took) for took in seconds]
        table.add_row(Text(row or "none"), str(times["incidents"]), *cells)
    return table

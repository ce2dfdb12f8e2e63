"""`alert-router reasons`."""

from typing import Annotated

import typer

from router.cli.config import Json
from router.cli.output import console, fail, print_json


def reasons(
    word: Annotated[str, typer.Argument(help="Only names with this text.")] = "",
    for_programs: Json = False,
) -> None:
    """Show what the reasons on timelines and in `explain` mean."""
    from rich.table import Table
    from rich.text import Text

    from router.model.reason import Reason
    from router.model.reasons import row

    found = {each.value: row(each).means for each in Reason if word in each.value}
    if not found:
        fail(f"no reason has {word!r} in its name")
    if for_programs:
        print_json(found)
        return
    table = Table("reason", "means", box=None)
    for name, means in found.items():
        table.add_row(name, Text(means))
    console().print(table)

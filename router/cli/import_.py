"""`alert-router import`."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli.import_files import Imported, texts
from router.cli.output import Exit, console, echo, fail

if TYPE_CHECKING:
    from rich.table import Table

    from router.config.load import Config
    from router.importers.alertmanager.config import Converted
    from router.importers.pagers.compare import Row
    from router.importers.pagers.model import Setup

MOST_SHOWN = 5
ALERTMANAGER = "alertmanager"


def import_(
    export: Annotated[
        list[str],
        typer.Argument(
            metavar="[TOOL] FILE...",
            help="An alertmanager.yml; or opsgenie, pagerduty, oncall or goalert, and the files or "
            "folders of its export: answers of its API, or Terraform.",
            show_default=False,
        ),
    ],
    into: Annotated[
        Path | None,
        typer.Option(help="Folder for the config. Nothing is overwritten.", show_default=False),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            help="For Alertmanager: compare the routing of these labels, too, such as a=b,c=d."
        ),
    ] = None,
) -> None:
    """Convert the config of another tool, and report what could not be converted.

    Without --into only the report is shown.
    """
    from router.importers.pagers.convert import PAGERS

    tool, *files = export if export[0] in {*PAGERS, ALERTMANAGER} else [ALERTMANAGER, *export]
    if not files:
        fail(f"give the files of the export: alert-router import {tool} FILE...")
    read = texts([Path(file) for file in files])
    if tool == ALERTMANAGER:
        imported, same = _alertmanager(read, labels or [])
    else:
        imported, same = _pager(tool, read)
    if into:
        imported.write(into)
        echo(f"wrote {into}: alert-router check --config {into / 'config.yaml'}")
    if not same:
        raise typer.Exit(Exit.FAILED)


# --- Alertmanager


def _alertmanager(read: dict[str, str], labels: list[str]) -> tuple[Imported, bool]:
    from router.config.located import Invalid
    from router.importers.alertmanager.config import convert

    if len(read) != 1:
        fail(f"expected one alertmanager.yml, found {', '.join(read)}")
    ((file, text),) = read.items()
    try:
        converted = convert(text, file)
    except Invalid as error:
        fail(str(error))
    imported = Imported(converted.written, converted.report.lines, Path(file).parent)
    echo("\n".join(converted.report.lines))
    return imported, _compare(converted, imported.config, labels)


def _compare(converted: "Converted", checked: "Config", given: list[str]) -> bool:
    """Compare the rules with `amtool config routes test`. True unless they differ."""
    from router.cli.amtool import decided, differences, parse_labels
    from router.importers.alertmanager.corpus import label_sets, skeleton, untried

    amtool = shutil.which("amtool")
    if amtool is None:
        echo("routing was not compared: amtool is not in PATH")
        return True
    try:
        sets = [*map(parse_labels, given), *label_sets(converted.root)]
        wanted = decided(amtool, skeleton(converted.root), sets)
    except ValueError as error:
        echo(f"routing was not compared: {error}")
        return not given
    different = differences(checked.settings, converted.channels, sets, wanted)
    for line in different[:MOST_SHOWN]:
        echo(line, err=True)
    for place in untried(converted.root, sets):
        echo(f"{place}: no labels were found that match this route, so it was not compared")
    echo(f"routing: {len(sets)} label sets compared with amtool, {len(different)} differ")
    return not different


# --- pagers


def _pager(tool: str, read: dict[str, str]) -> tuple[Imported, bool]:
    from datetime import UTC, datetime

    from router.config.located import Invalid
    from router.importers.pagers.convert import convert
    from router.ports.clock import SystemClock

    try:
        converted = convert(tool, read, datetime.fromtimestamp(SystemClock().now(), UTC))
    except (Invalid, ImportError) as error:
        fail(str(error))
    imported = Imported(converted.written, converted.report.lines, Path())
    echo("\n".join(converted.report.lines))
    setup = converted.setup
    echo(
        f"{tool}: contacts: {len({person.key for person in setup.people.values()})}, "
        f"schedules: {len(setup.rotas)}, policies: {len(setup.policies)}"
    )
    return imported, _side_by_side(tool, setup, imported.config)


def _side_by_side(tool: str, setup: "Setup", checked: "Config") -> bool:
    """Show who is on call in the old tool and here. True unless they differ."""
    from router.importers.pagers.compare import rows

    schedules = checked.settings.people.schedules
    same = True
    for old in dict.fromkeys(setup.schedules.values()):
        shifts = rows(old, schedules)
        if not shifts:
            echo(f"{old.name}: not compared, since the export has no shifts of this schedule")
            continue
        different = sum(not row.same for row in shifts)
        same = same and not different
        zone = schedules[old.rotas[0].key].time_zone if old.rotas else "UTC"
        console().print(_table(tool, shifts, zone))
        echo(f"{old.name}: shifts compared: {len(shifts)}, different: {different}")
    return same


def _table(tool: str, shifts: "Sequence[Row]", zone: str) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table("from", "until", tool, "here", "", box=None)
    for row in shifts:
        mark = Text("" if row.same else "differs", "bold red")
        edges = (_clock(edge, zone) for edge in (row.start, row.end))
        table.add_row(*edges, *(", ".join(who) or "nobody" for who in (row.old, row.new)), mark)
    return table


def _clock(at: float, zone: str) -> str:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return f"{datetime.fromtimestamp(at, ZoneInfo(zone)):%a %Y-%m-%d %H:%M %Z}"

"""`alert-router status`: announces maintenance on the status page, and writes the page as files."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from router.cli.client import Url, ask
from router.cli.config import ConfigPath, Json, config_at, console, fail, path_of, say_json
from router.config.fields import parse_duration
from router.ports.clock import SystemClock
from router.ports.errors import StoreUnavailable
from router.store import open_store
from router.web.statuspage.board import read_page
from router.web.statuspage.documents import documents
from router.web.statuspage.export import write

status = typer.Typer(
    help="The public status page: its maintenance, and a copy as files.", no_args_is_help=True
)
maintenance = typer.Typer(help="Maintenance that the status page announces.", no_args_is_help=True)
status.add_typer(maintenance, name="maintenance")

PATH = "/status/maintenance"


@maintenance.command("add")
def add(
    title: Annotated[str, typer.Argument(help="What customers read.")],
    start: Annotated[
        str, typer.Option("--start", help="In UTC: 2026-11-25T22:00, or with an offset.")
    ],
    length: Annotated[str, typer.Option("--for", help="How long, like 1h30m.")],
    text: Annotated[str, typer.Option("--text", help="More of it, in a sentence or two.")] = "",
    component: Annotated[
        list[str] | None, typer.Option("--component", help="Repeat it for several.")
    ] = None,
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Announce maintenance."""
    begin, end = _window(start, length)
    asked = {
        "title": title,
        "text": text,
        "components": component or [],
        "starts_at": begin,
        "ends_at": end,
    }
    one = ask("POST", PATH, url, config, json=asked)["maintenance"]
    typer.echo(
        f"{one['id']}: '{one['title']}' is announced from {one['starts_at']} to {one['ends_at']}"
    )


@maintenance.command("list")
def list_(for_programs: Json = False, config: ConfigPath = None, url: Url = None) -> None:
    """List what was announced, the latest first."""
    found = ask("GET", PATH, url, config)["maintenance"]
    if for_programs:
        say_json(found)
        return
    table = Table("id", "from (UTC)", "to (UTC)", "components", "title", box=None)
    for one in found:
        times = [one[name][:16].replace("T", " ") for name in ("starts_at", "ends_at")]
        table.add_row(one["id"], *times, ", ".join(one["components"]), Text(one["title"]))
    console().print(table if found else "no maintenance was announced")


@maintenance.command("end")
def end(
    number: Annotated[str, typer.Argument(help="Its id, as `list` shows it.", metavar="ID")],
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """End maintenance now, or call it off before it begins."""
    one = ask("POST", f"{PATH}/{number}/end", url, config)["maintenance"]
    typer.echo(f"'{one['title']}' is over")


@status.command("export")
def export(
    folder: Annotated[
        Path, typer.Argument(help="Where the files go; it's made if it isn't there.", metavar="DIR")
    ],
    config: ConfigPath = None,
) -> None:
    """Write the page as static files for any host.

    The router needn't run; it reads the store itself.
    """
    try:
        count = asyncio.run(_export(folder, path_of(config)))
    except (StoreUnavailable, OSError, ValueError) as error:
        fail(f"can't export: {error}")
    typer.echo(f"wrote {count} files to {folder}")


async def _export(folder: Path, path: Path) -> int:
    config = config_at(path)
    if config.status_plan is None:
        fail("the config has no status_page")
    store = await open_store(config.document.storage.reveal())
    try:
        page = await read_page(store, config.status_plan, SystemClock().now())
    finally:
        await store.close()
    found = documents(page, subscribe=False)
    write(found, folder)
    return len(found)


def _window(start: str, length: str) -> tuple[str, str]:
    """Both as RFC 3339. Exits with what is wrong."""
    try:
        begin = datetime.fromisoformat(start)
        took = timedelta(seconds=parse_duration(length))
    except ValueError as error:
        fail(str(error))
    begin = begin if begin.tzinfo else begin.replace(tzinfo=UTC)
    return begin.isoformat(), (begin + took).isoformat()

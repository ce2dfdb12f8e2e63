"""`alert-router statuspage`: maintenance on the status page, and the page as files."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from router.cli.arguments import Yes
from router.cli.client import Router, responder, viewer
from router.cli.config import ConfigPath, Json, config_at, path_of
from router.cli.output import console, echo, fail, print_json
from router.cli.times import minute

statuspage = typer.Typer(
    help="The public status page: announce maintenance, export as files.", no_args_is_help=True
)
maintenance = typer.Typer(help="Announced maintenance: add, list, end.", no_args_is_help=True)
statuspage.add_typer(maintenance, name="maintenance")

PATH = "/status/maintenance"


@maintenance.command("add")
@responder
def add(
    router: Router,
    title: Annotated[str, typer.Argument(help="Title that customers read.")],
    start: Annotated[
        str,
        typer.Option(
            "--start", help="By the company's clock, such as 2026-11-25T22:00, or with an offset."
        ),
    ],
    length: Annotated[str, typer.Option("--for", help="How long, such as 1h30m.")],
    text: Annotated[str, typer.Option("--text", help="One or two sentences of detail.")] = "",
    component: Annotated[
        list[str] | None, typer.Option("--component", help="Affected component. May be repeated.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Announce maintenance and mail it to subscribers, after a confirmation."""
    asked: dict[str, Any] = {
        "title": title,
        "text": text,
        "components": component or [],
        "starts_at": start if ":" in start else f"{start} 00:00",
        "for": length,
        "confirm": router.ask("GET", PATH)["recipients"],
    }
    if asked["confirm"] and not yes:
        echo(f"{title}\n\n{text}\n")
        typer.confirm(f"Announce this, and mail {asked['confirm']} recipients?", abort=True)
    made = router.ask("POST", PATH, json=asked)["maintenance"]
    window = f"from {made['starts_at']} to {made['ends_at']}"
    echo(f"{made['id']}: '{made['title']}' is announced {window}")


@maintenance.command("list")
@viewer
def list_(router: Router, for_programs: Json = False) -> None:
    """List announced maintenance, the latest first."""
    from rich.table import Table
    from rich.text import Text

    found = router.ask("GET", PATH)["maintenance"]
    if for_programs:
        print_json(found)
        return
    table = Table("id", "from (UTC)", "to (UTC)", "components", "title", box=None)
    for maintenance in found:
        times = (minute(maintenance["starts_at"]), minute(maintenance["ends_at"]))
        table.add_row(
            maintenance["id"],
            *times,
            ", ".join(maintenance["components"]),
            Text(maintenance["title"]),
        )
    console().print(table if found else "no maintenance is announced")


@maintenance.command("end")
@responder
def end(
    router: Router,
    number: Annotated[str, typer.Argument(help="The id that `list` shows.", metavar="ID")],
    yes: Yes = False,
) -> None:
    """End maintenance, or cancel it before it starts, and mail subscribers, once confirmed."""
    mailed = router.ask("GET", PATH)["recipients"]
    if mailed and not yes:
        typer.confirm(f"End {number}, and mail {mailed} recipients?", abort=True)
    ended = router.ask("POST", f"{PATH}/{number}/end", json={"confirm": mailed})["maintenance"]
    echo(f"'{ended['title']}' has ended")


@statuspage.command("export")
def export(
    folder: Annotated[
        Path, typer.Argument(help="Folder for the files. Created if missing.", metavar="DIR")
    ],
    config: ConfigPath = None,
) -> None:
    """Write the status page as static files for any host.

    Reads the store itself, so no router has to run.
    """
    from router.ports.errors import StoreUnavailable

    try:
        count = asyncio.run(_export(folder, path_of(config)))
    except (StoreUnavailable, OSError, ValueError) as error:
        fail(f"can't export the status page to {folder}: {error}")
    echo(f"wrote {count} files to {folder}")


async def _export(folder: Path, path: Path) -> int:
    from router.ports.clock import SystemClock
    from router.store import open_store
    from router.web.statuspage.documents import documents
    from router.web.statuspage.export import write
    from router.web.statuspage.page_cache import read_page

    config = config_at(path)
    if config.status_plan is None:
        fail("nothing to export: the config has no `status_page`")
    store = await open_store(config.file.storage.reveal())
    try:
        page = await read_page(store, config.status_plan, SystemClock().now())
    finally:
        await store.close()
    found = documents(page, subscribe=False)
    write(found, folder)
    return len(found)

"""`alert-router incidents`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from router.cli.client import Router, viewer
from router.cli.config import Json
from router.cli.output import console, echo, print_json
from router.cli.times import second

if TYPE_CHECKING:
    from rich.table import Table

PAGE = 1000
"""Incidents per request, the API's maximum."""

STYLES = {"P0": "bold red", "P1": "red", "P2": "yellow", "P3": "dim"}


@viewer
def incidents(
    router: Router,
    incident: Annotated[
        str, typer.Argument(help="Show only this incident, with its timeline and messages.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Include closed incidents.")] = False,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=0, help="Show only the newest; 0 shows all.")
    ] = 0,
    for_programs: Json = False,
) -> None:
    """List the open incidents, or show one."""
    if incident:
        answer = router.ask("GET", f"/incidents/{incident}")
        print_json(answer) if for_programs else _show(answer)
        return
    found, total = _listed(router, {} if every else {"open": "true"}, limit)
    if for_programs:
        print_json(found)
    elif found:
        console().print(_table(found))
        echo(f"\n{_total(len(found), total, every=every)}")
    else:
        echo("no incidents" if every else "no open incidents")


def _listed(
    router: Router, query: Mapping[str, str], limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """The incidents, newest first, and their total, if the router reports it.

    Requests page after page. Older routers return neither a total nor a link to the next page; then
    the next page starts after the last incident of a full page.
    """
    found: list[dict[str, Any]] = []
    before: object = 0
    while True:
        size = min(PAGE, limit - len(found)) if limit else PAGE
        page = {"limit": size} | ({"before": before} if before else {})
        answer = router.ask("GET", "/incidents", params={**query, **page})
        some = answer["incidents"]
        found += some
        following = some[-1]["id"] if len(some) == size else None
        before = answer.get("next", following)
        if not before or not some or len(found) == limit:
            total = len(found) if not before else None
            return found, answer.get("total", total)


def _total(shown: int, total: int | None, *, every: bool) -> str:
    kind = "incident" if every else "open incident"
    if total is None:
        return f"the newest {shown} {kind}s; there are more"
    counted = f"{total} {kind}{'' if total == 1 else 's'}"
    return counted if shown == total else f"{shown} of {counted}"


def _table(found: list[dict[str, Any]]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    columns = ("incident", "severity", "status", "title", "opened (UTC)", "alerts", "lead")
    table = Table(*columns, box=None)
    for row in found:
        table.add_row(
            row["name"],
            Text(row["severity"], STYLES[row["severity"]]),
            f"{row['status']}{', flapping' if row.get('flapping_since') else ''}",
            Text(row["title"]),
            second(row["opened_at"]),
            f"{row['firing']} of {row['alerts']}",
            Text(row["lead"] or ""),
        )
    return table


def _show(shown: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    options: dict[str, Any] = {"box": None, "title_justify": "left"}
    timeline = Table("time (UTC)", "what", "by", title="timeline", **options)
    for entry in shown["timeline"]:
        timeline.add_row(second(entry["at"]), Text(entry["text"]), Text(entry["by"] or ""))
    columns = ("channel", "state", "sent", "attempts", "error")
    messages = Table(*columns, title="messages", **options)
    for message in shown["notifications"]:
        counts = (str(message["sent"]), str(message["attempts"]))
        error = Text(message["error"] or "")
        messages.add_row(message["channel"], message["state"], *counts, error)
    out = console()
    out.print(_table([shown]))
    if roles := shown.get("roles"):
        out.print(Text("\nroles: " + ", ".join(f"{role} {roles[role]}" for role in roles)))
    out.print(timeline, messages, sep="\n\n")

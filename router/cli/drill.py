"""`alert-router drill`: held on the running router, by its API."""

import os
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from router.app import TYPES
from router.cli.client import Url, ask
from router.cli.config import ConfigPath, Json, config_at, console, fail, path_of, say_json
from router.config.drills import load_scenario
from router.config.located import Invalid

drill = typer.Typer(
    help="Hold drills: incidents that aren't real, through the real channels.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The drill's id.")]


@drill.command()
def start(
    scenario: Annotated[
        str, typer.Argument(help="A scenario of the config by its name, or a file of one.")
    ],
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Start a drill. It ends by itself, and resolves its incidents."""
    path = Path(scenario)
    asked = (
        {"plan": _plan(path, config)} if path.suffix or path.exists() else {"scenario": scenario}
    )
    _print(ask("POST", "/drills", url, config, json=asked))


@drill.command("list")
def list_drills(for_programs: Json = False, config: ConfigPath = None, url: Url = None) -> None:
    """The drills and canaries that were held, and the scenarios there are."""
    found = ask("GET", "/drills", url, config)
    if for_programs:
        say_json(found)
        return
    held = Table("drill", "by", "started (UTC)", "ended (UTC)", "how", box=None)
    for one in found["drills"]:
        held.add_row(
            one["id"], Text(one["by"] or "the schedule"), _time(one["started_at"]), _time(one["ended_at"]),
            (one["ending"] or "running").replace("_", " "),
        )  # fmt: skip
    scenarios = Table("scenario", "steps", "what", box=None)
    for one in found["scenarios"]:
        scenarios.add_row(one["name"], str(one["steps"]), Text(one["description"]))
    out = console()
    out.print(held if found["drills"] else "no drill has been held")
    out.print(
        "",
        scenarios
        if found["scenarios"]
        else "no scenario is configured: name files under `drills.scenarios`",
    )


@drill.command()
def show(
    name: Name, for_programs: Json = False, config: ConfigPath = None, url: Url = None
) -> None:
    """How a drill's steps stand, and what there is to tick off."""
    one = ask("GET", f"/drills/{name}", url, config)
    say_json(one) if for_programs else _print(one)


@drill.command()
def report(name: Name, config: ConfigPath = None, url: Url = None) -> None:
    """The report of a drill, as Markdown."""
    typer.echo(ask("GET", f"/drills/{name}", url, config)["report"], nl=False)


@drill.command()
def tick(
    name: Name,
    step: Annotated[int, typer.Argument(help="The step's number.")],
    item: Annotated[int, typer.Argument(help="The item's number in it.")] = 1,
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Tick off what you have done, looked at or reviewed."""
    _print(ask("POST", f"/drills/{name}/tick", url, config, json={"step": step, "item": item}))


@drill.command()
def stop(name: Name, config: ConfigPath = None, url: Url = None) -> None:
    """End a drill now, and resolve its incidents."""
    _print(ask("POST", f"/drills/{name}/stop", url, config))


@drill.command()
def schedule(config: ConfigPath = None, url: Url = None) -> None:
    """When the regular drill was last held, and when the next one is due."""
    found = ask("GET", "/drills", url, config)["schedule"]
    if found is None:
        fail("no drill is held regularly: give `drills.scenario` in the config")
    last = f"last held {_time(found['last'])}" if found["last"] else "never held"
    overdue = " (overdue)" if found["overdue"] else ""
    console().print(Text(f"{found['scenario']}: {last}, due {_time(found['due'])}{overdue}"))


@drill.command()
def canary(
    to: Annotated[
        list[str] | None,
        typer.Argument(help="Channels, and people as contact:NAME; all channels if none is given."),
    ] = None,
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Send a small message that proves that channels, or the ways to a person, work."""
    _print(ask("POST", "/drills/canary", url, config, json={"to": to or []}))


@drill.command()
def scoreboard(for_programs: Json = False, config: ConfigPath = None, url: Url = None) -> None:
    """Which channels and ways to people are proven to work, and since when.

    Exits with 1 if some aren't.
    """
    found = ask("GET", "/drills/scoreboard", url, config)
    say_json(found) if for_programs else _print_board(found["addresses"])
    if found["unproven"]:
        raise typer.Exit(1)


def _print_board(addresses: list[dict[str, Any]]) -> None:
    shown = Table("address", "last proven (UTC)", "this quarter", box=None)
    for one in addresses:
        proven = "proven" if one["proven"] else "UNPROVEN"
        shown.add_row(Text(one["address"]), _time(one["proven_at"]) or "never", proven)
    console().print(shown)


def _plan(path: Path, config: Path | None) -> Any:
    """The scenario in the file, as JSON has it. Exits with every problem it has."""
    found = config_at(path_of(config))
    document = found.document
    names = {
        "contacts": [*document.contacts],
        "roles": [*document.roles],
        "schedules": [*document.schedules],
        "channels": [*document.channels],
        "actions": [*document.actions],
        "sources": [*found.sources],
    }
    try:
        return msgspec.to_builtins(load_scenario(path, TYPES.hooks, os.environ, names))
    except Invalid as error:
        fail(str(error))


def _print(one: dict[str, Any]) -> None:
    out = console()
    by = f" by {one['by']}" if one["by"] else ""
    how = (
        one["ending"].replace("_", " ")
        if one["ending"]
        else f"running, until {_time(one['ends_by'])} at the latest"
    )
    out.print(Text(f"{one['id']}: started {_time(one['started_at'])}{by}; {how}"))
    if one["incidents"]:
        out.print(Text(f"incidents: {', '.join(one['incidents'])}"))
    for step in one["steps"]:
        done = (
            f" ({_time(step['at'])}{' by ' + step['by'] if step['by'] else ''})"
            if step["at"]
            else ""
        )
        out.print(Text(f"  {step['number']}. {step['name']}: {step['state']}{done}"))
        for item in step["items"]:
            out.print(Text(f"     [{'x' if item['by'] else ' '}] {item['number']}. {item['text']}"))


def _time(text: str | None) -> str:
    return text[:19].replace("T", " ") if text else ""

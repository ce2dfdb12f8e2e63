"""`alert-router drill`: drills on the running router."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from router.cli import channels
from router.cli.client import Router, responder, viewer
from router.cli.config import Json, path_of
from router.cli.output import console, echo, fail, print_json
from router.cli.times import second

if TYPE_CHECKING:
    from rich.table import Table

drill = typer.Typer(
    help="Drills: simulated incidents that go through the real channels.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The id of the drill.")]


@drill.command()
@responder
def start(
    router: Router,
    scenario: Annotated[
        str, typer.Argument(help="Name of a scenario in the config, or a scenario file.")
    ],
) -> None:
    """Start a drill. It ends automatically and resolves its incidents."""
    path = Path(scenario)
    is_file = path.suffix or path.exists()
    asked = {"plan": _plan(path, router.config)} if is_file else {"scenario": scenario}
    _print(router.ask("POST", "/drills", json=asked))


@drill.command("list")
@viewer
def list_drills(router: Router, for_programs: Json = False) -> None:
    """List the drills that took place, and the scenarios that can be started."""
    found = router.ask("GET", "/drills")
    if for_programs:
        print_json(found)
        return
    out = console()
    out.print(_drills(found["drills"]) if found["drills"] else "no drill has taken place")
    none = "no scenario is configured: name files under `drills.scenarios`"
    out.print("", _scenarios(found["scenarios"]) if found["scenarios"] else none)


@drill.command()
@viewer
def show(router: Router, name: Name, for_programs: Json = False) -> None:
    """Show the steps of a drill and its checklists."""
    found = router.ask("GET", f"/drills/{name}")
    print_json(found) if for_programs else _print(found)


@drill.command()
@viewer
def report(router: Router, name: Name) -> None:
    """Print the report of a drill as Markdown."""
    echo(router.ask("GET", f"/drills/{name}")["report"], nl=False)


@drill.command()
@responder
def tick(
    router: Router,
    name: Name,
    step: Annotated[int, typer.Argument(help="The number of the step.")],
    item: Annotated[int, typer.Argument(help="The number of the item in the step.")] = 1,
) -> None:
    """Tick off an item of a checklist."""
    _print(router.ask("POST", f"/drills/{name}/tick", json={"step": step, "item": item}))


@drill.command()
@responder
def stop(router: Router, name: Name) -> None:
    """End a drill now and resolve its incidents."""
    _print(router.ask("POST", f"/drills/{name}/stop"))


@drill.command()
@viewer
def schedule(router: Router) -> None:
    """Show when the regular drill last took place and when it is next due."""
    found = router.ask("GET", "/drills")["schedule"]
    if found is None:
        fail("no regular drill is configured: set `drills.scenario`")
    last = f"last on {second(found['last'])}" if found["last"] else "never held"
    overdue = " (overdue)" if found["overdue"] else ""
    echo(f"{found['scenario']}: {last}, due {second(found['due'])}{overdue}")


@drill.command(hidden=True)
@responder
def canary(
    router: Router,
    to: Annotated[list[str] | None, typer.Argument(help="Channels and contacts.")] = None,
) -> None:
    """Send a test message: the former name of `channels test`."""
    channels.send(router, to or [], None)


@drill.command(hidden=True)
@viewer
def scoreboard(router: Router, for_programs: Json = False) -> None:
    """Show which channels are proven to work: the former name of `channels`."""
    channels.show_proven(router, for_programs=for_programs)


def _plan(path: Path, config: Path | None) -> Any:
    """The scenario in a file, as JSON. Exits with every error in it."""
    import msgspec

    from router.app import TYPES
    from router.config.drills import load_scenario
    from router.config.located import Invalid

    try:
        plan = load_scenario(path, TYPES.hooks, os.environ, _names(path_of(config)))
    except Invalid as error:
        fail(str(error))
    return msgspec.to_builtins(plan)


def _names(config: Path) -> dict[str, list[str]]:
    """The names that a scenario may use, read without the config's secrets."""
    import yaml

    kinds = ("contacts", "roles", "schedules", "channels", "actions", "sources")
    try:
        found = yaml.load(config.read_text("utf-8-sig"), yaml.BaseLoader)  # noqa: S506
        return {kind: [*(found.get(kind) or {})] for kind in kinds}
    except (AttributeError, TypeError, ValueError, yaml.YAMLError):
        fail(f"can't read {config}: run alert-router check")


# --- output


def _drills(found: list[dict[str, Any]]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table("drill", "by", "started (UTC)", "ended (UTC)", "result", box=None)
    for drill in found:
        times = (second(drill["started_at"]), second(drill["ended_at"]))
        result = (drill["ending"] or "running").replace("_", " ")
        table.add_row(drill["id"], Text(drill["by"] or "the schedule"), *times, result)
    return table


def _scenarios(found: list[dict[str, Any]]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table("scenario", "steps", "what", box=None)
    for finding in found:
        table.add_row(finding["name"], str(finding["steps"]), Text(finding["description"]))
    return table


def _print(drill: dict[str, Any]) -> None:
    by = f" by {drill['by']}" if drill["by"] else ""
    running = f"running, ends by {second(drill['ends_by'])}"
    state = drill["ending"].replace("_", " ") if drill["ending"] else running
    echo(f"{drill['id']}: started {second(drill['started_at'])}{by}; {state}")
    if drill["incidents"]:
        echo(f"incidents: {', '.join(drill['incidents'])}")
    for step in drill["steps"]:
        by = f" by {step['by']}" if step["by"] else ""
        done = f" ({second(step['at'])}{by})" if step["at"] else ""
        echo(f"  {step['number']}. {step['name']}: {step['state']}{done}")
        for item in step["items"]:
            mark = "x" if item["by"] else " "
            echo(f"     [{mark}] {item['number']}. {item['text']}")

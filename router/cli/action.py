"""`alert-router action`: what may be run against an incident, asked for, approved and watched."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from router.cli.client import Url, ask
from router.cli.config import ConfigPath, Json, console, fail, say_json
from router.cli.incidents import Id

action = typer.Typer(help="Run what may be done against an incident.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(help="The request's number.")]


@action.command("list")
def list_actions(
    incident: Id, for_programs: Json = False, config: ConfigPath = None, url: Url = None
) -> None:
    """What may be asked for, and what was."""
    found = ask("GET", f"/incidents/{incident}/actions", url, config)
    if for_programs:
        say_json(found)
        return
    offered = Table("action", "parameters", "approval", "dry run", "undo", "what", box=None)
    for one in found["offered"]:
        given = ", ".join(
            f"{name}={_values(parameter)}" for name, parameter in one["parameters"].items()
        )
        offered.add_row(
            one["action"], Text(given), one["approval"], *map(_yes, (one["dry_run"], one["undo"])),
            Text(one["description"]),
        )  # fmt: skip
    requests = Table(
        "request", "action", "state", "asked for by", "approved by", "until (UTC)", box=None
    )
    for one in found["requests"]:
        until = (
            one["until"][:19].replace("T", " ")
            if one["state"] in ("checking", "ready", "running")
            else ""
        )
        requests.add_row(
            f"#{one['number']}", Text(_named(one)), one["state"], Text(one["requested_by"]),
            Text(one["approved_by"] or ""), until,
        )  # fmt: skip
    out = console()
    out.print(
        offered
        if found["offered"]
        else "no action is offered: name some under `actions` of the incident's rule"
    )
    if found["requests"]:
        out.print("", requests)


@action.command()
def request(
    incident: Id,
    name: Annotated[str, typer.Argument(help="The action.")] = "",
    parameters: Annotated[
        list[str] | None, typer.Argument(help="Its parameters: NAME=VALUE …")
    ] = None,
    undo: Annotated[
        int,
        typer.Option(
            "--undo", help="Take this request back, instead of an action.", show_default=False
        ),
    ] = 0,
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Ask for an action. Nothing is run but its dry run, until it's approved."""
    given = dict(one.partition("=")[::2] for one in parameters or ())
    body = {"undo": undo} if undo else {"action": name, "parameters": given}
    _said(ask("POST", f"/incidents/{incident}/actions", url, config, json=body))


@action.command()
def show(
    incident: Id,
    number: Number,
    for_programs: Json = False,
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """A request: what would be run, and what its dry run and its run said."""
    one = ask("GET", f"/incidents/{incident}/actions/{number}", url, config)
    say_json(one) if for_programs else _print(one)


@action.command()
def approve(incident: Id, number: Number, config: ConfigPath = None, url: Url = None) -> None:
    """Approve a request: it's run now, once."""
    _answer(f"{incident}/actions/{number}/approve", "", config, url)


@action.command()
def decline(
    incident: Id,
    number: Number,
    note: Annotated[str, typer.Option("--note", help="Goes on the timeline.")] = "",
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Decline a request: it isn't run."""
    _answer(f"{incident}/actions/{number}/decline", note, config, url)


@action.command()
def confirm(
    incident: Id,
    number: Number,
    words: Annotated[str, typer.Argument(help="What the step says to type.")],
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Type the words that say that you have done a guide's next step."""
    _answer(f"{incident}/actions/{number}/confirm", words, config, url)


def _answer(path: str, text: str, config: Path | None, url: str | None) -> None:
    _said(ask("POST", f"/incidents/{path}", url, config, json={"text": text}))


def _said(answered: dict[str, Any]) -> None:
    """Exits with 1 if the step wasn't taken."""
    if answered["request"]:
        _print(answered["request"])
    if answered["why"]:
        fail(f"{answered['outcome'].replace('_', ' ')}: {answered['why']}")


def _print(one: dict[str, Any]) -> None:
    out = console()
    by = f", approved by {one['approved_by']}" if one["approved_by"] else ""
    out.print(
        Text(
            f"#{one['number']} {_named(one)}: {one['state']}; asked for by {one['requested_by']}{by}"
        )
    )
    for line in one["shown"]:
        out.print(Text(f"  would run: {line}" if not one["approved_by"] else f"  run: {line}"))
    if step := one["step"]:
        out.print(Text(f"step {step['number']} of {step['of']}: {step['do']}"))
        if step["confirm"]:
            out.print(Text(f"  then type: {step['confirm']}"))
    for said in one["outputs"]:
        out.print(Text(f"{said['at'][:19].replace('T', ' ')} {said['what'].replace('_', ' ')}"))
        if said["output"]:
            out.print(Text("  " + said["output"].replace("\n", "\n  ")))


def _named(one: dict[str, Any]) -> str:
    given = " ".join(f"{name}={value}" for name, value in one["parameters"].items())
    return f"{'undo of #{} '.format(one['undoes']) if one['undoes'] else ''}{one['action']} {given}".rstrip()


def _values(parameter: dict[str, Any]) -> str:
    allowed = "|".join(parameter["choices"] or ()) or parameter["int"] or parameter["pattern"]
    default = parameter["from"] or parameter["default"]
    return f"{allowed}" + (f" [{default}]" if default else "")


def _yes(given: bool) -> str:
    return "yes" if given else "no"

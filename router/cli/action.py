"""`alert-router action`: request, approve and watch the actions of an incident."""

from typing import Annotated, Any

import typer

from router.cli.arguments import Id
from router.cli.client import Router, responder, viewer
from router.cli.config import Json
from router.cli.output import console, echo, fail, print_json
from router.cli.times import second

action = typer.Typer(
    help="Actions against an incident: list, request, approve, decline.", no_args_is_help=True
)

Number = Annotated[int, typer.Argument(help="The number of the request.")]

ACTIVE = ("checking", "ready", "running")


@action.command("list")
@viewer
def list_actions(router: Router, incident: Id, for_programs: Json = False) -> None:
    """List the actions that are offered and those that were requested."""
    found = router.ask("GET", f"/incidents/{incident}/actions")
    if for_programs:
        print_json(found)
        return
    _print_offered(found["offered"])
    if found["requests"]:
        echo()
        _print_requests(found["requests"])


@action.command()
@responder
def request(
    router: Router,
    incident: Id,
    name: Annotated[str, typer.Argument(help="The action.")] = "",
    parameters: Annotated[
        list[str] | None, typer.Argument(help="Its parameters: NAME=VALUE …")
    ] = None,
    undo: Annotated[
        int,
        typer.Option("--undo", help="Undo this request instead.", show_default=False),
    ] = 0,
) -> None:
    """Request an action. Only its dry run is started until somebody approves it."""
    given = dict(parameter.partition("=")[::2] for parameter in parameters or ())
    body = {"undo": undo} if undo else {"action": name, "parameters": given}
    _report(router.ask("POST", f"/incidents/{incident}/actions", json=body))


@action.command()
@viewer
def show(router: Router, incident: Id, number: Number, for_programs: Json = False) -> None:
    """Show a request, with the output of its dry run and of its run."""
    request = router.ask("GET", f"/incidents/{incident}/actions/{number}")
    print_json(request) if for_programs else _print(request)


@action.command()
@responder
def approve(router: Router, incident: Id, number: Number) -> None:
    """Approve a request. It runs now, once."""
    _decide(router, incident, number, "approve")


@action.command()
@responder
def decline(
    router: Router,
    incident: Id,
    number: Number,
    note: Annotated[str, typer.Option("--note", help="Note for the timeline.")] = "",
) -> None:
    """Decline a request. It is not run."""
    _decide(router, incident, number, "decline", note)


@action.command()
@responder
def confirm(
    router: Router,
    incident: Id,
    number: Number,
    words: Annotated[str, typer.Argument(help="The words that the step asks for.")],
) -> None:
    """Confirm the next step of a guide, by typing its words."""
    _decide(router, incident, number, "confirm", words)


def _decide(router: Router, incident: str, number: int, decision: str, text: str = "") -> None:
    path = f"/incidents/{incident}/actions/{number}/{decision}"
    _report(router.ask("POST", path, json={"text": text}))


def _report(answer: dict[str, Any]) -> None:
    """Print the request. Exits with 1 if it was refused."""
    if answer["request"]:
        _print(answer["request"])
    if answer["why"]:
        fail(f"{answer['outcome'].replace('_', ' ')}: {answer['why']}")


# --- output


def _print_offered(offered: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    if not offered:
        echo("no action is offered: name actions under `actions` of the incident's rule")
        return
    columns = ("action", "parameters", "approval", "dry run", "undo", "what")
    table = Table(*columns, box=None)
    for action in offered:
        given = ", ".join(f"{name}={_values(of)}" for name, of in action["parameters"].items())
        can = ["yes" if action[key] else "no" for key in ("dry_run", "undo")]
        table.add_row(
            action["action"], Text(given), action["approval"], *can, Text(action["description"])
        )
    console().print(table)


def _print_requests(requests: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    columns = ("request", "action", "state", "requested by", "approved by", "until (UTC)")
    table = Table(*columns, box=None)
    for request in requests:
        until = second(request["until"]) if request["state"] in ACTIVE else ""
        people = (Text(request["requested_by"]), Text(request["approved_by"] or ""))
        table.add_row(
            f"#{request['number']}", Text(_title(request)), request["state"], *people, until
        )
    console().print(table)


def _print(request: dict[str, Any]) -> None:
    approved = f", approved by {request['approved_by']}" if request["approved_by"] else ""
    people = f"requested by {request['requested_by']}{approved}"
    echo(f"#{request['number']} {_title(request)}: {request['state']}; {people}")
    for line in request["shown"]:
        echo(f"  run: {line}" if request["approved_by"] else f"  would run: {line}")
    if step := request["step"]:
        echo(f"step {step['number']} of {step['of']}: {step['do']}")
        if step["confirm"]:
            echo(f"  then type: {step['confirm']}")
    for output in request["outputs"]:
        echo(f"{second(output['at'])} {output['what'].replace('_', ' ')}")
        if output["output"]:
            echo("  " + output["output"].replace("\n", "\n  "))


def _title(request: dict[str, Any]) -> str:
    given = " ".join(f"{name}={value}" for name, value in request["parameters"].items())
    undo = f"undo of #{request['undoes']} " if request["undoes"] else ""
    return f"{undo}{request['action']} {given}".rstrip()


def _values(parameter: dict[str, Any]) -> str:
    allowed = "|".join(parameter["choices"] or ()) or parameter["int"] or parameter["pattern"]
    default = parameter["from"] or parameter["default"]
    return f"{allowed}" + (f" [{default}]" if default else "")

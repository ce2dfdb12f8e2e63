"""`alert-router token`: API tokens for programs."""

from typing import Annotated
from urllib.parse import quote

import typer

from router.cli.client import Router, viewer
from router.cli.config import Json
from router.cli.local_token import with_local_token
from router.cli.output import console, echo, print_json
from router.cli.times import minute

token = typer.Typer(help="API tokens for programs: add, list, revoke.", no_args_is_help=True)


@token.command()
@viewer
def add(
    router: Router,
    name: Annotated[str, typer.Argument(help="The name of the service.", show_default=False)],
    role: Annotated[str, typer.Option(help="viewer, responder or admin.")] = "responder",
    areas: Annotated[
        list[str] | None,
        typer.Option(
            "--for", help="Limit the token to /api/v1/AREA, such as deployments. May be repeated."
        ),
    ] = None,
    expires: Annotated[str, typer.Option(help="How long it is valid, at most 366d.")] = "90d",
) -> None:
    """Make a token for a service. It is printed once, alone on standard output."""
    body = {
        "name": name,
        "role": role,
        "areas": areas or [],
        "expires": expires,
        "service": True,
    }
    made = with_local_token(router).ask("POST", "/tokens", json=body)
    echo(made["text"])
    echo(f"{made['token']['id']} expires at {minute(made['token']['expires_at'])} UTC", err=True)


@token.command(name="list")
@viewer
def show(router: Router, for_programs: Json = False) -> None:
    """List the tokens that are valid."""
    from rich.table import Table
    from rich.text import Text

    found = with_local_token(router).ask("GET", "/tokens")
    if for_programs:
        print_json(found)
        return
    columns = ("token", "name", "acts as", "role", "for", "last used (UTC)", "expires (UTC)")
    table = Table(*columns, box=None)
    for token in found["tokens"]:
        used = minute(token["used_at"]) if token["used_at"] else "never"
        areas = ", ".join(token["areas"]) or "everything"
        owner = token["owner"] or token["name"]
        cells = (token["id"], token["name"], owner, token["role"], areas, used)
        table.add_row(*(Text(cell) for cell in (*cells, minute(token["expires_at"]))))
    console().print(table if table.row_count else "no tokens")


@token.command()
@viewer
def revoke(
    router: Router,
    name: Annotated[
        str, typer.Argument(help="The id that `token list` shows.", show_default=False)
    ],
) -> None:
    """End a token now."""
    ended = with_local_token(router).ask("DELETE", f"/tokens/{quote(name, safe='')}")["token"]
    echo(f"revoked {ended['name']}")

"""`alert-router user`: people who may sign in."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from router.cli.client import Router, viewer
from router.cli.config import Json
from router.cli.local_token import with_local_token
from router.cli.output import console, echo, print_json
from router.cli.times import minute

user = typer.Typer(
    help="People who may sign in: add, list, role, disable, enable, link.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The user name.", show_default=False)]


@user.command()
@viewer
def add(
    router: Router,
    name: Name,
    role: Annotated[str, typer.Option(help="viewer, responder or admin.")] = "responder",
    email: Annotated[str, typer.Option(help="Their e-mail address.", show_default=False)] = "",
    shown: Annotated[
        str, typer.Option("--name", help="Their name, if it is not a contact's.")
    ] = "",
) -> None:
    """Add a user, and print a link that signs them in to set a password."""
    body = {"name": name, "role": role, "email": email, "shown": shown}
    made = with_local_token(router).ask("POST", "/users", json=body)
    echo(f"{name} is {made['user']['role']}. This link signs them in, once, within 3 days:")
    echo(made["link"])


@user.command()
@viewer
def link(router: Router, name: Name) -> None:
    """Print a link that signs a user in, once, so that they can set a new password."""
    made = with_local_token(router).ask("POST", f"/users/{quote(name, safe='')}/link")
    echo(made["link"])


@user.command()
@viewer
def role(
    router: Router,
    name: Name,
    role: Annotated[str, typer.Argument(help="viewer, responder or admin.", show_default=False)],
) -> None:
    """Set the role of a user."""
    _change(router, name, role=role)


@user.command()
@viewer
def disable(router: Router, name: Name) -> None:
    """Lock a user out, and end their sessions."""
    _change(router, name, disabled=True)


@user.command()
@viewer
def enable(router: Router, name: Name) -> None:
    """Let a disabled user sign in again."""
    _change(router, name, disabled=False)


@user.command(name="list")
@viewer
def show(router: Router, for_programs: Json = False) -> None:
    """List the users."""
    from rich.table import Table
    from rich.text import Text

    answer = with_local_token(router).ask("GET", "/users")
    if for_programs:
        print_json(answer)
        return
    table = Table("user", "name", "role", "e-mail", "last sign-in (UTC)", "", box=None)
    for user in answer["users"]:
        seen = minute(user["seen_at"]) if user["seen_at"] else "never"
        state = "disabled" if user["disabled"] else ""
        cells = (user["name"], user["shown"], user["role"], user["email"], seen, state)
        table.add_row(*(Text(cell) for cell in cells))
    console().print(table if table.row_count else "no users")


def _change(router: Router, name: str, **changes: Any) -> None:
    after = with_local_token(router).ask("POST", f"/users/{quote(name, safe='')}", json=changes)[
        "user"
    ]
    state = "disabled" if after["disabled"] else after["role"]
    echo(f"{name} is {state}")

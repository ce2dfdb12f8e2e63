"""`alert-router channels`: which channels and contact methods are proven to work."""

from time import monotonic, sleep
from typing import Annotated, Any

import typer

from router.cli.client import Router, responder, viewer
from router.cli.config import Json
from router.cli.output import Exit, console, echo, fail, print_json
from router.cli.times import second

channels = typer.Typer(
    help="Channels and contact methods: which are proven to work, and a test of them.",
    no_args_is_help=False,
    invoke_without_command=True,
)

POLL = 1.0
"""Seconds between checks of a running test."""


@channels.callback()
@viewer
def show(context: typer.Context, router: Router, for_programs: Json = False) -> None:
    """Channels and contact methods: which are proven to work, and a test of them.

    Without a command, show them. Exits with 1 if some are not proven.
    """
    if context.invoked_subcommand is None:
        show_proven(router, for_programs=for_programs)


@channels.command("test")
@responder
def send_test(
    router: Router,
    to: Annotated[
        list[str] | None,
        typer.Argument(help="Channels, and people as contact:NAME. Default: all channels."),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until every message has arrived.")
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1, help="Maximum seconds to wait.")
    ] = 600,
) -> None:
    """Send a test message. With --wait, exits with 1 if a message does not arrive."""
    send(router, to or [], timeout if wait else None)


def send(router: Router, to: list[str], timeout: float | None) -> None:
    """Send a test message, and wait up to `timeout` seconds for it to arrive."""
    started = router.ask("POST", "/drills/canary", json={"to": to})
    if timeout is None:
        echo(f"{started['id']}: test messages are on their way. See: alert-router channels")
    else:
        _report(router, _ended(router, started["id"], timeout))


def _ended(router: Router, name: str, timeout: float) -> dict[str, Any]:
    """Wait for the test to end, and return it. Exits if it does not end in time."""
    end = monotonic() + timeout
    while True:
        found: dict[str, Any] = router.ask("GET", f"/drills/{name}")
        if found["ending"]:
            return found
        if monotonic() > end:
            fail(f"{name}: still running after {timeout:g} seconds")
        sleep(POLL)


def _report(router: Router, test: dict[str, Any]) -> None:
    """Print which messages arrived. Exits with 1 unless all did."""
    if test["ending"] != "completed":
        echo(test["report"])
        fail(f"{test['id']}: not every message arrived")
    for address in router.ask("GET", "/drills/scoreboard")["addresses"]:
        if (address["proven_at"] or "") >= test["started_at"]:
            echo(f"{address['address']}: arrived at {second(address['proven_at'])} UTC")


def show_proven(router: Router, *, for_programs: bool) -> None:
    """Print the channels and contact methods. Exits with 1 if some are not proven."""
    found = router.ask("GET", "/drills/scoreboard")
    print_json(found) if for_programs else _print(found["addresses"])
    if found["unproven"]:
        raise typer.Exit(Exit.FAILED)


def _print(addresses: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("address", "last proven (UTC)", "this quarter", "why not", box=None)
    for address in addresses:
        proven = "proven" if address["proven"] else "UNPROVEN"
        why = Text(address.get("why") or "")
        table.add_row(
            Text(address["address"]), second(address["proven_at"]) or "never", proven, why
        )
    console().print(table)

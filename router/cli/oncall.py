"""`alert-router oncall`: who is on call, as the running router has it or else the config, and what
people arrange.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.table import Table
from rich.text import Text

from router.cli.client import Unanswered, Url, ask, try_ask
from router.cli.config import ConfigPath, Json, config_at, console, fail, path_of, say_json
from router.cli.rota import OWN, Clocks, Rota, as_json, computed, now_table, runs_table, told
from router.config.fields import parse_time_zone
from router.ports.clock import SystemClock

DAY = 86_400.0

AHEAD = 28
"""How many days `now` looks ahead for what comes next."""

Seen = tuple[Sequence[Rota], dict[str, str]]
"""What the schedules come to, and the time zones of the contacts who have one of their own."""

Look = Callable[[Path | None, str | None, int], Seen]
"""By the config, at the router's address, for so many days from now."""

Name = Annotated[
    str, typer.Argument(metavar="[SCHEDULE]", help="One schedule; without it, all of them.")
]
Schedule = Annotated[
    str, typer.Argument(metavar="SCHEDULE", help="Its name in the config.", show_default=False)
]
Contact = Annotated[
    str, typer.Argument(help="A contact, by their name in the config.", show_default=False)
]
Zone = Annotated[
    str,
    typer.Option(
        "--time-zone",
        help=f"By which clock: Europe/London, say, or '{OWN}' for that of each contact; else the schedule's.",
        show_default=False,
    ),
]
WHEN = "'2026-12-24 09:00' by the schedule's clock, or with an offset: 2026-12-24T09:00Z; else now."


def oncall_app(look: Look) -> typer.Typer:
    """The sub-commands of `oncall`."""
    app = typer.Typer(help="Who is on call, and who stands in for whom.", no_args_is_help=True)

    @app.command()
    def now(
        schedule: Name = "",
        time_zone: Zone = "",
        for_programs: Json = False,
        config: ConfigPath = None,
        url: Url = None,
    ) -> None:
        """Who is on call now, until when, and who comes next."""
        rotas, clocks = _chosen(look(config, url, AHEAD), schedule, time_zone)
        if for_programs:
            say_json([as_json(rota, 2) for rota in rotas])
        else:
            console().print(now_table(rotas, clocks))

    @app.command()
    def week(
        schedule: Name = "",
        weeks: Annotated[int, typer.Option(min=1, max=52, help="How many weeks from now on.")] = 1,
        time_zone: Zone = "",
        for_programs: Json = False,
        config: ConfigPath = None,
        url: Url = None,
    ) -> None:
        """The shifts of the coming week, gaps included."""
        rotas, clocks = _chosen(look(config, url, weeks * 7), schedule, time_zone)
        if for_programs:
            say_json([as_json(rota) for rota in rotas])
        else:
            console().print(runs_table(rotas, clocks))

    @app.command(name="gaps")
    def find_gaps(
        schedule: Name = "",
        days: Annotated[int, typer.Option(min=1, max=366, help="How many days from now on.")] = 90,
        time_zone: Zone = "",
        config: ConfigPath = None,
        url: Url = None,
    ) -> None:
        """When nobody is on call.

        Exits with 1 if there's such a time, so that a check of the config can use it.
        """
        rotas, clocks = _chosen(look(config, url, days), schedule, time_zone)
        if not any(rota.holes for rota in rotas):
            typer.echo(f"somebody is on call at all times in the next {days} days")
            return
        console().print(runs_table(rotas, clocks, holes=True))
        raise typer.Exit(1)

    for command in (override, swap, overrides, remove):
        app.command()(command)
    return app


def override(
    schedule: Schedule,
    contact: Annotated[
        str, typer.Option(help='Who is on call instead; "" for nobody.', show_default=False)
    ],
    to: Annotated[str, typer.Option(help="Until when.", show_default=False)],
    from_: Annotated[str, typer.Option("--from", help=WHEN, show_default=False)] = "",
    replaces: Annotated[
        str, typer.Option(help="Only instead of this contact.", show_default=False)
    ] = "",
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Somebody else is on call for a time, whatever the schedule says."""
    body = {"contact": contact, "from": from_, "to": to, "replaces": replaces}
    _show_effect(ask("POST", _path(schedule, "overrides"), url, config, json=body), "set")


def swap(
    schedule: Schedule,
    one: Contact,
    other: Contact,
    after: Annotated[str, typer.Option(help=WHEN, show_default=False)] = "",
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Two people swap their next turns that begin after that."""
    body = {"between": [one, other], "after": after}
    _show_effect(ask("POST", _path(schedule, "swaps"), url, config, json=body), "set")


def overrides(
    schedule: Schedule, for_programs: Json = False, config: ConfigPath = None, url: Url = None
) -> None:
    """List the overrides and swaps that people have set and that aren't over."""
    found = ask("GET", _path(schedule, "overrides"), url, config)["overrides"]
    if for_programs:
        say_json(found)
        return
    if not found:
        typer.echo(f"nobody has set an override of {schedule}; those in the config are there")
        return
    table = Table(
        "override", "from (UTC)", "until (UTC)", "on call", "instead of", "set by", box=None
    )
    for made in found:
        for change in made["changes"]:
            edges = (change[edge][:16].replace("T", " ") for edge in ("start", "end"))
            who = (change["contact"] or "nobody", change["replaces"] or "everybody", made["by"])
            table.add_row(made["id"], *edges, *map(Text, who))
    console().print(table)


def remove(
    schedule: Schedule,
    override: Annotated[
        str, typer.Argument(help="As `oncall overrides` lists it.", show_default=False)
    ],
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Remove an override, or both of a swap. One that is under way ends now."""
    _show_effect(
        ask("DELETE", _path(schedule, f"overrides/{quote(override, safe='')}"), url, config),
        "removed",
    )


def _path(schedule: str, what: str) -> str:
    return f"/schedules/{quote(schedule, safe='')}/{what}"


def _show_effect(answer: dict[str, Any], done: str) -> None:
    """Who is on call in the time that it was about."""
    typer.echo(f"override {answer['override']['id']} is {done}, so on call are:")
    console().print(runs_table([told(answer["schedule"])], Clocks()))


def _chosen(seen: Seen, name: str, time_zone: str) -> tuple[Sequence[Rota], Clocks]:
    rotas, own = seen
    known = [rota.name for rota in rotas]
    if not known:
        fail("no schedules are configured")
    if name and name not in known:
        fail(f"no schedule '{name}' is configured; there are: {', '.join(known)}")
    try:
        zone = time_zone if time_zone in {"", OWN} else parse_time_zone(time_zone)
    except ValueError as error:
        fail(f"--time-zone: {error}")
    return [rota for rota in rotas if name in {"", rota.name}], Clocks(zone, own)


def look(config: Path | None, url: str | None, days: int) -> Seen:
    """As the router has it; if it can't be asked, by the config alone, and that's said."""
    try:
        answer = try_ask("GET", "/schedules", url, config, params={"days": days})
    except Unanswered as error:
        typer.echo(
            f"By the config alone, without imported calendars and what people have arranged since: {error}",
            err=True,
        )
    else:
        return [told(one) for one in answer["schedules"]], answer["time_zones"]
    checked = config_at(path_of(config))
    start = SystemClock().now()
    schedules = checked.settings.people.schedules.values()
    return [computed(one, start, start + days * DAY) for one in schedules], checked.time_zones


oncall = oncall_app(look)

"""`alert-router oncall`: who is on call, and overrides by people.

The running router is asked. Without one, the schedules of the config are shown.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any
from urllib.parse import quote

import typer

from router.cli.client import Router, Unanswered, responder, viewer
from router.cli.config import Json, config_at, path_of
from router.cli.oncall_tables import (
    OWN,
    Clocks,
    ScheduleShifts,
    as_json,
    from_answer,
    from_schedule,
    now_table,
    shifts_table,
)
from router.cli.output import Exit, console, echo, fail, print_json
from router.cli.times import minute

DAY = 86_400.0

AHEAD = 28
"""Days that `now` looks ahead for the next shift."""

AllShifts = tuple[Sequence[ScheduleShifts], dict[str, str]]
"""The shifts of each schedule, and the time zones of contacts that have their own."""

FindShifts = Callable[[Router, int], AllShifts]
"""Finds the shifts of all schedules for a number of days from now."""

Name = Annotated[
    str, typer.Argument(metavar="[SCHEDULE]", help="A schedule. Default: all of them.")
]
Schedule = Annotated[
    str,
    typer.Argument(
        metavar="SCHEDULE", help="The schedule's name in the config.", show_default=False
    ),
]
Contact = Annotated[str, typer.Argument(help="A contact's name in the config.", show_default=False)]
Zone = Annotated[
    str,
    typer.Option(
        "--time-zone",
        help=f"Time zone to show, such as Europe/London, or '{OWN}' for the zone of each contact. "
        "Default: the zone of the schedule.",
        show_default=False,
    ),
]
WHEN = "Such as '2026-12-24 09:00' in the time zone of the schedule, or 2026-12-24T09:00Z."


def oncall_app(find_shifts: FindShifts) -> typer.Typer:
    """The sub-commands of `oncall`."""
    app = typer.Typer(
        help="Who is on call: now, week, gaps; overrides and swaps.", no_args_is_help=True
    )

    @app.command()
    @viewer
    def now(
        router: Router, schedule: Name = "", time_zone: Zone = "", for_programs: Json = False
    ) -> None:
        """Show who is on call now, until when, and who is next."""
        schedules, clocks = _chosen(find_shifts(router, AHEAD), schedule, time_zone)
        if for_programs:
            print_json([as_json(schedule, 2) for schedule in schedules])
        else:
            console().print(now_table(schedules, clocks))

    @app.command()
    @viewer
    def week(
        router: Router,
        schedule: Name = "",
        weeks: Annotated[int, typer.Option(min=1, max=52, help="How many weeks from now.")] = 1,
        time_zone: Zone = "",
        for_programs: Json = False,
    ) -> None:
        """Show the shifts of the coming week, gaps included."""
        schedules, clocks = _chosen(find_shifts(router, weeks * 7), schedule, time_zone)
        if for_programs:
            print_json([as_json(schedule) for schedule in schedules])
        else:
            console().print(shifts_table(schedules, clocks))

    @app.command(name="gaps")
    @viewer
    def find_gaps(
        router: Router,
        schedule: Name = "",
        days: Annotated[int, typer.Option(min=1, max=366, help="How many days from now.")] = 90,
        time_zone: Zone = "",
    ) -> None:
        """Show when nobody is on call. Exits with 1 if there is such a time."""
        schedules, clocks = _chosen(find_shifts(router, days), schedule, time_zone)
        if not any(schedule.gaps for schedule in schedules):
            echo(f"somebody is on call at all times in the next {days} days")
            return
        console().print(shifts_table(schedules, clocks, gaps_only=True))
        raise typer.Exit(Exit.FAILED)

    for command in (override, swap, overrides, remove):
        app.command()(command)
    return app


@responder
def override(
    router: Router,
    schedule: Schedule,
    contact: Annotated[
        str, typer.Option(help='Who is on call instead; "" for nobody.', show_default=False)
    ],
    to: Annotated[str, typer.Option(help="The end.", show_default=False)],
    from_: Annotated[
        str, typer.Option("--from", help=f"The start. {WHEN} Default: now.", show_default=False)
    ] = "",
    replaces: Annotated[
        str, typer.Option(help="Replace only this contact.", show_default=False)
    ] = "",
) -> None:
    """Put somebody on call for a time, instead of the schedule's contact."""
    body = {"contact": contact, "from": from_, "to": to, "replaces": replaces}
    answer = router.ask("POST", _path(schedule, "overrides"), json=body)
    _show_effect(answer, "set")
    if contact not in {"", *(shift["contact"] for shift in answer["schedule"]["shifts"])}:
        why = f", because {replaces} has none to replace" if replaces else ""
        echo(f"warning: {contact} has none of these shifts{why}", err=True)


@responder
def swap(
    router: Router,
    schedule: Schedule,
    contact: Contact,
    other: Contact,
    after: Annotated[str, typer.Option(help=f"{WHEN} Default: now.", show_default=False)] = "",
) -> None:
    """Swap two people's next shifts after AFTER."""
    body = {"between": [contact, other], "after": after}
    _show_effect(router.ask("POST", _path(schedule, "swaps"), json=body), "set")


@viewer
def overrides(router: Router, schedule: Schedule, for_programs: Json = False) -> None:
    """List the overrides and swaps that people set and that have not ended."""
    from rich.table import Table
    from rich.text import Text

    found = router.ask("GET", _path(schedule, "overrides"))["overrides"]
    if for_programs:
        print_json(found)
        return
    if not found:
        echo(
            f"nobody has set an override of {schedule}; overrides in the config are not listed here"
        )
        return
    columns = ("override", "from (UTC)", "until (UTC)", "on call", "instead of", "set by")
    table = Table(*columns, box=None)
    for made in found:
        for change in made["changes"]:
            times = (minute(change["start"]), minute(change["end"]))
            people = (change["contact"] or "nobody", change["replaces"] or "everybody", made["by"])
            table.add_row(made["id"], *times, *map(Text, people))
    console().print(table)


@responder
def remove(
    router: Router,
    schedule: Schedule,
    override: Annotated[
        str, typer.Argument(help="The id that `oncall overrides` shows.", show_default=False)
    ],
) -> None:
    """Remove an override, or both halves of a swap. An active override ends now."""
    path = _path(schedule, f"overrides/{quote(override, safe='')}")
    _show_effect(router.ask("DELETE", path), "removed")


def _path(schedule: str, what: str) -> str:
    return f"/schedules/{quote(schedule, safe='')}/{what}"


def _show_effect(answer: dict[str, Any], done: str) -> None:
    """Print who is on call during the override."""
    echo(f"override {answer['override']['id']} is {done}. On call during that time:")
    console().print(shifts_table([from_answer(answer["schedule"])], Clocks()))


def _chosen(found: AllShifts, name: str, time_zone: str) -> tuple[Sequence[ScheduleShifts], Clocks]:
    schedules, own = found
    known = [schedule.name for schedule in schedules]
    if not known:
        fail("no schedules are configured")
    if name and name not in known:
        fail(f"no schedule '{name}' is configured; the schedules are: {', '.join(known)}")
    return [schedule for schedule in schedules if name in {"", schedule.name}], Clocks(
        _zone(time_zone), own
    )


def _zone(name: str) -> str:
    from router.config.fields import parse_time_zone

    try:
        return name if name in {"", OWN} else parse_time_zone(name)
    except ValueError as error:
        fail(f"--time-zone: {error}")


def find_shifts(router: Router, days: int) -> AllShifts:
    """Ask the running router for the shifts, or compute them from the config with a notice."""
    try:
        answer = router.try_ask("GET", "/schedules", params={"days": days})
    except Unanswered as error:
        notice = "Using the config only, without imported calendars and overrides that people set"
        echo(f"{notice}: {error}", err=True)
        return _from_config(router, days)
    return [from_answer(schedule) for schedule in answer["schedules"]], answer["time_zones"]


def _from_config(router: Router, days: int) -> AllShifts:
    from router.ports.clock import SystemClock

    checked = config_at(path_of(router.config))
    start = SystemClock().now()
    schedules = checked.settings.people.schedules.values()
    return [
        from_schedule(schedule, start, start + days * DAY) for schedule in schedules
    ], checked.time_zones


oncall = oncall_app(find_shifts)

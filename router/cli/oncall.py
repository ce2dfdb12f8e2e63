"""`alert-router oncall now`, `week` and `gaps`: what the schedules come to, with no need of a running router."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from router.cli.config import ConfigPath, config_at, fail, path_of
from router.core.quantity import duration
from router.core.schedule import Schedule, Shift, gaps, on_call, shifts
from router.ports import Clock, SystemClock

DAY = 86_400.0

AHEAD = 28 * DAY
"""How far `now` looks for what comes next."""

NOBODY = Text("nobody", "bold red")

Load = Callable[[Path | None], Mapping[str, Schedule]]
Name = Annotated[str, typer.Argument(metavar="[SCHEDULE]", help="One schedule; without it, all of them.")]


def oncall_app(load: Load, clock: Clock) -> typer.Typer:
    """The sub-commands of `oncall`. `load` reads the schedules of a config (None: the default one)."""
    app = typer.Typer(help="Say who is on call, by the schedules in the config.", no_args_is_help=True)

    @app.command()
    def now(schedule: Name = "", config: ConfigPath = None) -> None:
        """Who is on call now, until when, and who comes next."""
        Console().print(now_table(_chosen(load(config), schedule), clock.now()))

    @app.command()
    def week(
        schedule: Name = "",
        weeks: Annotated[int, typer.Option(min=1, max=52, help="How many weeks from now on.")] = 1,
        config: ConfigPath = None,
    ) -> None:
        """The shifts of the coming week, gaps included."""
        start = clock.now()
        Console().print(shifts_table(_chosen(load(config), schedule), start, start + weeks * 7 * DAY))

    @app.command(name="gaps")
    def find_gaps(
        schedule: Name = "",
        days: Annotated[int, typer.Option(min=1, max=366, help="How many days from now on.")] = 90,
        config: ConfigPath = None,
    ) -> None:
        """When nobody is on call. Exits with 1 if there's such a time, so that a check of the config can use it."""
        chosen = _chosen(load(config), schedule)
        start = clock.now()
        end = start + days * DAY
        if not any(gaps(one, start, end) for one in chosen):
            typer.echo(f"somebody is on call at all times in the next {days} days")
            return
        Console().print(gaps_table(chosen, start, end))
        raise typer.Exit(1)

    return app


def _chosen(schedules: Mapping[str, Schedule], name: str) -> list[Schedule]:
    if not schedules:
        fail("no schedules are configured")
    if name and name not in schedules:
        fail(f"no schedule '{name}' is configured; there are: {', '.join(schedules)}")
    return [schedules[name]] if name else list(schedules.values())


def now_table(schedules: Iterable[Schedule], now: float) -> Table:
    """A line for each schedule; times are UTC epoch seconds in, and of the schedule's clock as shown."""
    table = Table("schedule", "on call", "until", "then", box=None)
    for one in schedules:
        coming = _covered(one, now, now + AHEAD)
        until = min(shift.end for shift in coming if shift.start <= now)
        ends = until < now + AHEAD
        following = on_call(one, until) if ends else ()
        table.add_row(
            one.name,
            _people(on_call(one, now)),
            _time(until, one) if ends else f"over {duration(AHEAD)} from now",
            _people(following) if ends else "",
        )
    return table


def shifts_table(schedules: Iterable[Schedule], start: float, end: float) -> Table:
    """A line for each shift or gap from `start` until `end`."""
    return _lines((one, shift) for one in schedules for shift in _covered(one, start, end))


def gaps_table(schedules: Iterable[Schedule], start: float, end: float) -> Table:
    """A line for each gap from `start` until `end`."""
    return _lines((one, shift) for one in schedules for shift in _covered(one, start, end) if not shift.contact)


def _covered(schedule: Schedule, start: float, end: float) -> list[Shift]:
    """The shifts, and the gaps as those of ""."""
    nobody = (Shift("", gap.start, gap.end) for gap in gaps(schedule, start, end))
    return sorted((*shifts(schedule, start, end), *nobody), key=lambda shift: (shift.start, shift.contact))


def _lines(found: Iterable[tuple[Schedule, Shift]]) -> Table:
    table = Table("schedule", "from", "until", "for", "on call", box=None)
    for schedule, shift in found:
        table.add_row(
            schedule.name,
            _time(shift.start, schedule),
            _time(shift.end, schedule),
            duration(shift.end - shift.start),
            _people((shift.contact,)),
        )
    return table


def _people(contacts: tuple[str, ...]) -> Text:
    return Text(", ".join(contacts)) if any(contacts) else NOBODY


def _time(at: float, schedule: Schedule) -> str:
    return f"{datetime.fromtimestamp(at, ZoneInfo(schedule.time_zone)):%a %Y-%m-%d %H:%M %Z}"


oncall = oncall_app(lambda path: config_at(path_of(path)).settings.people.schedules, SystemClock())

"""Who is on call when, as tables."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from rich.table import Table
from rich.text import Text

from router.core.oncall.schedule import Schedule, Shift, gaps, shifts
from router.core.text.units import duration
from router.web.api.views import when

NOBODY = Text("nobody", "bold red")

OWN = "own"
"""Instead of a time zone: that of each contact."""


class Rota(Struct, frozen=True):
    """What a schedule comes to over some time: the shifts, and the gaps as those of "", in order
    and without holes.
    """

    name: str
    time_zone: str
    runs: tuple[Shift, ...]

    @property
    def holes(self) -> tuple[Shift, ...]:
        return tuple(run for run in self.runs if not run.contact)


def computed(schedule: Schedule, start: float, end: float) -> Rota:
    nobody = (Shift("", gap.start, gap.end) for gap in gaps(schedule, start, end))
    return _rota(schedule.name, schedule.time_zone, (*shifts(schedule, start, end), *nobody))


def told(answer: Mapping[str, Any]) -> Rota:
    """As the router's API has it."""
    runs = (
        Shift(
            one.get("contact", ""),
            *(datetime.fromisoformat(one[edge]).timestamp() for edge in ("start", "end")),
        )
        for one in (*answer["shifts"], *answer["gaps"])
    )
    return _rota(answer["name"], answer["time_zone"], runs)


def _rota(name: str, time_zone: str, runs: Iterable[Shift]) -> Rota:
    return Rota(name, time_zone, tuple(sorted(runs, key=lambda run: run.start)))


class Clocks(Struct, frozen=True):
    """By which clock times are shown: `zone`; or, for `OWN`, that of who is on call; or, for "",
    the schedule's.
    """

    zone: str = ""
    own: Mapping[str, str] = {}

    def time(self, at: float, rota: Rota, contact: str) -> str:
        """`at` is UTC epoch seconds."""
        zone = (self.own.get(contact) if self.zone == OWN else self.zone) or rota.time_zone
        return f"{datetime.fromtimestamp(at, ZoneInfo(zone)):%a %Y-%m-%d %H:%M %Z}"


def as_json(rota: Rota, most: int | None = None) -> dict[str, Any]:
    """The first so many runs, or all of them; "on_call" is null for a gap."""
    runs = [
        {"on_call": run.contact or None, "start": when(run.start), "end": when(run.end)}
        for run in rota.runs[:most]
    ]
    return {"schedule": rota.name, "time_zone": rota.time_zone, "runs": runs}


def now_table(rotas: Iterable[Rota], clocks: Clocks) -> Table:
    """A line for each: who has the first run, until when, and who comes next."""
    table = Table("schedule", "on call", "until", "then", box=None)
    for rota in rotas:
        now, *then = rota.runs
        until = (
            clocks.time(now.end, rota, now.contact)
            if then
            else f"over {duration(now.end - now.start)} from now"
        )
        table.add_row(rota.name, _who(now.contact), until, _who(then[0].contact) if then else "")
    return table


def runs_table(rotas: Iterable[Rota], clocks: Clocks, *, holes: bool = False) -> Table:
    """A line for each run, or for each gap alone."""
    table = Table("schedule", "from", "until", "for", "on call", box=None)
    for rota in rotas:
        for run in rota.holes if holes else rota.runs:
            edges = (clocks.time(edge, rota, run.contact) for edge in (run.start, run.end))
            table.add_row(rota.name, *edges, duration(run.end - run.start), _who(run.contact))
    return table


def _who(contact: str) -> Text:
    return Text(contact) if contact else NOBODY

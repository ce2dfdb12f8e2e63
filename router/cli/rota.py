"""Schedules as tables: who is on call when."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from router.core.oncall.schedule import Schedule, Shift, gaps, shifts
from router.core.text.units import duration

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

OWN = "own"
"""Placeholder for the time zone of each contact."""


class Rota(Struct, frozen=True):
    """The shifts of a schedule over some time, in order. A gap is a shift of ""."""

    name: str
    time_zone: str
    runs: tuple[Shift, ...]

    @property
    def holes(self) -> tuple[Shift, ...]:
        """The gaps."""
        return tuple(run for run in self.runs if not run.contact)


def computed(schedule: Schedule, start: float, end: float) -> Rota:
    """The rota of a schedule from the config. Times are UTC epoch seconds."""
    nobody = (Shift("", gap.start, gap.end) for gap in gaps(schedule, start, end))
    return _rota(schedule.name, schedule.time_zone, (*shifts(schedule, start, end), *nobody))


def from_answer(answer: Mapping[str, Any]) -> Rota:
    """The rota of a schedule from the API."""
    runs = (
        Shift(span.get("contact", ""), _epoch(span["start"]), _epoch(span["end"]))
        for span in (*answer["shifts"], *answer["gaps"])
    )
    return _rota(answer["name"], answer["time_zone"], runs)


def _epoch(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def _rota(name: str, time_zone: str, runs: Iterable[Shift]) -> Rota:
    return Rota(name, time_zone, tuple(sorted(runs, key=lambda run: run.start)))


class Clocks(Struct, frozen=True):
    """The time zone to show: `zone`, the zone of each contact for `OWN`, the schedule's for ""."""

    zone: str = ""
    own: Mapping[str, str] = {}

    def time(self, at: float, rota: Rota, contact: str) -> str:
        """`at`, UTC epoch seconds, as local time with the name of the zone."""
        zone = (self.own.get(contact) if self.zone == OWN else self.zone) or rota.time_zone
        return f"{datetime.fromtimestamp(at, ZoneInfo(zone)):%a %Y-%m-%d %H:%M %Z}"


def as_json(rota: Rota, most: int | None = None) -> dict[str, Any]:
    """The first `most` runs, or all of them. "on_call" is null in a gap."""
    runs = [
        {"on_call": run.contact or None, "start": _time(run.start), "end": _time(run.end)}
        for run in rota.runs[:most]
    ]
    return {"schedule": rota.name, "time_zone": rota.time_zone, "runs": runs}


def _time(at: float) -> str:
    """RFC 3339 in UTC, to the millisecond, as in the API."""
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def now_table(rotas: Iterable[Rota], clocks: Clocks) -> "Table":
    """One line for each schedule: who is on call, until when, and who is next."""
    from rich.table import Table

    table = Table("schedule", "on call", "until", "then", box=None)
    for rota in rotas:
        now, *then = rota.runs
        long = f"over {duration(now.end - now.start)} from now"
        until = clocks.time(now.end, rota, now.contact) if then else long
        following = _who(then[0].contact) if then else ""
        table.add_row(rota.name, _who(now.contact), until, following)
    return table


def runs_table(rotas: Iterable[Rota], clocks: Clocks, *, holes: bool = False) -> "Table":
    """One line for each shift and gap, or for the gaps alone."""
    from rich.table import Table

    table = Table("schedule", "from", "until", "for", "on call", box=None)
    for rota in rotas:
        for run in rota.holes if holes else rota.runs:
            edges = (clocks.time(edge, rota, run.contact) for edge in (run.start, run.end))
            table.add_row(rota.name, *edges, duration(run.end - run.start), _who(run.contact))
    return table


def _who(contact: str) -> "Text":
    from rich.text import Text

    return Text(contact) if contact else Text("nobody", "bold red")

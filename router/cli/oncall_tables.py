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


class ScheduleShifts(Struct, frozen=True):
    """The shifts of a schedule over some time, in order. A gap is a shift without a contact."""

    name: str
    time_zone: str
    shifts: tuple[Shift, ...]

    @property
    def gaps(self) -> tuple[Shift, ...]:
        """The gaps."""
        return tuple(shift for shift in self.shifts if not shift.contact)


def from_schedule(schedule: Schedule, start: float, end: float) -> ScheduleShifts:
    """The shifts of a schedule from the config. Times are UTC epoch seconds."""
    nobody = (Shift("", gap.start, gap.end) for gap in gaps(schedule, start, end))
    return _sorted(schedule.name, schedule.time_zone, (*shifts(schedule, start, end), *nobody))


def from_answer(answer: Mapping[str, Any]) -> ScheduleShifts:
    """The shifts of a schedule from the API."""
    spans = (
        Shift(span.get("contact", ""), _epoch(span["start"]), _epoch(span["end"]))
        for span in (*answer["shifts"], *answer["gaps"])
    )
    return _sorted(answer["name"], answer["time_zone"], spans)


def _epoch(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def _sorted(name: str, time_zone: str, spans: Iterable[Shift]) -> ScheduleShifts:
    return ScheduleShifts(name, time_zone, tuple(sorted(spans, key=lambda shift: shift.start)))


class Clocks(Struct, frozen=True):
    """The time zone to show: `zone`, the zone of each contact for `OWN`, the schedule's for ""."""

    zone: str = ""
    own: Mapping[str, str] = {}

    def time(self, at: float, schedule: ScheduleShifts, contact: str) -> str:
        """`at`, UTC epoch seconds, as local time with the name of the zone."""
        zone = (self.own.get(contact) if self.zone == OWN else self.zone) or schedule.time_zone
        return f"{datetime.fromtimestamp(at, ZoneInfo(zone)):%a %Y-%m-%d %H:%M %Z}"


def as_json(schedule: ScheduleShifts, limit: int | None = None) -> dict[str, Any]:
    """The first `limit` shifts and gaps, or all of them. "on_call" is null in a gap."""
    runs = [
        {"on_call": shift.contact or None, "start": _time(shift.start), "end": _time(shift.end)}
        for shift in schedule.shifts[:limit]
    ]
    return {"schedule": schedule.name, "time_zone": schedule.time_zone, "runs": runs}


def _time(at: float) -> str:
    """RFC 3339 in UTC, to the millisecond, as in the API."""
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def now_table(schedules: Iterable[ScheduleShifts], clocks: Clocks) -> "Table":
    """One line for each schedule: who is on call, until when, and who is next."""
    from rich.table import Table

    table = Table("schedule", "on call", "until", "then", box=None)
    for schedule in schedules:
        now, *then = schedule.shifts
        long = f"over {duration(now.end - now.start)} from now"
        until = clocks.time(now.end, schedule, now.contact) if then else long
        following = _who(then[0].contact) if then else ""
        table.add_row(schedule.name, _who(now.contact), until, following)
    return table


def shifts_table(
    schedules: Iterable[ScheduleShifts], clocks: Clocks, *, gaps_only: bool = False
) -> "Table":
    """One line for each shift and gap, or for the gaps alone."""
    from rich.table import Table

    table = Table("schedule", "from", "until", "for", "on call", box=None)
    for schedule in schedules:
        for shift in schedule.gaps if gaps_only else schedule.shifts:
            edges = (
                clocks.time(edge, schedule, shift.contact) for edge in (shift.start, shift.end)
            )
            table.add_row(
                schedule.name, *edges, duration(shift.end - shift.start), _who(shift.contact)
            )
    return table


def _who(contact: str) -> "Text":
    from rich.text import Text

    return Text(contact) if contact else Text("nobody", "bold red")

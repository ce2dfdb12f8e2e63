"""Compares the old tool's shifts with those of the converted schedules."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from router.core.oncall.schedule import Schedule, shifts
from router.importers.pagers.model import OldSchedule, OldShift


class Row(Struct, frozen=True):
    """A period, and who is on call in the old tool and here. Times are UTC epoch seconds."""

    start: float
    end: float
    old: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def same(self) -> bool:
        return self.old == self.new


def rows(old: OldSchedule, schedules: Mapping[str, Schedule]) -> list[Row]:
    """The period of the old tool's shifts, split where anything changes."""
    if not old.shifts:
        return []
    start, end = min(shift.start for shift in old.shifts), max(shift.end for shift in old.shifts)
    new = [
        OldShift(shift.contact, shift.start, shift.end)
        for rota in old.rotas
        for shift in shifts(schedules[rota.key], start, end)
    ]
    return list(_joined(_split(old.shifts, new)))


def _split(old: Sequence[OldShift], new: Sequence[OldShift]) -> Iterator[Row]:
    edges = sorted({edge for shift in (*old, *new) for edge in (shift.start, shift.end)})
    for start, end in pairwise(edges):
        yield Row(start, end, _at(old, start), _at(new, start))


def _at(shifts_: Sequence[OldShift], at: float) -> tuple[str, ...]:
    return tuple(sorted({shift.person for shift in shifts_ if shift.start <= at < shift.end}))


def _joined(rows: Iterator[Row]) -> Iterator[Row]:
    """Merge consecutive rows with the same people."""
    last: Row | None = None
    for row in rows:
        if last and (last.old, last.new, last.end) == (row.old, row.new, row.start):
            last = Row(last.start, row.end, row.old, row.new)
            continue
        if last:
            yield last
        last = row
    if last:
        yield last

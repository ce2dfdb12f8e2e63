"""Overrides that people set while the router runs: a single override, or two for a swap.

They are applied after the overrides of the config, in the order in which they were set: the latest
wins. All times are UTC epoch seconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from msgspec import Struct, structs

from router.core.oncall.recipients import People
from router.core.oncall.schedule import Override, Schedule, Shift, shifts

AHEAD = 366 * 86_400.0
"""Seconds to look ahead for the shifts to swap."""


class StoredOverride(Struct, frozen=True):
    """Overrides of a schedule that `by` set at the time `at`."""

    schedule: str
    overrides: tuple[Override, ...]
    by: str
    at: float

    @property
    def start(self) -> float:
        return min(override.start for override in self.overrides)

    @property
    def end(self) -> float:
        """The end of its last override."""
        return max(override.end for override in self.overrides)


def with_overrides(people: People, stored_overrides: Iterable[StoredOverride]) -> People:
    """Return `people` with these overrides added to their schedules.

    Overrides that name unknown people are ignored.
    """
    known = (override for override in stored_overrides if not unknown(people, override))
    ordered = sorted(known, key=lambda override: (override.schedule, override.at))
    changed = {
        name: _overridden(
            people.schedules[name], [each for change in group for each in change.overrides]
        )
        for name, group in groupby(ordered, key=lambda override: override.schedule)
    }
    return replace(people, schedules={**people.schedules, **changed})


def _overridden(schedule: Schedule, overrides: Sequence[Override]) -> Schedule:
    return structs.replace(schedule, overrides=(*schedule.overrides, *overrides))


def unknown(people: People, stored_override: StoredOverride) -> str:
    """An unknown name in the override, such as `contact 'ben'`; "" if all are known."""
    if stored_override.schedule not in people.schedules:
        return f"schedule '{stored_override.schedule}'"
    named = (
        name
        for override in stored_override.overrides
        for name in (override.contact, override.replaces)
        if name
    )
    return next((f"contact '{name}'" for name in named if name not in people.contacts), "")


def swap(schedule: Schedule, person: str, other: str, after: float) -> tuple[Override, Override]:
    """Swap the first shifts of two contacts that begin at `after` or later.

    Raises: ValueError, which names the contact that has no shift.
    """
    mine, theirs = _turn(schedule, person, after), _turn(schedule, other, after)
    return (
        Override(other, mine.start, mine.end, replaces=person),
        Override(person, theirs.start, theirs.end, replaces=other),
    )


def _turn(schedule: Schedule, contact: str, after: float) -> Shift:
    # Start a second earlier, so that a shift in progress isn't cut and taken to begin at `after`.
    for shift in shifts(schedule, after - 1, after + AHEAD):
        if shift.contact == contact and shift.start >= after:
            return shift
    raise ValueError(f"'{contact}' has no shift in {schedule.name} within a year after that time")


def ended(stored_override: StoredOverride, at: float) -> StoredOverride | None:
    """The override, ended at `at`. None if it hasn't begun: then nothing is left of it."""
    begun = [override for override in stored_override.overrides if override.start < at]
    if not begun:
        return None
    cut = tuple(structs.replace(override, end=min(override.end, at)) for override in begun)
    return structs.replace(stored_override, overrides=cut)

"""What people arrange while the router runs: an override, or a swap, which is two that stand and
fall together.

Arrangements come after the overrides of the config, in the order in which they were made: the
latest has the last word. All times are UTC epoch seconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from msgspec import Struct, structs

from router.core.oncall.recipients import People
from router.core.oncall.schedule import Override, Schedule, Shift, shifts

AHEAD = 366 * 86_400.0
"""How far ahead a swap looks for the turns to swap, in seconds."""


class StoredOverride(Struct, frozen=True):
    """`by` has set these overrides of the schedule at the time `at`."""

    schedule: str
    overrides: tuple[Override, ...]
    by: str
    at: float

    @property
    def start(self) -> float:
        return min(one.start for one in self.overrides)

    @property
    def end(self) -> float:
        """From when on it counts no more."""
        return max(one.end for one in self.overrides)


def arranged(people: People, arrangements: Iterable[StoredOverride]) -> People:
    """`people`, with their schedules as arranged.

    What names somebody who isn't there any more is left out.
    """
    known = sorted(
        (one for one in arrangements if not unknown(people, one)),
        key=lambda one: (one.schedule, one.at),
    )
    changed = {
        name: _overridden(
            people.schedules[name], [override for one in those for override in one.overrides]
        )
        for name, those in groupby(known, key=lambda one: one.schedule)
    }
    return replace(people, schedules={**people.schedules, **changed})


def _overridden(schedule: Schedule, overrides: Sequence[Override]) -> Schedule:
    return structs.replace(schedule, overrides=(*schedule.overrides, *overrides))


def unknown(people: People, arrangement: StoredOverride) -> str:
    """What the arrangement names that there isn't, like `contact 'ben'`; "" if it's all there."""
    if arrangement.schedule not in people.schedules:
        return f"schedule '{arrangement.schedule}'"
    named = (name for one in arrangement.overrides for name in (one.contact, one.replaces) if name)
    return next((f"contact '{name}'" for name in named if name not in people.contacts), "")


def swap(schedule: Schedule, one: str, other: str, after: float) -> tuple[Override, Override]:
    """`other` has the first turn of `one` that begins at `after` or later, and the other way round.

    A turn is the time in which they're on call without a break. Raises: ValueError, which says who
    has none.
    """
    mine, theirs = _turn(schedule, one, after), _turn(schedule, other, after)
    return (
        Override(other, mine.start, mine.end, replaces=one),
        Override(one, theirs.start, theirs.end, replaces=other),
    )


def _turn(schedule: Schedule, contact: str, after: float) -> Shift:
    # From a second before, so that a turn that is under way begins before `after` and isn't taken
    # for the first.
    for shift in shifts(schedule, after - 1, after + AHEAD):
        if shift.contact == contact and shift.start >= after:
            return shift
    raise ValueError(f"'{contact}' has no turn in {schedule.name} within a year from then")


def ended(arrangement: StoredOverride, at: float) -> StoredOverride | None:
    """What is left of it if it ends at `at`: the time before, which stays as it was.

    None if it hasn't begun.
    """
    begun = [one for one in arrangement.overrides if one.start < at]
    if not begun:
        return None
    return structs.replace(
        arrangement, overrides=tuple(structs.replace(one, end=min(one.end, at)) for one in begun)
    )

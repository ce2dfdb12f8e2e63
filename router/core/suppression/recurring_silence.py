"""Silences: alerts that nobody is to hear of for a time, once or every week.

A silence takes the alerts whose labels all of its matchers take. It says nothing about incidents:
what a silenced alert may still do is decided where alerts are (`fold`).
"""

from collections.abc import Iterator

from msgspec import Struct

from router.core.oncall.schedule import Restriction, windows
from router.core.rules.matcher import Matcher, takes


class TimeSpan(Struct, frozen=True):
    """From `start` until `end`, UTC epoch seconds."""

    start: float
    end: float

    def end_at(self, at: float) -> float | None:
        """Until when it goes on, if it does at `at`."""
        return self.end if self.start <= at < self.end else None

    def edges(self, _start: float, _end: float) -> Iterator[float]:
        """When it begins and ends, at least those of it between the two."""
        yield from (self.start, self.end)


class Weekly(Struct, frozen=True):
    """A window that comes again, by the clock of a time zone."""

    window: Restriction
    time_zone: str

    def end_at(self, at: float) -> float | None:
        """Until when it goes on, if it does at `at`."""
        ends = [
            end for start, end in windows(self.window, at, at, self.time_zone) if start <= at < end
        ]
        return max(ends, default=None)

    def edges(self, start: float, end: float) -> Iterator[float]:
        """Each time between the two at which it begins or ends, and some beyond."""
        for window in windows(self.window, start, end, self.time_zone):
            yield from window


class RecurringSilence(Struct, frozen=True):
    """`name` is what it's called everywhere: that of the config, or the id of one that a person has
    made.
    """

    name: str
    matchers: tuple[Matcher, ...]
    when: TimeSpan | Weekly
    by: str = ""
    comment: str = ""

    def until(self, labels: dict[str, str], at: float) -> float | None:
        """Until when an alert with these labels is silenced, if it is at `at`."""
        if isinstance(self.when, TimeSpan) and self.when.end_at(at) is None:
            return None  # as most are: those that are over are kept for a while
        return self.when.end_at(at) if takes(self.matchers, labels) else None

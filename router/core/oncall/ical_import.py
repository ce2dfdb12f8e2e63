"""Turns that somebody keeps in a calendar elsewhere: events of an iCalendar (RFC 5545), as the
shifts of a layer.

An event says who is on call by its attendees or, where none of them is a contact, by its title. Of
events at the same time the one that began last counts, as if it had been put on top. One whose
person isn't known counts as nobody's.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Any

from msgspec import Struct, structs

from router.core.oncall.local_time import instant
from router.core.oncall.recipients import People
from router.core.oncall.schedule import Imported, Layer, Schedule, Shift

MOST = 10_000
"""Events that a calendar may have in the time that's looked at: a turn an hour, for a year."""


class Turn(Struct, frozen=True):
    """An event of a calendar: local times by whatever clock, if they have no offset; `who` it may
    be about.
    """

    start: datetime
    end: datetime
    attendees: tuple[str, ...]
    title: str

    @property
    def who(self) -> str:
        """As people would say whose it is."""
        return self.title or ", ".join(self.attendees)


def read_turns(calendar: bytes, start: float, end: float) -> tuple[Turn, ...]:
    """The events that aren't over at `start` and begin before `end` (UTC epoch seconds), recurring
    ones each time.

    Raises: ValueError, if it isn't an iCalendar, or has more than MOST of them.
    """
    try:
        found = _events(calendar, start, end)
    except _TooMany:
        raise ValueError(f"more than {MOST} events in about a year") from None
    except Exception as error:  # whatever trips the library over what others wrote
        raise ValueError(f"not an iCalendar that can be read: {type(error).__name__}") from error
    return tuple(found)


class _TooMany(Exception):
    pass


def _events(calendar: bytes, start: float, end: float) -> list[Turn]:
    from icalendar import Calendar  # noqa: PLC0415 - this and the next take 0.2 s to load
    from recurring_ical_events import of  # noqa: PLC0415

    read = Calendar.from_ical(calendar)
    # Before they're counted: an event a second would take all the memory there is.
    if any(_often(event) for event in read.walk("VEVENT")):
        raise _TooMany
    edges = (datetime.fromtimestamp(edge, UTC) for edge in (start, end))
    found = of(read, skip_bad_series=True).between(*edges)
    if len(found) > MOST:
        raise _TooMany
    return [_turn(event) for event in found if str(event.get("status", "")).upper() != "CANCELLED"]


def _often(event: Any) -> bool:
    """Does it recur more often than every hour?"""
    given = event.get("rrule", [])
    return any(
        {"SECONDLY", "MINUTELY"} & {*rule.get("freq", [])}
        or any(len(rule.get(by, [])) > 1 for by in _WITHIN_AN_HOUR)
        for rule in (given if isinstance(given, list) else [given])
    )


_WITHIN_AN_HOUR = ("byminute", "bysecond")


def _turn(event: Any) -> Turn:
    return Turn(
        _moment(event.start),
        _moment(event.end),
        tuple(_attendees(event)),
        str(event.get("summary", "")),
    )


def _moment(at: date) -> datetime:
    """Whole days begin at midnight, by the clock of the layer."""
    return at if isinstance(at, datetime) else datetime.combine(at, time())


def _attendees(event: Any) -> Iterator[str]:
    given = event.get("attendee", [])
    for one in given if isinstance(given, list) else [given]:
        yield re.sub("^mailto:", "", str(one), flags=re.IGNORECASE)


def whose(turn: Turn, called: Mapping[str, str]) -> str:
    """The contact it's about, "" if that isn't clear.

    `called` are the contacts by what they're called, in lower case: their key, name and e-mail. The
    title may be that, or have it in it among other words, as long as it's one contact's only.
    """
    for text in (*turn.attendees, turn.title):
        if contact := called.get(text.strip().casefold()):
            return contact
    title = turn.title.casefold()
    found = {
        contact
        for name, contact in called.items()
        if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w@-]|\.\w)", title)
    }
    return found.pop() if len(found) == 1 else ""


def disjoint(shifts: Iterable[Shift]) -> tuple[Shift, ...]:
    """In order and without overlaps: at each time the one that began last, of several the one that
    ends first.
    """
    waiting = sorted(
        shifts, key=lambda shift: (shift.start, -shift.end, shift.contact), reverse=True
    )
    edges = sorted({edge for shift in waiting for edge in (shift.start, shift.end)})
    under_way: list[Shift] = []
    found: list[Shift] = []
    for start, end in pairwise(edges):
        while waiting and waiting[-1].start <= start:
            under_way.append(waiting.pop())
        under_way = [shift for shift in under_way if shift.end > start]
        if not under_way:
            continue
        contact = under_way[-1].contact
        if found and found[-1].end == start and found[-1].contact == contact:
            found[-1] = structs.replace(found[-1], end=end)
        else:
            found.append(Shift(contact, start, end))
    return tuple(found)


def imported(
    people: People, calendars: Mapping[str, Iterable[Turn]]
) -> tuple[People, dict[str, tuple[str, ...]]]:
    """`people`, with the turns of these calendars in the layers that they're for; by schedule, who
    isn't known.
    """
    unknown: dict[str, tuple[str, ...]] = {}
    schedules = dict(people.schedules)
    for name, schedule in people.schedules.items():
        strangers: dict[str, None] = {}
        layers = tuple(
            _filled(layer, schedule, people.called, calendars, strangers)
            for layer in schedule.layers
        )
        schedules[name] = structs.replace(schedule, layers=layers)
        if strangers:
            unknown[name] = tuple(strangers)
    return replace(people, schedules=schedules), unknown


def _filled(
    layer: Layer,
    schedule: Schedule,
    called: Mapping[str, str],
    calendars: Mapping[str, Iterable[Turn]],
    strangers: dict[str, None],
) -> Layer:
    if not isinstance(layer.turns, Imported) or layer.turns.source not in calendars:
        return layer
    zone = layer.time_zone or schedule.time_zone
    shifts = []
    for turn in calendars[layer.turns.source]:
        start, end = (
            at.timestamp() if at.tzinfo else instant(at, zone) for at in (turn.start, turn.end)
        )
        contact = whose(turn, called)
        if not contact:
            strangers[turn.who] = None
        if start < end:
            shifts.append(Shift(contact, start, end))
    known = tuple(shift for shift in disjoint(shifts) if shift.contact)
    return structs.replace(layer, turns=structs.replace(layer.turns, shifts=known))

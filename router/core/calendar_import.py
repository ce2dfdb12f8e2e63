"""Shifts from somebody else's iCalendar (RFC 5545): events whose attendee or title names who is on call."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, cast

import recurring_ical_events  # type: ignore[import-untyped]  # it has no py.typed
from icalendar import Calendar, Component, Event
from msgspec import Struct

from router.core.schedule import Shift
from router.core.wall import DAY, at_minute, instant


class Person(Struct, frozen=True):
    """A contact, and what they're known by in calendars."""

    contact: str
    name: str = ""
    email: str = ""


class Imported(Struct, frozen=True):
    """The shifts in order of time, and the titles of the events that name none of the people."""

    shifts: tuple[Shift, ...]
    unknown: tuple[str, ...]


def read_calendar(text: str, people: Sequence[Person], start: float, end: float, time_zone: str) -> Imported:
    """The shifts that touch the time from `start` until `end`, uncut, with every recurrence as one of its own.

    An event is of the attendees whom we know by their e-mail address or name, except who declined; else of everybody
    whose name, address or contact key is in its title. Times without a zone are of `time_zone`. Raises: ValueError.
    """
    try:
        return _read(Calendar.from_ical(text), people, start, end, time_zone)
    # The libraries raise whatever comes of it where a calendar is damaged: TypeError, AttributeError, KeyError.
    except Exception as error:
        raise ValueError(f"not an iCalendar that can be read: {error}") from error


def _read(calendar: Component, people: Sequence[Person], start: float, end: float, time_zone: str) -> Imported:
    found: set[Shift] = set()
    unknown: dict[str, None] = {}
    for event in _events(calendar, start, end):
        begin, until = _instant(event.start, time_zone), _instant(event.end, time_zone)
        if begin >= until or until <= start or begin >= end:
            continue
        contacts = _contacts(event, people)
        found.update(Shift(contact, begin, until) for contact in contacts)
        if not contacts:
            unknown[str(event.get("summary", ""))] = None
    return Imported(tuple(sorted(found, key=lambda one: (one.start, one.end, one.contact))), tuple(unknown))


def _events(calendar: Component, start: float, end: float) -> Iterator[Any]:
    for event in calendar.walk("VEVENT"):
        # A shift by the minute is a mistake or a trap: a year of it is half a million events.
        if any(_too_often(rule) for rule in cast("Event", event).rrules):
            raise ValueError(f"an event recurs more often than hourly: {event.get('summary', '')}")
    # A day more on each side, for events without a zone: what they mean is only known to us.
    query = recurring_ical_events.of(calendar)
    events = query.between(datetime.fromtimestamp(start, UTC) - DAY, datetime.fromtimestamp(end, UTC) + DAY)
    return (event for event in events if event.get("status", "").upper() != "CANCELLED")


def _too_often(rule: Mapping[str, Sequence[str]]) -> bool:
    return not {"SECONDLY", "MINUTELY"}.isdisjoint(rule.get("FREQ", ())) or "BYSECOND" in rule or "BYMINUTE" in rule


def _instant(when: date, time_zone: str) -> float:
    if not isinstance(when, datetime):
        return instant(at_minute(when, 0), time_zone)
    return when.timestamp() if when.tzinfo else instant(when, time_zone)


def _contacts(event: Any, people: Sequence[Person]) -> tuple[str, ...]:
    attending = [one for one in event.attendees if one.params.get("PARTSTAT", "").upper() != "DECLINED"]
    known = {key.casefold(): one.contact for one in people for key in (one.email, one.name) if key}
    keys = [key.casefold() for one in attending for key in (one, one.params.get("CN", ""))]
    attendees = dict.fromkeys(known[key] for key in (key.removeprefix("mailto:") for key in keys) if key in known)
    return tuple(attendees or _named(str(event.get("summary", "")), people))


def _named(title: str, people: Sequence[Person]) -> list[str]:
    """Whom a title names, by whole words; the longest name first, so that Ana Lima isn't taken for Ana."""
    known = {key.casefold(): one.contact for one in people for key in (one.contact, one.name, one.email) if key}
    if not known:
        return []
    names = "|".join(re.escape(key) for key in sorted(known, key=len, reverse=True))
    return [known[name] for name in dict.fromkeys(re.findall(rf"(?<!\w)(?:{names})(?!\w)", title.casefold()))]

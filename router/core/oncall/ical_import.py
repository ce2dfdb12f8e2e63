"""On-call shifts from an external calendar: events of an iCalendar (RFC 5545).

An event names the person on call by its attendees or, if none of them is a contact, by its title.
If events overlap, the one that began last counts. An event with an unknown person puts nobody on
call. An event about an absence, such as a vacation, is not a shift.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from msgspec import Struct, structs

from router.core.oncall.local_time import instant
from router.core.oncall.recipients import People
from router.core.oncall.schedule import Imported, Layer, Schedule, Shift

MOST = 10_000
"""Maximum events in the period: hourly shifts for a year."""

OLDEST = 200_000
"""Maximum recurrences of an event since its start: past recurrences must be generated, too."""


class Turn(Struct, frozen=True):
    """On-call data of a calendar event.

    `start` and `end` are local times in the layer's time zone if they have no offset. `lasts`:
    seconds to add to `end`, for a duration in hours, which stays exact when the clocks change.
    `absence`: the event is about an absence.
    """

    start: datetime
    end: datetime
    attendees: tuple[str, ...]
    title: str
    lasts: float = 0.0
    declined: tuple[str, ...] = ()
    absence: bool = False

    @property
    def who(self) -> str:
        """The person's name in the event, for a warning."""
        return self.title or ", ".join(self.attendees or self.declined)


def read_turns(calendar: bytes, start: float, end: float) -> tuple[Turn, ...]:
    """The events that overlap the period (UTC epoch seconds), with each recurrence.

    Raises: ValueError, if `calendar` isn't an iCalendar or would have too many events.
    """
    try:
        return tuple(_turns(calendar, start, end))
    except _Refused as error:
        raise ValueError(str(error)) from None
    except Exception as error:  # the library raises various errors on bad input
        raise ValueError(f"not a readable iCalendar: {type(error).__name__}") from error


class _Refused(Exception):
    pass


_TOO_MANY = f"more than {MOST} events in about a year"


def _turns(calendar: bytes, start: float, end: float) -> list[Turn]:
    from icalendar import Calendar  # noqa: PLC0415 - this and the next take 0.2 s to load
    from recurring_ical_events import of  # noqa: PLC0415

    # One stream may hold several calendars (RFC 5545, 3.4).
    calendars = Calendar.from_ical(_with_raw_durations(calendar), multiple=True)
    if not calendars or any(calendar.name != "VCALENDAR" for calendar in calendars):
        raise _Refused("not a readable iCalendar: it has no VCALENDAR")
    _check_recurrence([event for each in calendars for event in each.walk("VEVENT")], start, end)
    period = [datetime.fromtimestamp(edge, UTC) for edge in (start, end)]
    found = [
        event for each in calendars for event in of(each, skip_bad_series=True).between(*period)
    ]
    if len(found) > MOST:
        raise _Refused(_TOO_MANY)
    cancelled = {"CANCELLED"}
    return [
        _turn(event) for event in found if str(event.get("status", "")).upper() not in cancelled
    ]


# --- recurrence, bounded before it is expanded

_EXACTLY = {"HOURLY": 3600.0, "DAILY": 86_400.0, "WEEKLY": 604_800.0}
_FREQUENCIES = _EXACTLY | {"MONTHLY": 28 * 86_400.0, "YEARLY": 365 * 86_400.0}


def _check_recurrence(events: Iterable[Any], start: float, end: float) -> None:
    """Raises: _Refused, if expanding the rules could use too much time or memory."""
    total = 0.0
    for event in events:
        for rule in (*_listed(event, "rrule"), *_listed(event, "exrule")):
            total += _count(event, rule, start, end)
    if total > MOST:
        raise _Refused(_TOO_MANY)


def _listed(event: Any, name: str) -> list[Any]:
    given = event.get(name, [])
    return given if isinstance(given, list) else [given]


def _count(event: Any, rule: Any, start: float, end: float) -> float:
    """The minimum number of the event's recurrences in the period. Raises: _Refused."""
    frequency = str(next(iter(rule.get("freq", ["DAILY"])))).upper()
    if frequency not in _FREQUENCIES or any(len(rule.get(by, [])) > 1 for by in _WITHIN_AN_HOUR):
        raise _Refused(_TOO_MANY)
    interval = next(iter(rule.get("interval", [1])))
    if interval < 1:
        title = str(event.get("summary", ""))
        raise _Refused(f"the event '{title}' recurs with INTERVAL={interval}: it would never end")
    begun = _epoch(event)
    if begun is None:
        return 0.0  # skipped when the rules are expanded
    turn = _FREQUENCIES[frequency] * interval
    if (end - begun) / turn > OLDEST:
        raise _Refused(f"an event recurs more than {OLDEST} times since its start")
    last = min((end, *(_seconds(until) for until in rule.get("until", []))))
    each = len(rule.get("byhour", [0])) * (len(rule.get("byday", [0])) if turn >= 604_800 else 1)
    fewer = frequency not in _EXACTLY or (turn < 604_800 and any(by in rule for by in _FILTERS))
    expected = 0.0 if fewer else max(0.0, last - max(begun, start)) / turn * each
    return min((expected, *map(float, rule.get("count", []))))


_WITHIN_AN_HOUR = ("byminute", "bysecond")
_FILTERS = ("byday", "bymonth", "bymonthday", "byyearday", "byweekno", "bysetpos")


def _epoch(event: Any) -> float | None:
    begin = getattr(event.get("dtstart"), "dt", None)
    return _seconds(begin) if isinstance(begin, date) else None


def _seconds(at: date) -> float:
    moment = _moment(at)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


# --- one event

_DURATION_LINE = re.compile(rb"^DURATION[^:\r\n]*:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_DURATION = re.compile(
    r"\+?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE
)
_RAW = "X-ALERT-ROUTER-DURATION"


def _with_raw_durations(calendar: bytes) -> bytes:
    """Keep each DURATION as written: the library reads PT24H as a day, which may have 23 hours."""
    unfolded = re.sub(rb"\r?\n[ \t]", b"", calendar)
    return _DURATION_LINE.sub(rb"\g<0>\r\n" + _RAW.encode() + rb":\1", unfolded)


def _turn(event: Any) -> Turn:
    start, end, lasts = _moment(event.start), _moment(event.end), 0.0
    if duration := _DURATION.fullmatch(str(event.get(_RAW, "")).strip()):
        # Weeks and days are nominal, and hours to seconds exact (RFC 5545, 3.3.6).
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in duration.groups())
        end, lasts = (
            start + timedelta(weeks=weeks, days=days),
            hours * 3600.0 + minutes * 60 + seconds,
        )
    attending, declined = _attendees(event)
    title = str(event.get("summary", ""))
    return Turn(start, end, attending, title, lasts, declined, _is_absence(event, title))


def _moment(at: date) -> datetime:
    """Start of a whole day is midnight in the layer's time zone."""
    return at if isinstance(at, datetime) else datetime.combine(at, time())


def _attendees(event: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The attendees, without `mailto:`, and those who declined."""
    attending: list[str] = []
    declined: list[str] = []
    for attendee in _listed(event, "attendee"):
        parameters = getattr(attendee, "params", {})
        away = str(parameters.get("partstat", "")).upper() in {"DECLINED", "DELEGATED"}
        informed = str(parameters.get("role", "")).upper() == "NON-PARTICIPANT"
        name = re.sub("^mailto:", "", str(attendee), flags=re.IGNORECASE)
        (declined if away or informed else attending).append(name)
    return tuple(attending), tuple(declined)


_AWAY = re.compile(
    r"\b(vacations?|holidays?|annual leave|(on|parental|maternity|paternity|sick) leave|leave|pto"
    r"|ooo|out[ -]of[ -](the[ -])?office|oof|days? off|time off|off sick|sick( day)?|unavailable"
    r"|absent"
    r"|absence|away|off$|ferien|sabbatical|birthday|anniversary|geburtstag|urlaub|krank|abwesend|elternzeit"
    r"|cong[ée]s?|vacances|vacaciones|ferie|f[ée]rias|verlof|vakantie)\b",
    re.IGNORECASE,
)
_ON_CALL = re.compile(
    r"\b(on[ -]?call|oncall|duty|shift|cover(s|ing)?|rota|primary|secondary|stand[ -]?by|pager"
    r"|bereitschaft|rufbereitschaft|astreinte|guardia)\b",
    re.IGNORECASE,
)


def _is_absence(event: Any, title: str) -> bool:
    """Check if the event is about an absence. Words for on-call in the title take precedence.

    TRANSP is ignored, because calendars mark all-day shifts as transparent, too.
    """
    if _ON_CALL.search(title):
        return False
    busy = str(event.get("x-microsoft-cdo-busystatus", "")).strip().upper()
    return busy == "OOF" or bool(_AWAY.search(" ".join((title, *_categories(event)))))


def _categories(event: Any) -> Iterator[str]:
    for category in _listed(event, "categories"):
        yield from map(str, getattr(category, "cats", [category]))


# --- turns into shifts


def whose(turn: Turn, called: Mapping[str, str]) -> str:
    """The contact that this event puts on call; "" if unknown or ambiguous.

    `called`: contacts by their key, name and e-mail, in lower case. The title may be one of these,
    or may contain exactly one of these among other words. People who declined are ignored.
    """
    away = {called.get(text.strip().casefold(), "") for text in turn.declined}
    for text in (*turn.attendees, turn.title):
        contact = called.get(text.strip().casefold())
        if contact and contact not in away:
            return contact
    title = turn.title.casefold()
    found = {contact for name, contact in called.items() if _names(title, name)} - away
    return found.pop() if len(found) == 1 else ""


def _names(title: str, name: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w@-]|\.\w)", title) is not None


def disjoint(shifts: Iterable[Shift]) -> tuple[Shift, ...]:
    """Shifts in order and without overlaps.

    At each time the shift that began last counts. If several began last, the one that ends first.
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
    """`people` with these calendars' shifts in their layers, and unknown names by schedule."""
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
        if turn.absence:
            continue
        start, end = _at(turn.start, zone), _at(turn.end, zone) + turn.lasts
        contact = whose(turn, called)
        if not contact:
            strangers[turn.who] = None
        if start < end:
            shifts.append(Shift(contact, start, end))
    known = tuple(shift for shift in disjoint(shifts) if shift.contact)
    return structs.replace(layer, turns=structs.replace(layer.turns, shifts=known))


def _at(moment: datetime, zone: str) -> float:
    return moment.timestamp() if moment.tzinfo else instant(moment, zone)

"""On-call shifts as an iCalendar feed (RFC 5545) for calendar programs.

Each shift is a separate event in UTC, not a recurrence, so calendar programs can't get clock
changes wrong.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event

from router.core.oncall.schedule import Shift

WEEK = 604_800.0

POLL_EVERY = timedelta(hours=1)
"""The suggested refresh interval. Most programs ignore it."""


def feed_window(at: float) -> tuple[float, float]:
    """The period of a feed: about a month back to three months ahead, in UTC epoch seconds.

    It moves once a week, on Thursdays (the epoch began on a Thursday). So a shift that is cut off
    at the edge keeps its UID for a week, and frequent polls get identical bytes.
    """
    week = at // WEEK * WEEK
    return week - 4 * WEEK, week + 14 * WEEK


def render_calendar(
    title: str,
    shifts: Mapping[str, Sequence[Shift]],
    *,
    names: Mapping[str, str],
    host: str,
    at: float,
) -> bytes:
    """The calendar of one schedule, or of one person over several.

    Args:
        title: the calendar's name.
        shifts: by the schedule's name.
        names: the names of contacts; a contact without a name is shown by its key.
        host: the router's host name, which makes the UIDs globally unique.
        at: the last change of the schedules (UTC epoch seconds), such as the load of the config.
            The same `at` gives the same bytes; a later one tells programs to update.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//alert-router//on-call//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    # Few programs read the properties of RFC 7986, so add the common ones for name and refresh.
    calendar.add("name", title)
    calendar.add("x-wr-calname", title)
    calendar.add("refresh-interval", POLL_EVERY, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for schedule, shift in sorted(
        ((schedule, shift) for schedule, those in shifts.items() for shift in those),
        key=lambda shift: (shift[1].start, shift[0], shift[1].contact),
    ):
        name = names.get(shift.contact) or shift.contact
        calendar.add_component(_event(schedule, shift, name, host, at))
    rendered: bytes = calendar.to_ical()
    return rendered


def _event(schedule: str, shift: Shift, name: str, host: str, at: float) -> Event:
    start = _utc(shift.start)
    event = Event()
    event.add("uid", f"{schedule}-{start:%Y-%m-%dT%H:%M:%SZ}-{shift.contact}@{host}")
    event.add("dtstamp", _utc(at))
    event.add("last-modified", _utc(at))
    # SEQUENCE may never decrease and must fit 32 bits. Minutes do, without a stored counter.
    event.add("sequence", int(at // 60))
    event.add("dtstart", start)
    event.add("dtend", _utc(shift.end))
    event.add("summary", f"On call: {name} ({schedule})")
    event.add("transp", "TRANSPARENT")
    event.add("status", "CONFIRMED")
    return event


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(int(at), UTC)

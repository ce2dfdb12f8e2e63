"""On-call shifts as an iCalendar (RFC 5545) that calendar programs subscribe to.

Each shift is an event of its own in UTC, not a recurrence: so what the clocks do is ours to say,
and no program's.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event

from router.core.oncall.schedule import Shift

WEEK = 604_800.0

POLL_EVERY = timedelta(hours=1)
"""How often programs are asked to look again. Most look when they like."""


def feed_window(at: float) -> tuple[float, float]:
    """What a feed has in it: from about a month ago until about three months ahead, in UTC epoch
    seconds.

    It moves once a week (Thursdays, as the epoch began on one), so that a shift that is cut by its
    edge keeps its UID meanwhile, and a feed that is polled every few minutes is the same, byte for
    byte.
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
        title: what calendar programs call it.
        shifts: by the schedule's name.
        names: what each contact is called; one that isn't there is called by its key.
        host: the router's host name, which makes the UIDs unique in the world.
        at: when the schedules last changed (UTC epoch seconds), say, when the config was loaded.
        The same `at` gives
            the same bytes, and a later one tells programs that theirs is out of date.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//alert-router//on-call//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    # The name of RFC 7986, which few read, and the one that all do; the same for how often to look.
    calendar.add("name", title)
    calendar.add("x-wr-calname", title)
    calendar.add("refresh-interval", POLL_EVERY, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for schedule, shift in sorted(
        ((schedule, shift) for schedule, those in shifts.items() for shift in those),
        key=lambda one: (one[1].start, one[0], one[1].contact),
    ):
        calendar.add_component(
            _event(schedule, shift, names.get(shift.contact) or shift.contact, host, at)
        )
    rendered: bytes = calendar.to_ical()
    return rendered


def _event(schedule: str, shift: Shift, name: str, host: str, at: float) -> Event:
    start = _utc(shift.start)
    event = Event()
    event.add("uid", f"{schedule}-{start:%Y-%m-%dT%H:%M:%SZ}-{shift.contact}@{host}")
    event.add("dtstamp", _utc(at))
    event.add("last-modified", _utc(at))
    # Never less than it was, without a count to keep: minutes, since it has to fit 32 bits.
    event.add("sequence", int(at // 60))
    event.add("dtstart", start)
    event.add("dtend", _utc(shift.end))
    event.add("summary", f"On call: {name} ({schedule})")
    event.add("transp", "TRANSPARENT")
    event.add("status", "CONFIRMED")
    return event


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(int(at), UTC)

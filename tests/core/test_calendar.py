"""Shifts to iCalendar and back, read by the libraries that others use."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from router.core.calendar import feed_window, render_calendar
from router.core.calendar_import import Imported, Person, read_calendar
from router.core.schedule import Shift

AT = datetime(2026, 11, 23, 10, tzinfo=UTC).timestamp()
HOUR, DAY, WEEK = 3600.0, 86_400.0, 604_800.0
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC).timestamp()
NAMES = {"ana": "Ana Lima", "ben": "Ben"}
PEOPLE = [
    Person("ana", "Ana Lima", "ana@example.com"),
    Person("ben", "Ben", "ben@example.com"),
    Person("ana2", "Ana", "other@example.com"),
]
WEEKS = [Shift("ana", MONDAY, MONDAY + WEEK), Shift("ben", MONDAY + WEEK, MONDAY + 2 * WEEK)]


def rendered(*shifts: Shift, title: str = "Primary on-call", at: float = AT) -> bytes:
    return render_calendar(title, {"primary": shifts}, names=NAMES, host="router.example.com", at=at)


# --- out


def test_each_shift_is_an_event_in_utc() -> None:
    """As a calendar program reads it."""
    calendar = Calendar.from_ical(rendered(*WEEKS))
    assert (calendar["version"], calendar["method"], calendar["x-wr-calname"]) == ("2.0", "PUBLISH", "Primary on-call")
    assert calendar.refresh_interval == timedelta(hours=1)
    first, second = calendar.events
    assert (first.start, first.end) == (datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 30, 9, tzinfo=UTC))
    assert first["summary"] == "On call: Ana Lima (primary)"
    assert first["uid"] == "primary-2026-11-23T09:00:00Z-ana@router.example.com"
    assert first.stamp == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert (first["transp"], first["status"]) == ("TRANSPARENT", "CONFIRMED")
    assert second["summary"] == "On call: Ben (primary)"


def test_a_person_s_calendar_has_their_shifts_of_every_schedule_in_order() -> None:
    """And says which schedule each is of; who has no name is called by their key."""
    shifts = {"primary": [Shift("cy", 200, 300)], "backup": [Shift("cy", 0, 100), Shift("cy", 400, 500)]}
    calendar = Calendar.from_ical(render_calendar("Cy on call", shifts, names={}, host="h", at=AT))
    assert [str(event["summary"]) for event in calendar.events] == [
        "On call: cy (backup)", "On call: cy (primary)", "On call: cy (backup)",
    ]  # fmt: skip
    assert len({event["uid"] for event in calendar.events}) == 3


def test_the_same_shifts_are_the_same_bytes_and_a_later_config_is_newer() -> None:
    """What is polled often isn't new each time; an event that changed has its UID still, and a higher sequence."""
    assert rendered(*WEEKS) == rendered(*reversed(WEEKS))
    longer = Shift("ana", MONDAY, MONDAY + WEEK + DAY)
    (old,), (new,) = (Calendar.from_ical(rendered(s, at=at)).events for s, at in [(WEEKS[0], AT), (longer, AT + DAY)])
    assert old["uid"] == new["uid"]
    assert old["sequence"] < new["sequence"] < 2**31


def test_nobody_s_calendar_is_an_empty_one() -> None:
    """A feed without shifts is still a calendar."""
    assert Calendar.from_ical(rendered()).events == []


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=120))
def test_any_title_and_name_is_text_in_short_lines(text: str) -> None:
    """Nothing in a name ends a line or begins a property; lines are folded at 75 octets."""
    out = render_calendar(text, {"primary": WEEKS}, names={"ana": text}, host="h", at=AT)
    assert all(len(line) <= 75 for line in out.split(b"\r\n"))
    calendar = Calendar.from_ical(out)
    assert calendar["x-wr-calname"] == text
    assert calendar.events[0]["summary"] == f"On call: {text or 'ana'} (primary)"


@given(st.floats(1e9, 4e9), st.floats(0, WEEK))
def test_a_feed_s_window_holds_the_month_before_and_the_quarter_after(at: float, later: float) -> None:
    """And moves at most once in a week."""
    start, end = feed_window(at)
    assert start <= at - 28 * DAY
    assert end >= at + 90 * DAY
    assert feed_window(at + later)[0] - start in (0, WEEK)


# --- in


def event(*lines: str, summary: str = "ben", start: str = "20261123T090000Z", end: str = "20261123T170000Z") -> str:
    return "\r\n".join(
        ["BEGIN:VEVENT", f"UID:{summary}{start}", f"SUMMARY:{summary}", f"DTSTART:{start}", f"DTEND:{end}", *lines,
         "DTSTAMP:20260101T000000Z", "END:VEVENT", ""]
    )  # fmt: skip


def calendar(*events: str, more: str = "") -> str:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{more}{''.join(events)}END:VCALENDAR\r\n"


def read(text: str, days: float = 7, zone: str = "Europe/London") -> Imported:
    return read_calendar(text, PEOPLE, MONDAY, MONDAY + days * DAY, zone)


def hours(imported: Imported) -> list[tuple[str, float, float]]:
    """Each shift in hours from Monday 09:00 UTC."""
    return [(one.contact, (one.start - MONDAY) / HOUR, (one.end - MONDAY) / HOUR) for one in imported.shifts]


def test_our_own_calendar_is_read_back() -> None:
    """Another router, or this one, can follow a schedule by its feed."""
    assert read(rendered(*WEEKS).decode(), days=14) == Imported(tuple(WEEKS), ())


ATTENDEES = [
    (["ATTENDEE:mailto:ben@example.com"], "whoever", ["ben"]),
    (["ATTENDEE:MAILTO:Ben@Example.com"], "whoever", ["ben"]),
    (["ATTENDEE;CN=Ana Lima:mailto:private@example.org"], "whoever", ["ana"]),
    (["ATTENDEE:mailto:ben@example.com"], "Ana Lima", ["ben"]),
    (["ATTENDEE:mailto:ben@example.com", "ATTENDEE:mailto:ana@example.com"], "both", ["ana", "ben"]),
    (["ATTENDEE;PARTSTAT=DECLINED:mailto:ben@example.com", "ATTENDEE:mailto:ana@example.com"], "x", ["ana"]),
    (["ATTENDEE:mailto:stranger@example.com"], "Ben's on call", ["ben"]),
    ([], "Ana Lima", ["ana"]),
    ([], "On-call: ana lima (primary)", ["ana"]),
    ([], "Ana is on call", ["ana2"]),
    ([], "Ana Lima & Ben", ["ana", "ben"]),
    ([], "primary: ben@example.com", ["ben"]),
    ([], "Benjamin", []),
    ([], "", []),
]


@pytest.mark.parametrize(("lines", "summary", "contacts"), ATTENDEES)
def test_an_event_is_of_its_attendees_or_of_whom_its_title_names(
    lines: list[str], summary: str, contacts: list[str]
) -> None:
    """By address, by name, by whole words; and an event of nobody we know is told of."""
    found = read(calendar(event(*lines, summary=summary)))
    assert [shift.contact for shift in found.shifts] == contacts
    assert found.unknown == (() if contacts else (summary,))


RECURRENCES = [
    (event("RRULE:FREQ=DAILY;COUNT=3"), 7, [(0, 8), (24, 32), (48, 56)]),
    (event("RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20261124T090000Z"), 7, [(0, 8), (48, 56)]),
    (event("RRULE:FREQ=WEEKLY;BYDAY=MO,WE", start="20200106T090000Z", end="20200106T170000Z"), 7, [(0, 8), (48, 56)]),
    (event(start="20261123", end="20261125"), 7, [(-9, 39)]),
    (event(start="20261123T090000", end="20261123T170000"), 7, [(0, 8)]),
    (event("STATUS:CANCELLED"), 7, []),
    (event(start="20261122T090000Z", end="20261123T090000Z"), 7, []),
    (event(start="20261122T090000Z", end="20261123T090001Z"), 7, [(-24, 1 / 3600)]),
    (event(start="20261130T090000Z", end="20261130T170000Z"), 7, []),
]


@pytest.mark.parametrize(("one", "days", "expected"), RECURRENCES)
def test_recurrences_are_expanded_within_the_time_asked_about(
    one: str, days: float, expected: list[tuple[float, float]]
) -> None:
    """Each is a shift, as long as it is; days and times without a zone are local."""
    assert [(start, end) for _, start, end in hours(read(calendar(one), days))] == expected


def test_times_without_a_zone_are_of_the_zone_given() -> None:
    """A day in Kolkata begins in the evening before."""
    found = read(calendar(event(start="20261124", end="20261125")), zone="Asia/Kolkata")
    assert hours(found) == [("ben", 9.5, 33.5)]


def test_a_recurrence_keeps_its_local_time_when_the_clocks_change() -> None:
    """09:00 in New York on both sides of it."""
    zone = "DTSTART;TZID=America/New_York:20261030T090000\r\nDTEND;TZID=America/New_York:20261030T100000"
    one = event("RRULE:FREQ=DAILY;COUNT=4").replace("DTSTART:20261123T090000Z\r\nDTEND:20261123T170000Z", zone)
    found = read_calendar(calendar(one), PEOPLE, MONDAY - 40 * DAY, MONDAY, "UTC")
    assert [datetime.fromtimestamp(shift.start, UTC).hour for shift in found.shifts] == [13, 13, 14, 14]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ""),
        ("<html></html>", ""),
        (calendar(event(start="yesterday")), ""),
        (calendar(event("RRULE:FREQ=SECONDLY")), "an event recurs more often than hourly: ben"),
        (calendar(event("RRULE:FREQ=DAILY;BYMINUTE=1,2,3")), "an event recurs more often than hourly: ben"),
    ],
)
def test_what_is_not_a_calendar_says_so(text: str, message: str) -> None:
    """Whatever a URL serves, it's one kind of error."""
    with pytest.raises(ValueError, match=f"^not an iCalendar that can be read: {message}"):
        read(text)


@given(st.data())
def test_a_damaged_calendar_is_read_or_refused_never_anything_else(data: st.DataObject) -> None:
    """A line lost, doubled or cut short."""
    whole = calendar(event("RRULE:FREQ=DAILY;COUNT=3", *ATTENDEES[4][0]), event("RRULE:FREQ=WEEKLY", summary="Ana"))
    lines = whole.split("\r\n")
    for _ in range(data.draw(st.integers(1, 3))):
        number = data.draw(st.integers(0, len(lines) - 1))
        cut = data.draw(st.integers(0, len(lines[number])))
        lines[number : number + 1] = data.draw(st.sampled_from([[], [lines[number]] * 2, [lines[number][:cut]]]))
    try:
        found = read("\r\n".join(lines))
    except ValueError:
        return
    assert all(shift.start < shift.end for shift in found.shifts)

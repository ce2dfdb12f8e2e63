"""Shifts to iCalendar, read by the library that others use."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from router.core.oncall.ical_feed import feed_window, render_calendar
from router.core.oncall.schedule import Shift

AT = datetime(2026, 11, 23, 10, tzinfo=UTC).timestamp()
HOUR, DAY, WEEK = 3600.0, 86_400.0, 604_800.0
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC).timestamp()
NAMES = {"ana": "Ana Lima", "ben": "Ben"}
WEEKS = [Shift("ana", MONDAY, MONDAY + WEEK), Shift("ben", MONDAY + WEEK, MONDAY + 2 * WEEK)]


def rendered(*shifts: Shift, title: str = "Primary on-call", at: float = AT) -> bytes:
    return render_calendar(
        title, {"primary": shifts}, names=NAMES, host="router.example.com", at=at
    )


def test_each_shift_is_an_event_in_utc() -> None:
    """As a calendar program reads it."""
    calendar = Calendar.from_ical(rendered(*WEEKS))
    assert (calendar["version"], calendar["method"], calendar["x-wr-calname"]) == (
        "2.0",
        "PUBLISH",
        "Primary on-call",
    )
    assert calendar.refresh_interval == timedelta(hours=1)
    first, second = calendar.events
    assert (first.start, first.end) == (
        datetime(2026, 11, 23, 9, tzinfo=UTC),
        datetime(2026, 11, 30, 9, tzinfo=UTC),
    )
    assert first["summary"] == "On call: Ana Lima (primary)"
    assert first["uid"] == "primary-2026-11-23T09:00:00Z-ana@router.example.com"
    assert first.stamp == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert (first["transp"], first["status"]) == ("TRANSPARENT", "CONFIRMED")
    assert second["summary"] == "On call: Ben (primary)"


def test_a_person_s_calendar_has_their_shifts_of_every_schedule_in_order() -> None:
    """And says which schedule each is of; who has no name is called by their key."""
    shifts = {
        "primary": [Shift("cy", 200, 300)],
        "backup": [Shift("cy", 0, 100), Shift("cy", 400, 500)],
    }
    calendar = Calendar.from_ical(render_calendar("Cy on call", shifts, names={}, host="h", at=AT))
    assert [str(event["summary"]) for event in calendar.events] == [
        "On call: cy (backup)", "On call: cy (primary)", "On call: cy (backup)",
    ]  # fmt: skip
    assert len({event["uid"] for event in calendar.events}) == 3


def test_the_same_shifts_are_the_same_bytes_and_a_later_config_is_newer() -> None:
    """Polling returns the same bytes; a changed event keeps its UID and gets a higher sequence."""
    assert rendered(*WEEKS) == rendered(*reversed(WEEKS))
    longer = Shift("ana", MONDAY, MONDAY + WEEK + DAY)
    (old,), (new,) = (
        Calendar.from_ical(rendered(s, at=at)).events
        for s, at in [(WEEKS[0], AT), (longer, AT + DAY)]
    )
    assert old["uid"] == new["uid"]
    assert old["sequence"] < new["sequence"] < 2**31


def test_nobody_s_calendar_is_an_empty_one() -> None:
    """A feed without shifts is still a calendar."""
    assert Calendar.from_ical(rendered()).events == []


# icalendar reads a backslash before an n as a line end, even where it writes that itself.
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=120).filter(
        lambda t: "\\n" not in t.lower()
    )
)
def test_any_title_and_name_is_text_in_short_lines(text: str) -> None:
    """Nothing in a name ends a line or begins a property; lines are folded at 75 octets."""
    out = render_calendar(text, {"primary": WEEKS}, names={"ana": text}, host="h", at=AT)
    assert all(len(line) <= 75 for line in out.split(b"\r\n"))
    calendar = Calendar.from_ical(out)
    assert calendar["x-wr-calname"] == text
    assert calendar.events[0]["summary"] == f"On call: {text or 'ana'} (primary)"


@given(st.floats(1e9, 4e9), st.floats(0, WEEK))
def test_a_feed_s_window_holds_the_month_before_and_the_quarter_after(
    at: float, later: float
) -> None:
    """And moves at most once in a week."""
    start, end = feed_window(at)
    assert start <= at - 28 * DAY
    assert end >= at + 90 * DAY
    assert feed_window(at + later)[0] - start in (0, WEEK)

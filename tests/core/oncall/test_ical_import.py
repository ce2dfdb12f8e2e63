"""Turns from calendars that others keep: whose an event is, when, and which of several counts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.oncall.ical_import import Turn, disjoint, imported, read_turns, whose
from router.core.oncall.recipients import People
from router.core.oncall.rotation import Rotate
from router.core.oncall.schedule import (
    Imported,
    Layer,
    Restriction,
    Schedule,
    Shift,
    on_call,
    shifts,
)
from tests.core.oncall.test_schedule import (
    DAY,
    HOUR,
    LONDON,
    MON,
    NEW_YORK,
    at,
    rotation,
    schedule,
    shown,
)

BEGIN, END = at("2026-03-16 00:00"), at("2026-11-30 00:00")
CALLED = {
    "ana": "ana",
    "ana lima": "ana",
    "ana@example.com": "ana",
    "ben": "ben",
    "ben@example.com": "ben",
}


def calendar(*events: str, head: str = "") -> bytes:
    """Each event by its lines."""
    body = "".join(
        f"BEGIN:VEVENT\nUID:{number}\n{lines}\nEND:VEVENT\n" for number, lines in enumerate(events)
    )
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{head}{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


def event(start: str, end: str, title: str = "ana", zone: str = "", *more: str) -> str:
    """`20260323T090000`, by the clock of a zone, or by none."""
    zone = f";TZID={zone}" if zone else ""
    return "\n".join((f"DTSTART{zone}:{start}", f"DTEND{zone}:{end}", f"SUMMARY:{title}", *more))


def filled(*events: str, zone: str = LONDON, below: tuple[Layer, ...] = ()) -> Schedule:
    """A schedule whose last layer is that calendar."""
    rota = schedule(*below, Layer(Imported("c1")), zone=zone)
    people = People({"ana": (), "ben": ()}, {}, {"primary": rota}, CALLED)
    return imported(people, {"c1": read_turns(calendar(*events), BEGIN, END)})[0].schedules[
        "primary"
    ]


# --- when

WEEKLY = "RRULE:FREQ=WEEKLY;INTERVAL=2"
TIMES = [
    pytest.param(
        [
            event("20260316T090000", "20260323T090000", "ana", LONDON, WEEKLY),
            event("20260323T090000", "20260330T090000", "ben", LONDON, WEEKLY),
        ],
        "2026-03-16 09:00",
        "2026-04-06 09:00",
        ["Mon 03-16 09:00+0000 ana", "Mon 03-23 09:00+0000 ben", "Mon 03-30 09:00+0100 ana"],
        id="weekly turns, over the clocks going forward",
    ),
    pytest.param(
        [
            event("20261012T090000", "20261019T090000", "ana", LONDON, WEEKLY),
            event("20261019T090000", "20261026T090000", "ben", LONDON, WEEKLY),
        ],
        "2026-10-12 09:00",
        "2026-11-02 09:00",
        ["Mon 10-12 09:00+0100 ana", "Mon 10-19 09:00+0100 ben", "Mon 10-26 09:00+0000 ana"],
        id="weekly turns, over the clocks going back",
    ),
    pytest.param(
        ["DTSTART;VALUE=DATE:20260328\nDTEND;VALUE=DATE:20260330\nSUMMARY:ana"],
        "2026-03-27",
        "2026-03-31",
        ["Fri 03-27 00:00+0000 -", "Sat 03-28 00:00+0000 ana", "Mon 03-30 00:00+0100 -"],
        id="whole days are those of the schedule's clock",
    ),
    pytest.param(
        [event("20260328T180000", "20260329T090000")],
        "2026-03-28 12:00",
        "2026-03-29 12:00",
        ["Sat 03-28 12:00+0000 -", "Sat 03-28 18:00+0000 ana", "Sun 03-29 09:00+0100 -"],
        id="times without a zone are by the schedule's clock",
    ),
    pytest.param(
        [event("20260328T180000Z", "20260329T090000Z")],
        "2026-03-28 12:00",
        "2026-03-29 12:00",
        ["Sat 03-28 12:00+0000 -", "Sat 03-28 18:00+0000 ana", "Sun 03-29 10:00+0100 -"],
        id="UTC",
    ),
    pytest.param(
        [
            event(
                "20260323T090000",
                "20260323T170000",
                "ana",
                NEW_YORK,
                "RRULE:FREQ=DAILY",
                "EXDATE:20260324T130000Z",
            )
        ],
        "2026-03-23 12:00",
        "2026-03-25 12:00",
        ["Mon 03-23 12:00+0000 -", "Mon 03-23 13:00+0000 ana", "Mon 03-23 21:00+0000 -"],
        id="an exception to a recurrence",
    ),
    pytest.param(
        [event("20260323T090000", "20260324T090000", "ana", LONDON, "STATUS:CANCELLED")],
        "2026-03-23",
        "2026-03-25",
        ["Mon 03-23 00:00+0000 -"],
        id="called off",
    ),
    pytest.param(
        [
            event("20260323T090000", "20260325T090000", "ana", LONDON),
            event("20260324T090000", "20260324T170000", "ben", LONDON),
        ],
        "2026-03-23 09:00",
        "2026-03-25 09:00",
        ["Mon 03-23 09:00+0000 ana", "Tue 03-24 09:00+0000 ben", "Tue 03-24 17:00+0000 ana"],
        id="the one that began last counts",
    ),
]


@pytest.mark.parametrize(("events", "start", "end", "wanted"), TIMES)
def test_events_are_turns(events: list[str], start: str, end: str, wanted: list[str]) -> None:
    assert shown(filled(*events), start, end) == wanted


def test_where_the_calendar_has_nobody_the_layer_before_shows_through() -> None:
    """As with any layer; so it does for an event of somebody who isn't known."""
    always = Layer(rotation(Rotate.WEEKLY, "09:00", "ben", day=MON))
    rota = filled(
        event("20260323T090000Z", "20260324T090000Z"),
        event("20260324T090000Z", "20260325T090000Z", "Gus"),
        below=(always,),
    )
    assert [on_call(rota, at(f"2026-03-{day} 12:00")) for day in (23, 24, 25)] == [
        ("ana",),
        ("ben",),
        ("ben",),
    ]


def test_the_layer_s_restrictions_and_clock_hold() -> None:
    """For calendars as for rotations."""
    office = Layer(Imported("c1"), (Restriction(9 * 60, 17 * 60),), NEW_YORK)
    people = People({"ana": ()}, {}, {"primary": schedule(office)}, CALLED)
    turns = read_turns(calendar("DTSTART;VALUE=DATE:20260323\nSUMMARY:ana"), BEGIN, END)
    one = imported(people, {"c1": turns})[0].schedules["primary"]
    assert shifts(one, BEGIN, END) == (
        Shift("ana", at("2026-03-23 09:00", NEW_YORK), at("2026-03-23 17:00", NEW_YORK)),
    )


# --- whose


@pytest.mark.parametrize(
    ("title", "attendees", "contact"),
    [
        ("ana", (), "ana"),
        ("  Ana Lima ", (), "ana"),
        ("ANA@example.com", (), "ana"),
        ("On call: Ana Lima (primary)", (), "ana"),
        ("Ben is on call", (), "ben"),
        ("Primary on call", ("Ben@Example.com",), "ben"),
        ("Ana", ("gus@example.com", "ben@example.com"), "ben"),
        ("Ana", ("gus@example.com",), "ana"),
        ("Ana and Ben", (), ""),
        ("Banana", (), ""),
        ("ana-maria", (), ""),
        ("ana@elsewhere.com", (), ""),
        ("ana.lima", (), ""),
        ("Gus", (), ""),
        ("", (), ""),
    ],
)
def test_whose_an_event_is(title: str, attendees: tuple[str, ...], contact: str) -> None:
    """The attendee decides, then the title; ambiguous events belong to nobody."""
    noon = datetime(2026, 3, 23, 12, tzinfo=UTC)
    assert whose(Turn(noon, noon, attendees, title), CALLED) == contact


def test_who_is_not_known_is_named() -> None:
    """The schedule is included, so that somebody can be notified."""
    turns = read_turns(
        calendar(
            event("20260323T090000Z", "20260324T090000Z", "Gus"),
            event("20260324T090000Z", "20260325T090000Z", "Gus"),
            event(
                "20260325T090000Z",
                "20260326T090000Z",
                "",
                "",
                "ATTENDEE;CN=Hal:mailto:hal@example.com",
            ),
            event("20260326T090000Z", "20260327T090000Z", "ana"),
        ),
        BEGIN,
        END,
    )
    people = People({"ana": ()}, {}, {"primary": schedule(Layer(Imported("c1")))}, CALLED)
    assert imported(people, {"c1": turns})[1] == {"primary": ("Gus", "hal@example.com")}


def test_a_calendar_that_has_not_been_seen_is_not_known() -> None:
    """Unknown differs from empty."""
    people = People({"ana": ()}, {}, {"primary": schedule(Layer(Imported("c1")))}, CALLED)
    found: Mapping[bool, bool] = {
        seen: imported(people, {"c1": ()} if seen else {})[0].schedules["primary"].known
        for seen in (True, False)
    }
    assert found == {True: True, False: False}


# --- what can't be read


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"<html>Please log in</html>", "not a readable iCalendar"),
        (b"", "not a readable iCalendar"),
        (b"\xff\xfe", "not a readable iCalendar"),
        *(
            (
                calendar(
                    *[event("20260316T090000Z", "20260316T090001Z", "ana", "", f"RRULE:{rule}")] * 3
                ),
                "more than 10000",
            )
            for rule in ("FREQ=SECONDLY", "FREQ=DAILY;BYHOUR=1,2;BYMINUTE=1,2", "FREQ=HOURLY")
        ),
    ],
)
def test_what_is_no_calendar_of_turns_is_refused(text: bytes, why: str) -> None:
    """An event a second doesn't take the router's time or memory."""
    with pytest.raises(ValueError, match=why):
        read_turns(text, BEGIN, END)


def test_one_bad_event_does_not_lose_the_others() -> None:
    """As with a batch of alerts."""
    good = event("20260323T090000Z", "20260324T090000Z")
    (turn,) = read_turns(calendar(good, "DTSTART:garbage\nSUMMARY:x"), BEGIN, END)
    assert turn.title == "ana"


# --- what counts as a shift

WEEK = ("20260323T090000Z", "20260330T090000Z")


def spans(rota: Schedule, zone: str = LONDON) -> list[tuple[str, float, float]]:
    return [(shift.contact, shift.start, shift.end) for shift in shifts(rota, BEGIN, END)]


@pytest.mark.parametrize(
    ("title", "attendees", "contact"),
    [
        (
            "On call",
            ["PARTSTAT=DECLINED:mailto:ana@example.com", "CN=b:mailto:ben@example.com"],
            "ben",
        ),
        ("On call", ["PARTSTAT=DELEGATED:mailto:ana@example.com"], ""),
        ("ana", ["PARTSTAT=declined:mailto:ana@example.com"], ""),
        ("ana or ben", ["PARTSTAT=DECLINED:mailto:ana@example.com"], "ben"),
        ("On call", ["PARTSTAT=TENTATIVE:mailto:ana@example.com"], "ana"),
        ("On call", ["PARTSTAT=NEEDS-ACTION:mailto:ana@example.com"], "ana"),
        (
            "On call",
            ["ROLE=NON-PARTICIPANT:mailto:ana@example.com", ":mailto:ben@example.com"],
            "ben",
        ),
    ],
)
def test_whoever_declined_is_not_on_call(title: str, attendees: list[str], contact: str) -> None:
    """Neither as an attendee nor by the title."""
    lines = [f"ATTENDEE;{attendee}".replace(";:", ":") for attendee in attendees]
    found = spans(filled(event(*WEEK, title, "", *lines)))
    assert [one[0] for one in found] == ([contact] if contact else [])


@pytest.mark.parametrize(
    ("lines", "absent"),
    [
        ("SUMMARY:Ana Lima on vacation", True),
        ("SUMMARY:ana - PTO", True),
        ("SUMMARY:Ana Lima: out of office", True),
        ("SUMMARY:Urlaub ana", True),
        ("SUMMARY:Ana off", True),
        ("SUMMARY:Ana Ferien", True),
        ("SUMMARY:Ana Lima\nX-MICROSOFT-CDO-BUSYSTATUS:OOF", True),
        ("SUMMARY:Ana Lima\nCATEGORIES:Team,Vacation", True),
        ("SUMMARY:On call over the holidays: ana", False),
        ("SUMMARY:ana covers for vacation", False),
        ("SUMMARY:On call: Ana Lima\nX-MICROSOFT-CDO-BUSYSTATUS:OOF", False),
        ("SUMMARY:Ana Lima\nTRANSP:TRANSPARENT", False),
        ("SUMMARY:Ana Lima\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY", False),
    ],
)
def test_an_absence_is_no_shift(lines: str, absent: bool) -> None:
    """Ben's week isn't interrupted by it, and it isn't an unknown person's event either."""
    day = "DTSTART;VALUE=DATE:20260325\nDTEND;VALUE=DATE:20260326"
    found = spans(filled(event(*WEEK, "On call: ben"), f"{day}\n{lines}"))
    assert [one[0] for one in found] == (["ben"] if absent else ["ben", "ana", "ben"])


@pytest.mark.parametrize(
    ("duration", "end"),
    [
        ("PT12H", "2026-03-29 10:00"),
        ("PT24H", "2026-03-29 22:00"),
        ("P1D", "2026-03-29 21:00"),
        ("P1DT1H", "2026-03-29 22:00"),
        ("P1W", "2026-04-04 21:00"),
        ("+PT30M", "2026-03-28 21:30"),
    ],
)
@pytest.mark.parametrize("zone", [LONDON, ""])
def test_hours_of_a_duration_are_exact_and_days_are_not(zone: str, duration: str, end: str) -> None:
    """RFC 5545, 3.3.6: a shift of twelve hours ends an hour later by a clock that goes forward."""
    name = f";TZID={zone}" if zone else ""
    rota = filled(f"DTSTART{name}:20260328T210000\nDURATION:{duration}\nSUMMARY:ana")
    assert spans(rota) == [("ana", at("2026-03-28 21:00"), at(end))]


def test_a_recurring_duration_is_exact_each_time() -> None:
    nightly = "DTSTART;TZID=Europe/London:20260327T210000\nDURATION:PT12H\nRRULE:FREQ=DAILY;COUNT=3"
    ends = [span[2] for span in spans(filled(f"{nightly}\nSUMMARY:ana"))]
    assert ends == [at("2026-03-28 09:00"), at("2026-03-29 10:00"), at("2026-03-30 09:00")]


def test_a_stream_may_hold_several_calendars() -> None:
    """Each has its own recurrence under the same UID."""
    weekly = "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=2"
    stream = calendar(event(*WEEK, "ana", "", weekly)) + calendar(
        event("20260330T090000Z", "20260406T090000Z", "ben", "", weekly)
    )
    turns = read_turns(stream, BEGIN, END)
    assert sorted((turn.start.date().isoformat(), turn.title) for turn in turns) == [
        ("2026-03-23", "ana"),
        ("2026-03-30", "ben"),
        ("2026-04-06", "ana"),
        ("2026-04-13", "ben"),
    ]


# --- events without end


@pytest.mark.parametrize(
    ("start", "rule", "why"),
    [
        ("20260316T090000Z", "FREQ=HOURLY;INTERVAL=0", "INTERVAL=0: it would never end"),
        ("20260316T090000Z", "FREQ=DAILY;INTERVAL=-1", "INTERVAL=-1: it would never end"),
        ("20260316T090000Z", "FREQ=DAILY;BYHOUR=1,2;BYSECOND=1,2", "more than 10000"),
        ("00010101T090000Z", "FREQ=HOURLY", "more than 200000 times since its start"),
    ],
)
def test_a_recurrence_that_would_take_too_long_is_refused_before(
    start: str, rule: str, why: str
) -> None:
    """Nothing of it is expanded."""
    text = calendar(event(start, "20260316T093000Z", "ana", "", f"RRULE:{rule}"))
    with pytest.raises(ValueError, match=why):
        read_turns(text, BEGIN, END)


def test_many_events_are_refused_before_they_are_expanded() -> None:
    """Forty events an hour took a minute and 900 MB; this is a test's time limit away from that."""
    hourly = event("20260316T090000Z", "20260316T093000Z", "ana", "", "RRULE:FREQ=HOURLY")
    with pytest.raises(ValueError, match="more than 10000"):
        read_turns(calendar(*[hourly] * 4000), BEGIN, END)


def test_a_recurrence_with_an_end_is_counted_to_its_end() -> None:
    """Old rotations that are over stay in a calendar for years."""
    over = "RRULE:FREQ=HOURLY;UNTIL=20260317T090000Z"
    once = "RRULE:FREQ=HOURLY;COUNT=2"
    events = [event("20260316T090000Z", "20260316T093000Z", "ana", "", one) for one in (over, once)]
    assert len(read_turns(calendar(*events), BEGIN, END)) == 25 + 2


# --- properties

some = st.builds(
    lambda contact, start, length: Shift(contact, float(start), float(start + length)),
    st.sampled_from(["ana", "ben", ""]), st.integers(0, 50), st.integers(1, 20),
)  # fmt: skip


@given(st.lists(some, max_size=12), st.integers(-1, 75))
def test_of_overlapping_events_the_one_that_began_last_counts(
    given_: list[Shift], moment: int
) -> None:
    """At every time, for any events; the result is ordered and free of overlaps."""
    found = disjoint(given_)
    assert all(one.end <= two.start and one.start < one.end for one, two in pairwise(found))
    there = [shift.contact for shift in found if shift.start <= moment < shift.end]
    under_way = [shift for shift in given_ if shift.start <= moment < shift.end]
    if not under_way:
        assert there == []
        return
    last = max(shift.start for shift in under_way)
    first_to_end = min(shift.end for shift in under_way if shift.start == last)
    assert there[0] in {
        shift.contact for shift in under_way if (shift.start, shift.end) == (last, first_to_end)
    }


def test_a_day_of_hours_is_read_whole() -> None:
    """Half a year of hourly shifts is within the limit."""
    text = calendar(event("20260316T000000Z", "20260316T010000Z", "ana", "", "RRULE:FREQ=HOURLY"))
    assert len(read_turns(text, BEGIN, BEGIN + 100 * DAY)) == 100 * 24
    assert HOUR * 24 == DAY

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
    one = schedule(*below, Layer(Imported("c1")), zone=zone)
    people = People({"ana": (), "ben": ()}, {}, {"primary": one}, CALLED)
    return imported(people, {"c1": read_turns(calendar(*events), BEGIN, END)})[0].schedules[
        "primary"
    ]


# --- when

WEEKLY = "RRULE:FREQ=WEEKLY;INTERVAL=2"
TIMES = [
    pytest.param(
        [event("20260316T090000", "20260323T090000", "ana", LONDON, WEEKLY),
         event("20260323T090000", "20260330T090000", "ben", LONDON, WEEKLY)],
        "2026-03-16 09:00", "2026-04-06 09:00",
        ["Mon 03-16 09:00+0000 ana", "Mon 03-23 09:00+0000 ben", "Mon 03-30 09:00+0100 ana"],
        id="weekly turns, over the clocks going forward",
    ),
    pytest.param(
        [event("20261012T090000", "20261019T090000", "ana", LONDON, WEEKLY),
         event("20261019T090000", "20261026T090000", "ben", LONDON, WEEKLY)],
        "2026-10-12 09:00", "2026-11-02 09:00",
        ["Mon 10-12 09:00+0100 ana", "Mon 10-19 09:00+0100 ben", "Mon 10-26 09:00+0000 ana"],
        id="weekly turns, over the clocks going back",
    ),
    pytest.param(
        ["DTSTART;VALUE=DATE:20260328\nDTEND;VALUE=DATE:20260330\nSUMMARY:ana"],
        "2026-03-27", "2026-03-31",
        ["Fri 03-27 00:00+0000 -", "Sat 03-28 00:00+0000 ana", "Mon 03-30 00:00+0100 -"],
        id="whole days are those of the schedule's clock",
    ),
    pytest.param(
        [event("20260328T180000", "20260329T090000")],
        "2026-03-28 12:00", "2026-03-29 12:00",
        ["Sat 03-28 12:00+0000 -", "Sat 03-28 18:00+0000 ana", "Sun 03-29 09:00+0100 -"],
        id="times without a zone are by the schedule's clock",
    ),
    pytest.param(
        [event("20260328T180000Z", "20260329T090000Z")],
        "2026-03-28 12:00", "2026-03-29 12:00",
        ["Sat 03-28 12:00+0000 -", "Sat 03-28 18:00+0000 ana", "Sun 03-29 10:00+0100 -"],
        id="UTC",
    ),
    pytest.param(
        [event("20260323T090000", "20260323T170000", "ana", NEW_YORK, "RRULE:FREQ=DAILY", "EXDATE:20260324T130000Z")],
        "2026-03-23 12:00", "2026-03-25 12:00",
        ["Mon 03-23 12:00+0000 -", "Mon 03-23 13:00+0000 ana", "Mon 03-23 21:00+0000 -"],
        id="an exception to a recurrence",
    ),
    pytest.param(
        [event("20260323T090000", "20260324T090000", "ana", LONDON, "STATUS:CANCELLED")],
        "2026-03-23", "2026-03-25", ["Mon 03-23 00:00+0000 -"],
        id="called off",
    ),
    pytest.param(
        [event("20260323T090000", "20260325T090000", "ana", LONDON),
         event("20260324T090000", "20260324T170000", "ben", LONDON)],
        "2026-03-23 09:00", "2026-03-25 09:00",
        ["Mon 03-23 09:00+0000 ana", "Tue 03-24 09:00+0000 ben", "Tue 03-24 17:00+0000 ana"],
        id="the one that began last counts",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("events", "start", "end", "wanted"), TIMES)
def test_events_are_turns(events: list[str], start: str, end: str, wanted: list[str]) -> None:
    assert shown(filled(*events), start, end) == wanted


def test_where_the_calendar_has_nobody_the_layer_before_shows_through() -> None:
    """As with any layer; so it does for an event of somebody who isn't known."""
    always = Layer(rotation(Rotate.WEEKLY, "09:00", "ben", day=MON))
    one = filled(
        event("20260323T090000Z", "20260324T090000Z"), event("20260324T090000Z", "20260325T090000Z", "Gus"),
        below=(always,),
    )  # fmt: skip
    assert [on_call(one, at(f"2026-03-{day} 12:00")) for day in (23, 24, 25)] == [
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
    """By an attendee first; then by the title; and if that isn't clear, nobody's."""
    noon = datetime(2026, 3, 23, 12, tzinfo=UTC)
    assert whose(Turn(noon, noon, attendees, title), CALLED) == contact


def test_who_is_not_known_is_named() -> None:
    """With the schedule, so that somebody can be told."""
    turns = read_turns(
        calendar(
            event("20260323T090000Z", "20260324T090000Z", "Gus"),
            event("20260324T090000Z", "20260325T090000Z", "Gus"),
            event("20260325T090000Z", "20260326T090000Z", "", "", "ATTENDEE;CN=Hal:mailto:hal@example.com"),
            event("20260326T090000Z", "20260327T090000Z", "ana"),
        ), BEGIN, END,
    )  # fmt: skip
    people = People({"ana": ()}, {}, {"primary": schedule(Layer(Imported("c1")))}, CALLED)
    assert imported(people, {"c1": turns})[1] == {"primary": ("Gus", "hal@example.com")}


def test_a_calendar_that_has_not_been_seen_is_not_known() -> None:
    """Which isn't the same as one without events."""
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
        (b"<html>Please log in</html>", "not an iCalendar"),
        (b"", "not an iCalendar"),
        (b"\xff\xfe", "not an iCalendar"),
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


# --- properties

some = st.builds(
    lambda contact, start, length: Shift(contact, float(start), float(start + length)),
    st.sampled_from(["ana", "ben", ""]), st.integers(0, 50), st.integers(1, 20),
)  # fmt: skip


@given(st.lists(some, max_size=12), st.integers(-1, 75))
def test_of_overlapping_events_the_one_that_began_last_counts(
    given_: list[Shift], moment: int
) -> None:
    """At every time, whatever there is; and what comes of it is in order and has no overlaps."""
    found = disjoint(given_)
    assert all(one.end <= two.start and one.start < one.end for one, two in pairwise(found))
    there = [one.contact for one in found if one.start <= moment < one.end]
    under_way = [one for one in given_ if one.start <= moment < one.end]
    if not under_way:
        assert there == []
        return
    last = max(one.start for one in under_way)
    first_to_end = min(one.end for one in under_way if one.start == last)
    assert there[0] in {
        one.contact for one in under_way if (one.start, one.end) == (last, first_to_end)
    }


def test_a_day_of_hours_is_read_whole() -> None:
    """What a turn an hour comes to in half a year stays within the limit."""
    text = calendar(event("20260316T000000Z", "20260316T010000Z", "ana", "", "RRULE:FREQ=HOURLY"))
    assert len(read_turns(text, BEGIN, BEGIN + 100 * DAY)) == 100 * 24
    assert HOUR * 24 == DAY

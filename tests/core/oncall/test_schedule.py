"""On-call schedules: local clocks, layers, restrictions and overrides, every second of the year."""

import math
from bisect import bisect_right
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.core.oncall.local_time import at_minute, instant, local_time
from router.core.oncall.rotation import Handover, Rotate, Rotation, on_turn
from router.core.oncall.schedule import (
    Gap,
    Layer,
    Override,
    Restriction,
    Schedule,
    Shift,
    gaps,
    next_change,
    on_call,
    shifts,
    turn,
)

LONDON = "Europe/London"
NEW_YORK = "America/New_York"
KOLKATA = "Asia/Kolkata"
LORD_HOWE = "Australia/Lord_Howe"  # its summer time is half an hour
ZONES = [
    "UTC",
    LONDON,
    NEW_YORK,
    KOLKATA,
    LORD_HOWE,
    "Asia/Kathmandu",
    "America/St_Johns",
    "America/Santiago",
]

HOUR, DAY = 3600.0, 86_400.0
MON, TUE, WED, THU, FRI, SAT, SUN = range(7)


def at(text: str, zone: str = LONDON) -> float:
    """`2026-03-29 09:00` by a local clock; with an offset, by that."""
    moment = datetime.fromisoformat(text)
    return moment.timestamp() if moment.tzinfo else instant(moment, zone)


def rotation(
    kind: Rotate, time: str, *contacts: str, day: int | None = None, **more: Any
) -> Rotation:
    hour, minute = map(int, time.split(":"))
    start = date.fromisoformat(more.pop("start")) if "start" in more else None
    return Rotation(kind, Handover(hour * 60 + minute, day), contacts, start=start, **more)


def schedule(
    *layers: Layer | Rotation, zone: str = LONDON, overrides: Iterable[Override] = ()
) -> Schedule:
    stack = tuple(layer if isinstance(layer, Layer) else Layer(layer) for layer in layers)
    return Schedule("primary", zone, stack, tuple(overrides))


def shown(rota: Schedule, start: str, end: str) -> list[str]:
    """Hand-overs in the schedule's time zone with offset; "-" for nobody."""
    edges = at(start, rota.time_zone), at(end, rota.time_zone)
    found = [*shifts(rota, *edges), *(Shift("-", gap.start, gap.end) for gap in gaps(rota, *edges))]
    zone = ZoneInfo(rota.time_zone)
    return [
        f"{datetime.fromtimestamp(shift.start, zone):%a %m-%d %H:%M%z} {shift.contact}"
        for shift in sorted(found, key=lambda shift: shift.start)
    ]


# --- turns by the clock on the wall

WEEKLY = rotation(Rotate.WEEKLY, "09:00", "ana", "ben", day=MON, start="2026-01-05")
HANDOVERS = [
    pytest.param(
        schedule(WEEKLY),
        "2026-03-20 12:00",
        "2026-04-08 12:00",
        [
            "Fri 03-20 12:00+0000 ana",
            "Mon 03-23 09:00+0000 ben",
            "Mon 03-30 09:00+0100 ana",
            "Mon 04-06 09:00+0100 ben",
        ],
        id="London springs forward",
    ),
    pytest.param(
        schedule(WEEKLY),
        "2026-10-19 09:00",
        "2026-11-03 09:00",
        ["Mon 10-19 09:00+0100 ben", "Mon 10-26 09:00+0000 ana", "Mon 11-02 09:00+0000 ben"],
        id="London falls back",
    ),
    pytest.param(
        schedule(WEEKLY, zone=NEW_YORK),
        "2026-03-02 09:00",
        "2026-03-17 09:00",
        ["Mon 03-02 09:00-0500 ana", "Mon 03-09 09:00-0400 ben", "Mon 03-16 09:00-0400 ana"],
        id="New York springs forward",
    ),
    pytest.param(
        schedule(WEEKLY, zone=NEW_YORK),
        "2026-10-26 09:00",
        "2026-11-10 09:00",
        ["Mon 10-26 09:00-0400 ana", "Mon 11-02 09:00-0500 ben", "Mon 11-09 09:00-0500 ana"],
        id="New York falls back",
    ),
    pytest.param(
        schedule(rotation(Rotate.DAILY, "01:30", "ana", "ben", "cy", start="2026-03-27")),
        "2026-03-27 01:30",
        "2026-03-31 01:30",
        [
            "Fri 03-27 01:30+0000 ana",
            "Sat 03-28 01:30+0000 ben",
            "Sun 03-29 02:30+0100 cy",
            "Mon 03-30 01:30+0100 ana",
        ],
        id="a hand-over that the clock skips moves forward",
    ),
    pytest.param(
        schedule(rotation(Rotate.DAILY, "01:30", "ana", "ben", "cy", start="2026-10-23")),
        "2026-10-23 01:30",
        "2026-10-27 01:30",
        [
            "Fri 10-23 01:30+0100 ana",
            "Sat 10-24 01:30+0100 ben",
            "Sun 10-25 01:30+0100 cy",
            "Mon 10-26 01:30+0000 ana",
        ],
        id="a hand-over that the clock shows twice is at the first",
    ),
    pytest.param(
        schedule(rotation(Rotate.DAILY, "02:15", "ana", "ben", start="2026-10-03"), zone=LORD_HOWE),
        "2026-10-03 02:15",
        "2026-10-05 02:15",
        ["Sat 10-03 02:15+1030 ana", "Sun 10-04 02:45+1100 ben"],
        id="Lord Howe skips half an hour",
    ),
    pytest.param(
        schedule(rotation(Rotate.DAILY, "09:30", "ana", "ben", start="2026-06-01"), zone=KOLKATA),
        "2026-06-01 09:30",
        "2026-06-03 09:30",
        ["Mon 06-01 09:30+0530 ana", "Tue 06-02 09:30+0530 ben"],
        id="a zone half an hour off",
    ),
    pytest.param(
        schedule(rotation(Rotate.WEEKDAYS, "00:00", "ana", "ben", "cy", start="2026-12-28")),
        "2026-12-28",
        "2027-01-06",
        [
            "Mon 12-28 00:00+0000 ana",
            "Tue 12-29 00:00+0000 ben",
            "Wed 12-30 00:00+0000 cy",
            "Thu 12-31 00:00+0000 ana",
            "Fri 01-01 00:00+0000 ben",
            "Sat 01-02 00:00+0000 -",
            "Mon 01-04 00:00+0000 cy",
            "Tue 01-05 00:00+0000 ana",
        ],
        id="weekdays over New Year: the weekend is nobody's turn, and takes none",
    ),
    pytest.param(
        schedule(rotation(Rotate.WEEKDAYS, "09:00", "ana", "ben", start="2026-11-21")),
        "2026-11-21",
        "2026-11-24 12:00",
        ["Sat 11-21 00:00+0000 -", "Mon 11-23 09:00+0000 ana", "Tue 11-24 09:00+0000 ben"],
        id="weekdays that start on a Saturday begin on Monday",
    ),
    pytest.param(
        schedule(rotation(Rotate.WEEKDAYS, "09:00", "ana", "ben", start="2026-11-22")),
        "2026-11-22",
        "2026-11-24 12:00",
        ["Sun 11-22 00:00+0000 -", "Mon 11-23 09:00+0000 ana", "Tue 11-24 09:00+0000 ben"],
        id="so do those that start on a Sunday",
    ),
    pytest.param(
        schedule(rotation(Rotate.WEEKDAYS, "09:00", "ana", "ben", start="2026-11-19")),
        "2026-11-19",
        "2026-11-24",
        [
            "Thu 11-19 00:00+0000 -",
            "Thu 11-19 09:00+0000 ana",
            "Fri 11-20 09:00+0000 ben",
            "Sat 11-21 09:00+0000 -",
            "Mon 11-23 09:00+0000 ana",
        ],
        id="weekdays that start on a Thursday; Friday's turn ends on Saturday",
    ),
    pytest.param(
        schedule(rotation(Rotate.DAILY, "09:00", "ana", "ben", start="2028-02-28")),
        "2028-02-28 09:00",
        "2028-03-02 09:00",
        ["Mon 02-28 09:00+0000 ana", "Tue 02-29 09:00+0000 ben", "Wed 03-01 09:00+0000 ana"],
        id="a leap day is a day",
    ),
    pytest.param(
        schedule(
            rotation(Rotate.CUSTOM, "09:00", "ana", "ben", every=12 * HOUR, start="2026-03-28")
        ),
        "2026-03-28 09:00",
        "2026-03-30 09:00",
        [
            "Sat 03-28 09:00+0000 ana",
            "Sat 03-28 21:00+0000 ben",
            "Sun 03-29 09:00+0100 ana",
            "Sun 03-29 21:00+0100 ben",
        ],
        id="half days keep to the clock",
    ),
    pytest.param(
        schedule(
            rotation(
                Rotate.CUSTOM, "09:00", "ana", "ben", "cy", every=36 * HOUR, start="2026-10-24"
            )
        ),
        "2026-10-24 09:00",
        "2026-10-29 09:00",
        [
            "Sat 10-24 09:00+0100 ana",
            "Sun 10-25 21:00+0000 ben",
            "Tue 10-27 09:00+0000 cy",
            "Wed 10-28 21:00+0000 ana",
        ],
        id="a day and a half",
    ),
    pytest.param(
        schedule(
            rotation(
                Rotate.CUSTOM, "17:00", "ana", "ben", day=FRI, every=14 * DAY, start="2026-12-01"
            )
        ),
        "2026-12-01",
        "2027-01-10",
        [
            "Tue 12-01 00:00+0000 -",
            "Fri 12-04 17:00+0000 ana",
            "Fri 12-18 17:00+0000 ben",
            "Fri 01-01 17:00+0000 ana",
        ],
        id="a fortnight begins on the first such weekday, and nobody is on call before",
    ),
]


@pytest.mark.parametrize(("rota", "start", "end", "expected"), HANDOVERS)
def test_turns_change_hands_by_the_local_clock(
    rota: Schedule, start: str, end: str, expected: list[str]
) -> None:
    """At the configured time on both sides of a change of the clocks."""
    assert shown(rota, start, end) == expected


@pytest.mark.parametrize(
    ("local", "zone", "utc"),
    [
        ("2026-03-29 01:30", LONDON, "2026-03-29T01:30Z"),
        ("2026-10-25 01:30", LONDON, "2026-10-25T00:30Z"),
        ("2026-03-08 02:30", NEW_YORK, "2026-03-08T07:30Z"),
        ("2026-11-01 01:30", NEW_YORK, "2026-11-01T05:30Z"),
        ("2026-10-04 02:15", LORD_HOWE, "2026-10-03T15:45Z"),
        ("2027-01-01 00:00", "Asia/Kathmandu", "2026-12-31T18:15Z"),
    ],
)
def test_local_times_that_are_skipped_move_forward_and_doubled_ones_are_the_first(
    local: str, zone: str, utc: str
) -> None:
    """02:30 becomes 03:30 on the night when clocks skip from 02:00 to 03:00; doubled times count
    once.
    """
    assert at(local, zone) == at(utc)


def test_a_rotation_without_a_start_has_always_been() -> None:
    """The order holds at any time, also before the day that turns are counted from."""
    one = rotation(Rotate.WEEKLY, "09:00", "ana", "ben", day=MON)
    turns = [
        on_turn(one, at("1999-01-04 09:00") + week * 7 * DAY, LONDON) for week in range(0, 1400, 2)
    ]
    assert set(turns) == {turns[0]}
    assert {on_turn(one, at("1999-01-11 09:00"), LONDON), turns[0]} == {"ana", "ben"}


def test_a_turn_is_had_until_just_before_the_hand_over() -> None:
    """There's one person at each instant, and the change is at the very second."""
    rota = schedule(WEEKLY)
    handover = at("2026-03-30 09:00")
    assert [on_call(rota, handover + offset) for offset in (-1, -1e-3, 0, 1)] == [
        ("ben",),
        ("ben",),
        ("ana",),
        ("ana",),
    ]


def test_the_night_that_comes_twice_has_one_hand_over() -> None:
    """The clock shows 01:20 again after the hand-over at 01:30: the turn doesn't go back."""
    rota = schedule(rotation(Rotate.DAILY, "01:30", "ana", "ben", start="2026-10-24"))
    first = at("2026-10-25T00:30Z")
    turns = [on_call(rota, first + minutes * 60)[0] for minutes in (-10, 0, 29, 31, 50, 60, 70)]
    assert turns == ["ana", *["ben"] * 6]


# --- restrictions

OFFICE = Restriction(9 * 60, 17 * 60, frozenset({MON, TUE, WED, THU, FRI}))
NIGHT = Restriction(22 * 60, 6 * 60)
WEEKEND = Restriction(days=frozenset({SAT, SUN}))
FROM_FRIDAY = Restriction(18 * 60, 18 * 60, frozenset({FRI}))
ANA = rotation(Rotate.DAILY, "09:00", "ana")


@pytest.mark.parametrize(
    ("restriction", "inside", "outside"),
    [
        (
            OFFICE,
            ["2026-11-23 09:00", "2026-11-27 16:59"],
            ["2026-11-23 08:59", "2026-11-23 17:00"],
        ),
        (OFFICE, ["2026-11-27 12:00"], ["2026-11-28 12:00", "2026-11-29 12:00"]),
        (
            NIGHT,
            ["2026-11-23 22:00", "2026-11-24 00:00", "2026-11-24 05:59"],
            ["2026-11-23 21:59", "2026-11-24 06:00"],
        ),
        (
            WEEKEND,
            ["2026-11-28 00:00", "2026-11-29 23:59"],
            ["2026-11-27 23:59", "2026-11-30 00:00"],
        ),
        (
            FROM_FRIDAY,
            ["2026-11-27 18:00", "2026-11-28 17:59"],
            ["2026-11-27 17:59", "2026-11-28 18:00"],
        ),
        (NIGHT, ["2026-03-28 22:00", "2026-03-29 05:59"], ["2026-03-28 21:59", "2026-03-29 06:00"]),
        (
            NIGHT,
            ["2026-10-24 22:00", "2026-10-25T01:30Z", "2026-10-25 05:59"],
            ["2026-10-25 06:00"],
        ),
        (
            Restriction(90, 105),
            ["2026-03-29 02:00", "2026-03-29 02:14"],
            ["2026-03-29 00:59", "2026-03-29 02:15"],
        ),
        (
            Restriction(90, 135),
            ["2026-03-28 01:30", "2026-03-29 02:00", "2026-03-29 02:14"],
            ["2026-03-29 02:15"],
        ),
        (
            Restriction(30, 90),
            ["2026-03-29 00:30", "2026-03-29 00:59"],
            ["2026-03-29 02:00", "2026-03-29 02:30"],
        ),
    ],
)
def test_a_layer_counts_within_its_window_only(
    restriction: Restriction, inside: list[str], outside: list[str]
) -> None:
    """Windows are of the local clock, may end on the next day, and one that the clock skips
    altogether isn't.
    """
    rota = schedule(Layer(ANA, (restriction,)))
    assert {on_call(rota, at(time)) for time in inside} == {("ana",)}
    assert {on_call(rota, at(time)) for time in outside} == {()}


def test_a_window_goes_on_when_the_clock_is_set_back_over_midnight() -> None:
    """In 2010 Newfoundland's went from Sunday 00:01 to Saturday 23:01: what began on Sunday isn't
    over.
    """
    rota = schedule(Layer(ANA, (Restriction(days=frozenset({SUN})),)), zone="America/St_Johns")
    midnight = at("2010-11-07T02:30Z")
    assert local_time(midnight + HOUR / 2, rota.time_zone).weekday() == SAT
    assert [on_call(rota, midnight + offset) for offset in (-1, 0, HOUR / 2, HOUR)] == [
        (),
        *[("ana",)] * 3,
    ]


def test_windows_that_touch_make_one_shift() -> None:
    """From Friday evening to Monday morning, written as three windows."""
    windows = (
        Restriction(17 * 60, 1440, frozenset({FRI})),
        WEEKEND,
        Restriction(0, 9 * 60, frozenset({MON})),
    )
    rota = schedule(Layer(ANA, windows))
    week = at("2026-11-23 12:00"), at("2026-11-30 12:00")
    assert shifts(rota, *week) == (Shift("ana", at("2026-11-27 17:00"), at("2026-11-30 09:00")),)
    assert gaps(rota, *week) == (
        Gap(week[0], at("2026-11-27 17:00")),
        Gap(at("2026-11-30 09:00"), week[1]),
    )


def test_the_sun_is_followed_by_each_place_s_own_clock() -> None:
    """In the weeks when only New York is on summer time its mornings begin an hour earlier for
    London.
    """
    rota = schedule(
        Layer(rotation(Rotate.DAILY, "09:00", "ana"), (Restriction(9 * 60, 17 * 60),)),
        Layer(rotation(Rotate.DAILY, "09:00", "bob"), (Restriction(9 * 60, 17 * 60),), NEW_YORK),
    )
    assert shown(rota, "2026-03-07 09:00", "2026-03-09 09:00") == [
        "Sat 03-07 09:00+0000 ana", "Sat 03-07 14:00+0000 bob", "Sat 03-07 22:00+0000 -",
        "Sun 03-08 09:00+0000 ana", "Sun 03-08 13:00+0000 bob", "Sun 03-08 21:00+0000 -",
    ]  # fmt: skip


# --- layers and overrides


def test_a_later_layer_covers_the_ones_before_it() -> None:
    """Where it has nobody, earlier layers apply."""
    nights = Layer(rotation(Rotate.DAILY, "22:00", "noor"), (NIGHT,))
    assert shown(schedule(ANA, nights), "2026-11-23 12:00", "2026-11-24 12:00") == [
        "Mon 11-23 12:00+0000 ana", "Mon 11-23 22:00+0000 noor", "Tue 11-24 06:00+0000 ana",
    ]  # fmt: skip
    assert [shift.contact for shift in shifts(schedule(nights, ANA), 0, DAY)] == ["ana"]


def over(contact: str, replaces: str = "", start: float = 10.0, end: float = 20.0) -> Override:
    return Override(contact, start, end, replaces)


OVERRIDES = [
    pytest.param(
        [over("ben")], [("ana", 0, 10), ("ben", 10, 20), ("ana", 20, 30)], id="somebody stands in"
    ),
    pytest.param([over("")], [("ana", 0, 10), ("ana", 20, 30)], id="nobody is on call"),
    pytest.param([over("ana")], [("ana", 0, 30)], id="the same person: one shift"),
    pytest.param(
        [over("ben", "ana")], [("ana", 0, 10), ("ben", 10, 20), ("ana", 20, 30)], id="for her"
    ),
    pytest.param([over("ben", "cy")], [("ana", 0, 30)], id="for somebody who isn't on call"),
    pytest.param([over("", "ana")], [("ana", 0, 10), ("ana", 20, 30)], id="she has the day off"),
    pytest.param(
        [over("ben"), over("cy", start=15, end=25)],
        [("ana", 0, 10), ("ben", 10, 15), ("cy", 15, 25), ("ana", 25, 30)],
        id="the later-written wins",
    ),
    pytest.param(
        [over("cy", start=15, end=25), over("ben")],
        [("ana", 0, 10), ("ben", 10, 20), ("cy", 20, 25), ("ana", 25, 30)],
        id="whichever begins first",
    ),
    pytest.param(
        [over("ben", "ana"), over("cy", "ben")],
        [("ana", 0, 10), ("cy", 10, 20), ("ana", 20, 30)],
        id="who stands in is stood in for",
    ),
    pytest.param(
        [over("ben", "ana"), over("ana", "ben")], [("ana", 0, 30)], id="she takes it back"
    ),
    pytest.param(
        [over(""), over("ben", "ana")],
        [("ana", 0, 10), ("ana", 20, 30)],
        id="nobody, so not her either",
    ),
]


@pytest.mark.parametrize(("overrides", "expected"), OVERRIDES)
def test_overrides_are_applied_in_the_order_they_are_written(
    overrides: list[Override], expected: list[tuple[str, float, float]]
) -> None:
    """Each to what the ones before it left."""
    rota = schedule(ANA, overrides=overrides)
    assert [(shift.contact, shift.start, shift.end) for shift in shifts(rota, 0, 30)] == expected


def test_two_people_swap_their_weeks() -> None:
    """Two overrides, each for the week that changes hands; the weeks around stay as they are."""
    swap = [
        Override("ben", at("2026-01-05 09:00"), at("2026-01-12 09:00"), "ana"),
        Override("ana", at("2026-01-12 09:00"), at("2026-01-19 09:00"), "ben"),
    ]
    rota = schedule(WEEKLY, overrides=swap)
    assert shown(rota, "2026-01-05 09:00", "2026-01-27") == [
        "Mon 01-05 09:00+0000 ben", "Mon 01-12 09:00+0000 ana", "Mon 01-26 09:00+0000 ben",
    ]  # fmt: skip


def test_an_override_fills_a_gap() -> None:
    """Instead of everybody is also instead of nobody."""
    rota = schedule(Layer(ANA, (OFFICE,)), overrides=[over("ben", start=100, end=200)])
    assert shifts(rota, 0, 300) == (Shift("ben", 100, 200),)


def test_a_schedule_of_nobody_is_one_gap() -> None:
    """No layers is nobody, always; and no time is neither shift nor gap."""
    rota = schedule()
    assert on_call(rota, 0) == ()
    assert (shifts(rota, 0, 10), gaps(rota, 0, 10)) == ((), (Gap(0, 10),))
    assert (shifts(rota, 10, 10), gaps(rota, 10, 10)) == ((), ())


# --- properties


def agrees(rota: Schedule, start: float, end: float, more: Iterable[float] = ()) -> None:
    """Shifts and gaps cover `start` to `end` without breaks, and agree with `on_call`.

    Checked at each edge, a second before and after it, and at `more` times.
    """
    holes = [Shift("", gap.start, gap.end) for gap in gaps(rota, start, end)]
    parts = sorted([*shifts(rota, start, end), *holes], key=lambda part: part.start)
    assert (parts[0].start, parts[-1].end) == (start, end)
    assert all(part.start < part.end for part in parts)
    assert all(a.end == b.start and a.contact != b.contact for a, b in pairwise(parts))
    edges = [part.start for part in parts]
    for time in {edge + offset for edge in [*edges, end] for offset in (-1, 0, 1)} | set(more):
        if start <= time < end:
            there = parts[bisect_right(edges, time) - 1]
            assert on_call(rota, time) == ((there.contact,) if there.contact else ()), time


minutes = st.integers(0, 1439)
contacts = st.lists(
    st.sampled_from(["ana", "ben", "cy", "dee"]), min_size=1, max_size=4, unique=True
).map(tuple)
starts = st.none() | st.dates(date(2026, 1, 1), date(2028, 12, 31))
rotations = st.one_of(
    st.builds(
        Rotation,
        st.sampled_from([Rotate.DAILY, Rotate.WEEKDAYS]),
        st.builds(Handover, minutes),
        contacts,
        start=starts,
    ),
    st.builds(
        Rotation,
        st.just(Rotate.WEEKLY),
        st.builds(Handover, minutes, st.integers(0, 6)),
        contacts,
        start=starts,
    ),
    st.builds(
        Rotation,
        st.just(Rotate.CUSTOM),
        st.builds(Handover, minutes),
        contacts,
        every=st.integers(60, 20 * 1440).map(lambda minute: minute * 60.0),
        start=starts,
    ),
)
restrictions = st.builds(
    Restriction, minutes, st.integers(0, 1440), st.frozensets(st.integers(0, 6), min_size=1)
)
WINDOWS = [  # the nights and days around which clocks and calendars do something
    at(f"{day}T00:00Z")
    for day in (
        "2026-03-06",
        "2026-03-27",
        "2026-04-03",
        "2026-09-04",
        "2026-10-02",
        "2026-10-23",
        "2026-10-30",
        "2026-12-30",
        "2028-02-27",
    )
]
spans = st.builds(
    lambda start, offset, length: (start + offset, start + offset + length),
    st.sampled_from(WINDOWS), st.floats(0, 3 * DAY), st.floats(60, 12 * DAY),
)  # fmt: skip
times = st.builds(
    lambda start, offset: start + offset, st.sampled_from(WINDOWS), st.integers(0, 15 * 86_400)
)
overrides = st.builds(
    lambda contact, start, length, replaces: Override(contact, start, start + length, replaces),
    st.sampled_from(["", "ana", "ben", "eve"]),
    times,
    st.integers(1, 5 * 86_400),
    st.sampled_from(["", "ana", "ben"]),
)
layers = st.builds(
    Layer,
    rotations,
    st.lists(restrictions, max_size=2).map(tuple),
    st.sampled_from(["", LONDON, NEW_YORK]),
)
schedules = st.builds(
    Schedule, st.just("primary"), st.sampled_from(ZONES),
    st.lists(layers, max_size=3).map(tuple), st.lists(overrides, max_size=4).map(tuple),
)  # fmt: skip


@settings(deadline=None)
@given(schedules, spans, st.lists(st.floats(0, 1, exclude_max=True), max_size=20))
def test_any_schedule_s_shifts_and_gaps_tile_the_time_and_agree_with_who_is_on_call(
    rota: Schedule, span: tuple[float, float], points: list[float]
) -> None:
    """Over every change of the clocks, at each edge, a second off it, and anywhere in between."""
    start, end = span
    agrees(rota, start, end, (start + point * (end - start) for point in points))


@settings(deadline=None)
@given(schedules, times, st.lists(st.floats(0, 1, exclude_max=True), max_size=20))
def test_until_the_next_change_the_turn_is_the_same(
    rota: Schedule, at: float, points: list[float]
) -> None:
    """Contact, layer and overrides."""
    until = next_change(rota, at)
    assert at < until <= at + DAY
    last = math.nextafter(until, at)  # a point just below 1 may be rounded to `until`
    for point in (*points, 0.9999):
        assert turn(rota, min(at + point * (until - at), last)) == turn(rota, at)


@settings(deadline=None)
@given(schedules, spans, st.floats(0.1, 0.9))
def test_looking_in_two_parts_sees_the_same(
    rota: Schedule, span: tuple[float, float], part: float
) -> None:
    """The queried range doesn't change the answer."""
    start, end = span
    middle = start + part * (end - start)
    apart = [*shifts(rota, start, middle), *shifts(rota, middle, end)]
    halves = [
        Shift(shift.contact, begin, until)
        for shift in shifts(rota, start, end)
        for begin, until in (
            (shift.start, min(shift.end, middle)),
            (max(shift.start, middle), shift.end),
        )
        if begin < until
    ]
    assert apart == halves


@settings(deadline=None)
@given(rotations, st.sampled_from(ZONES), spans)
def test_every_hand_over_is_at_the_configured_local_time(
    turns: Rotation, zone: str, span: tuple[float, float]
) -> None:
    """Unless the clock skips it, and then it's at what the time before the change would be after
    it.
    """
    for shift in shifts(schedule(turns, zone=zone), *span):
        if shift.start == span[0]:
            continue
        local = local_time(shift.start, zone)
        if (
            turns.kind is not Rotate.CUSTOM
            and instant(at_minute(local.date(), turns.handover.minute), zone) == shift.start
        ):
            assert turns.handover.weekday in (None, local.weekday())
            continue
        steps = (local - turns.first) / turns.turn
        assert steps == int(steps) or _skipped(turns, shift.start, zone)


def _skipped(turns: Rotation, start: float, zone: str) -> bool:
    """True if the hand-over's own local time is skipped by the clock."""
    local = local_time(start, zone)
    number = (local - turns.first) // turns.turn
    expected = [turns.first + (number + step) * turns.turn for step in (0, 1)]
    return any(
        instant(time, zone) == start and local_time(start, zone) != time for time in expected
    )


@given(restrictions, st.integers(0, 20 * 1440))
def test_a_window_is_what_the_clock_says(restriction: Restriction, minute: int) -> None:
    """Where clocks don't change, only the weekday and the minute of the day count."""
    day, now = divmod(minute, 1440)  # the epoch's first day was a Thursday
    today, before = (THU + day) % 7, (THU + day - 1) % 7
    if restriction.start < restriction.end:
        inside = today in restriction.days and restriction.start <= now < restriction.end
    else:
        inside = (today in restriction.days and now >= restriction.start) or (
            before in restriction.days and now < restriction.end
        )
    rota = schedule(Layer(ANA, (restriction,)), zone="UTC")
    assert bool(on_call(rota, minute * 60.0)) == inside


@pytest.mark.parametrize(("zone", "year"), list(zip(ZONES, [2026, 2028] * 4, strict=True)))
def test_a_year_of_a_whole_team_is_tiled(zone: str, year: int) -> None:
    """Days and nights, office hours abroad, a weekend layer and a holiday, from New Year to New
    Year.
    """
    rota = schedule(
        rotation(Rotate.WEEKLY, "09:00", "ana", "ben", "cy", day=MON, start=f"{year}-01-08"),
        Layer(
            rotation(Rotate.WEEKDAYS, "02:30", "dee", "eve", start="2025-01-01"), (OFFICE, NIGHT)
        ),
        Layer(
            rotation(Rotate.CUSTOM, "01:30", "gus", "hal", every=12 * HOUR), (WEEKEND,), NEW_YORK
        ),
        zone=zone,
        overrides=[Override("", at(f"{year}-12-25", zone), at(f"{year}-12-26", zone))],
    )
    start, end = at(f"{year}-01-01", zone), at(f"{year + 1}-01-01", zone)
    agrees(rota, start, end)
    assert {shift.contact for shift in shifts(rota, start, end)} == {
        "ana",
        "ben",
        "cy",
        "dee",
        "eve",
        "gus",
        "hal",
    }
    assert Gap(at(f"{year}-12-25", zone), at(f"{year}-12-26", zone)) in gaps(rota, start, end)


@pytest.mark.parametrize("zone", ZONES)
def test_over_a_year_everybody_has_as_many_turns(zone: str) -> None:
    """366 daily turns in order, over all clock changes: nobody is skipped or has two."""
    rota = schedule(
        rotation(Rotate.DAILY, "02:30", "ana", "ben", "cy", start="2028-01-01"), zone=zone
    )
    begin = at_minute(date(2028, 1, 1), 150)
    found = shifts(rota, instant(begin, zone), instant(begin + timedelta(days=366), zone))
    assert [shift.contact for shift in found] == ["ana", "ben", "cy"] * 122

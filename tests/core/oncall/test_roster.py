"""Shifts by calendar day: each second of a day belongs to one duty, also where clocks change."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from router.core.oncall.local_time import at_minute, instant, local_time
from router.core.oncall.roster import Duty, roster
from router.core.oncall.rotation import Handover, Rotate, Rotation
from router.core.oncall.schedule import Layer, Restriction, Schedule, on_call
from router.model.scalars import Time

BERLIN = "Europe/Berlin"


def schedule(name: str, *restrictions: Restriction) -> Schedule:
    turns = Rotation(Rotate.DAILY, Handover(9 * 60), ("ana", "ben"), start=date(2026, 1, 1))
    return Schedule(name, BERLIN, (Layer(turns, restrictions),))


def test_a_handover_divides_the_day() -> None:
    """The shift before nine and the one after it, each with its times."""
    (day,) = roster([schedule("primary")], date(2026, 3, 2), 1, BERLIN)
    nine = day.start + 9 * 3600
    first, second = day.duties
    assert (first.start, first.end) == (day.start, nine)
    assert (second.start, second.end) == (nine, day.end)
    assert {first.contact, second.contact} == {"ana", "ben"}


def test_a_gap_is_a_duty_without_a_contact() -> None:
    (day,) = roster(
        [schedule("days", Restriction(Time(540), Time(1020)))], date(2026, 3, 2), 1, BERLIN
    )
    assert [duty.contact == "" for duty in day.duties] == [True, False, True]
    assert day.of(contact="ana") + day.of(contact="ben") == [day.duties[1]]


def test_a_day_on_which_the_clock_is_set_forward_has_23_hours() -> None:
    (day,) = roster([schedule("primary")], date(2026, 3, 29), 1, BERLIN)
    assert day.end - day.start == 23 * 3600


@given(
    first=st.dates(date(2026, 1, 2), date(2027, 12, 1)),
    second=st.integers(0, 7 * 86_400 - 7200),
    zone=st.sampled_from([BERLIN, "America/New_York", "Asia/Kathmandu"]),
)
def test_every_second_has_the_contact_on_call(first: date, second: int, zone: str) -> None:
    """In the reader's zone or the schedule's: the roster and the schedule agree."""
    schedules = [schedule("primary"), schedule("days", Restriction(Time(540), Time(1020)))]
    days = roster(schedules, first, 7, zone)
    at = days[0].start + second
    (day,) = (each for each in days if each.start <= at < each.end)
    assert local_time(at, zone).date() == day.day
    for each in schedules:
        found: list[Duty] = [
            duty for duty in day.of(schedule=each.name) if duty.start <= at < duty.end
        ]
        assert tuple(duty.contact for duty in found) == (on_call(each, at) or ("",))
    assert days[-1].end == instant(at_minute(first + timedelta(days=7), 0), zone)

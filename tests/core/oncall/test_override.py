"""Overrides leave no gap unless requested, over every change of the clocks."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.core.oncall.override import StoredOverride, ended, swap, unknown, with_overrides
from router.core.oncall.recipients import People
from router.core.oncall.rotation import Rotate
from router.core.oncall.schedule import Gap, Override, Schedule, Shift, gaps, on_call, shifts
from tests.core.oncall.test_schedule import (
    DAY,
    LONDON,
    MON,
    at,
    rotation,
    schedule,
    schedules,
    spans,
    times,
)

WEEKLY = schedule(rotation(Rotate.WEEKLY, "09:00", "ana", "ben", "cy", day=MON, start="2026-03-16"))
PEOPLE = People({"ana": (), "ben": (), "cy": ()}, {}, {"primary": WEEKLY})


def arrange(*overrides: Override, when: float = 0.0, name: str = "primary") -> StoredOverride:
    return StoredOverride(name, overrides, "ana", when)


def laid_over(rota: Schedule, *stored_overrides: StoredOverride) -> Schedule:
    contacts = dict.fromkeys(("ana", "ben", "cy", "dee", "eve"), ())
    return with_overrides(People(contacts, {}, {rota.name: rota}), stored_overrides).schedules[
        rota.name
    ]


# --- order, and what is left out


def test_the_latest_arrangement_has_the_last_word() -> None:
    """After the config's overrides, whichever order they're read in."""
    noon = at("2026-03-18 12:00")
    first = arrange(Override("ben", noon, noon + DAY), when=1.0)
    second = arrange(Override("cy", noon, noon + DAY), when=2.0)
    assert on_call(laid_over(WEEKLY, second, first), noon) == ("cy",)
    assert (
        on_call(laid_over(WEEKLY, first, arrange(Override("", noon, noon + 60), when=3.0)), noon)
        == ()
    )


@pytest.mark.parametrize(
    ("stored_override", "missing"),
    [
        (arrange(Override("gus", 0, 1)), "contact 'gus'"),
        (arrange(Override("ana", 0, 1), Override("ben", 0, 1, replaces="gus")), "contact 'gus'"),
        (arrange(Override("ana", 0, 1), name="other"), "schedule 'other'"),
        (arrange(Override("", 0, 1, replaces="ana")), ""),
    ],
)
def test_what_names_somebody_who_has_gone_is_left_out_whole(
    stored_override: StoredOverride, missing: str
) -> None:
    """Half a swap is never intended, and the rotation is better than nobody."""
    assert unknown(PEOPLE, stored_override) == missing
    kept = with_overrides(PEOPLE, [stored_override]).schedules["primary"].overrides
    assert kept == (() if missing else stored_override.overrides)


# --- swaps

SPRING, AUTUMN = ("2026-03-23 09:00", "2026-03-30 09:00"), ("2026-10-19 09:00", "2026-10-26 09:00")


@pytest.mark.parametrize(("week", "hours"), [(SPRING, 167), (AUTUMN, 169)])
def test_a_swapped_turn_is_the_whole_turn_whatever_the_clocks_do(
    week: tuple[str, str], hours: int
) -> None:
    """The turn over the change of the clocks is an hour shorter, or longer, and changes hands
    whole.
    """
    start, end = map(at, week)
    (mine,) = (shift.contact for shift in shifts(WEEKLY, start, end))
    other = {"ana": "ben", "ben": "cy", "cy": "ana"}[mine]
    given, taken = swap(WEEKLY, mine, other, start)
    assert (given, given.end - given.start) == (
        Override(other, start, end, replaces=mine),
        hours * 3600,
    )
    assert (taken.contact, taken.replaces, taken.start, taken.end - taken.start) == (
        mine,
        other,
        end,
        7 * DAY,
    )
    swapped = laid_over(WEEKLY, arrange(given, taken))
    assert [shift.contact for shift in shifts(swapped, start, end + 7 * DAY)] == [other, mine]


def test_a_turn_that_is_under_way_is_not_swapped_and_one_that_just_begins_is() -> None:
    """`after` is the first second from which a turn may begin."""
    begin = at("2026-03-16 09:00")
    assert swap(WEEKLY, "ana", "ben", begin)[0].start == begin
    assert swap(WEEKLY, "ana", "ben", begin + 1)[0].start == at("2026-04-06 09:00")


def test_who_has_no_turn_can_not_swap() -> None:
    """And it's said who that is."""
    with pytest.raises(ValueError, match="'dee' has no shift in primary"):
        swap(WEEKLY, "ana", "dee", at("2026-03-16 09:00"))


# --- an end before its time


def test_what_is_ended_stays_as_it_was_until_then() -> None:
    """An override that hasn't begun has no effect; a current one is cut short."""
    both = arrange(Override("ben", 10, 20), Override("ana", 30, 40))
    assert ended(both, 10) is None
    assert ended(both, 15) == arrange(Override("ben", 10, 15))
    assert ended(both, 25) == arrange(Override("ben", 10, 20))
    assert ended(both, 35) == arrange(Override("ben", 10, 20), Override("ana", 30, 35))


# --- properties

people = st.sampled_from(["ana", "ben", "cy", "dee", "eve"])
covers = st.builds(
    lambda contact, start, length, replaces: Override(contact, start, start + length, replaces),
    people, times, st.integers(1, 5 * 86_400), st.one_of(st.just(""), people),
)  # fmt: skip
stored_overrides = st.builds(
    lambda overrides, when: StoredOverride("primary", tuple(overrides), "ana", when),
    st.lists(covers, min_size=1, max_size=3), st.floats(0, 10),
)  # fmt: skip


def within(hole: Gap, holes: tuple[Gap, ...]) -> bool:
    return any(gap.start <= hole.start and hole.end <= gap.end for gap in holes)


@settings(deadline=None)
@given(schedules, spans, st.lists(stored_overrides, max_size=4))
def test_arrangements_never_leave_a_gap_where_there_was_none(
    rota: Schedule, span: tuple[float, float], made: list[StoredOverride]
) -> None:
    """As long as none of them says nobody."""
    before = gaps(rota, *span)
    assert all(within(hole, before) for hole in gaps(laid_over(rota, *made), *span))


@settings(deadline=None)
@given(schedules, spans, stored_overrides)
def test_an_arrangement_changes_nothing_outside_its_time(
    rota: Schedule, span: tuple[float, float], made: StoredOverride
) -> None:
    """No page is redirected a second earlier or later than requested."""
    changed = laid_over(rota, made)
    for edge in (
        *span,
        *(edge for override in made.overrides for edge in (override.start - 1, override.end)),
    ):
        if not any(override.start <= edge < override.end for override in made.overrides):
            assert on_call(changed, edge) == on_call(rota, edge)


@settings(max_examples=30)
@given(schedules, spans, people, people)
def test_a_swap_leaves_the_gaps_as_they_are(
    rota: Schedule, span: tuple[float, float], mine: str, theirs: str
) -> None:
    """Each is on call in the other's turn, and everybody else as before."""
    if mine == theirs:
        return
    try:
        made = swap(rota, mine, theirs, span[0])
    except ValueError:
        return  # one of them has no turn
    swapped = laid_over(rota, arrange(*made))
    assert gaps(swapped, *span) == gaps(rota, *span)
    assert on_call(swapped, made[0].start) == (theirs,)
    assert on_call(swapped, made[1].start) == (mine,)
    others = {edge for override in made for edge in (override.start - 1, override.end)}
    for edge in sorted(others):
        if not any(override.start <= edge < override.end for override in made):
            assert on_call(swapped, edge) == on_call(rota, edge)


def test_a_swap_of_neighbours_tiles_both_turns() -> None:
    """No second in between is anybody else's."""
    made = swap(WEEKLY, "ben", "cy", at("2026-03-20 00:00"))
    swapped = laid_over(WEEKLY, arrange(*made))
    found = shifts(swapped, at("2026-03-16 09:00"), at("2026-04-06 09:00"))
    assert found == (
        Shift("ana", at("2026-03-16 09:00"), at("2026-03-23 09:00")),
        Shift("cy", at("2026-03-23 09:00"), at("2026-03-30 09:00", LONDON)),
        Shift("ben", at("2026-03-30 09:00"), at("2026-04-06 09:00")),
    )
    assert all(one.end == two.start for one, two in pairwise(found))

"""Next due time of drills, and their reminders."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from router.core.drill.cadence import Cadence, due_at, reminder
from router.core.oncall.local_time import local_time
from router.core.oncall.rotation import Handover

WEEK = 604_800.0
QUARTERLY = Cadence("p0", 13 * WEEK, Handover(600, 1), "Europe/London", 2 * WEEK, ("log",))


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_a_quarter_after_the_last_on_the_next_tuesday_by_the_clock() -> None:
    """From winter into summer time too; a drill that was held late moves those after it."""
    assert due_at(QUARTERLY, at("2026-01-06 10:00")) == at("2026-04-07 09:00")
    assert due_at(QUARTERLY, at("2026-01-08 15:00")) == at("2026-04-14 09:00")


def test_reminders_come_at_once_and_then_now_and_again() -> None:
    """Each has its own stable id; without recipients there is none."""
    due = at("2026-04-07 09:00")
    assert reminder(QUARTERLY, due, due - 1) is None
    first, again, second = (
        reminder(QUARTERLY, due, due + after) for after in (0, 2 * WEEK - 1, 2 * WEEK)
    )
    assert first == again != second
    assert reminder(Cadence("p0", WEEK, Handover(600), "UTC", WEEK), due, due) is None


@given(
    st.floats(0, 2e9),
    st.sampled_from([None, 0, 1, 6]),
    st.integers(0, 1439),
    st.sampled_from([1, 13, 52]),
)
def test_it_is_due_in_time(last: float, weekday: int | None, minute: int, weeks: int) -> None:
    """At that time of the week, at most a week later than the interval and never earlier."""
    cadence = Cadence("p0", weeks * WEEK, Handover(minute, weekday), "Europe/London", WEEK)
    due = due_at(cadence, last)
    assert -86_400 - 3600 <= due - last - cadence.every <= WEEK + 3600
    assert weekday is None or local_time(due, cadence.zone).weekday() == weekday

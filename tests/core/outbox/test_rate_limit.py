"""A channel's rate limit."""

from hypothesis import given
from hypothesis import strategies as st

from router.core.outbox.rate_limit import RateLimit

SPANS = st.lists(st.floats(0, 5), max_size=60)


def test_as_many_as_it_says_and_then_none_until_the_first_is_old() -> None:
    """Three a minute: three at once, then one for each that is a minute old."""
    pace = RateLimit(3, 60.0)
    for at in (0.0, 10.0, 20.0):
        assert pace.next_free(at) == 0.0
        pace.take(at)
    assert (pace.free(20.0), pace.next_free(20.0)) == (0, 40.0)
    assert (pace.free(59.9), pace.free(60.0), pace.free(75.0), pace.free(80.0)) == (0, 1, 2, 3)


@given(spans=SPANS, count=st.integers(1, 5), per=st.floats(0.5, 20))
def test_no_window_ever_has_more(spans: list[float], count: int, per: float) -> None:
    """Whenever it's asked, no `per` seconds hold more than `count`, and it frees up exactly when it
    said.
    """
    pace, now, taken = RateLimit(count, per), 0.0, []
    for span in spans:
        now += span
        wait = pace.next_free(now)
        if wait > 0:
            assert pace.free(now) <= 0
            now += wait * 1.000001
        assert pace.free(now) > 0
        pace.take(now)
        taken.append(now)
    assert all(
        later - earlier >= per * 0.999 for earlier, later in zip(taken, taken[count:], strict=False)
    )


def test_what_is_given_back_can_be_taken_again() -> None:
    """The time when room became free is kept, since held messages are sent by it."""
    pace = RateLimit(1, 60.0)
    pace.take(0.0)
    pace.give_back(0.0, 5.0)
    assert (pace.free(5.0), pace.freed_at) == (1, 5.0)
    pace.take(10.0)
    assert (pace.free(100.0), pace.freed_at) == (1, 70.0)

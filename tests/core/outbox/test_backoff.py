import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.outbox.backoff import next_delay

attempts = st.integers(1, 10**9)
jitters = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("attempt", "longest"),
    [(1, 1), (2, 2), (3, 4), (8, 128), (9, 256), (10, 300), (11, 300), (10_000, 300)],
)
def test_delays_double_from_a_second_to_five_minutes(attempt: int, longest: float) -> None:
    assert next_delay(attempt, retry_after=None, jitter=0) == longest / 2
    assert next_delay(attempt, retry_after=None, jitter=0.5) == longest * 0.75


@given(attempts, jitters)
def test_a_delay_is_from_half_to_the_whole_of_its_step(attempt: int, jitter: float) -> None:
    whole = 2 * next_delay(attempt, retry_after=None, jitter=0)
    assert whole / 2 <= next_delay(attempt, retry_after=None, jitter=jitter) <= whole <= 300


@given(attempts, st.floats(0, 3600), jitters)
def test_what_a_service_asked_for_is_waited_out(
    attempt: int, retry_after: float, jitter: float
) -> None:
    assert next_delay(attempt, retry_after=retry_after, jitter=jitter) >= retry_after


@pytest.mark.parametrize(
    ("retry_after", "delay"),
    [(30, 30), (3600, 3600), (86400, 3600), (math.inf, 3600), (0, 1), (-5, 1), (math.nan, 1)],
)
def test_an_absurd_retry_after_is_bounded(retry_after: float, delay: float) -> None:
    assert next_delay(2, retry_after=retry_after, jitter=0) == delay

"""Queue of due work."""

from hypothesis import given
from hypothesis import strategies as st

from router.core.virtual.due_queue import DueQueue

Key = tuple[int, str]
keys = st.tuples(st.integers(0, 3), st.sampled_from("ab"))


@given(st.lists(st.tuples(keys, st.none() | st.integers(0, 5).map(float))))
def test_the_first_is_the_earliest_of_those_there_are(
    moves: list[tuple[Key, float | None]],
) -> None:
    """For any sequence of setting, moving and dropping."""
    agenda: DueQueue[Key] = DueQueue()
    for key, at in moves:
        if at is None:
            agenda.drop(key)
        else:
            agenda.set(key, at)
        assert agenda.first() == min(((at, key) for key, at in agenda.at.items()), default=None)

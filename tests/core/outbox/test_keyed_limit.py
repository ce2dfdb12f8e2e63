"""Rate limits of forms."""

from router.core.outbox import keyed_limit
from router.core.outbox.keyed_limit import KeyedLimit


def test_each_has_their_own_and_it_comes_back() -> None:
    limit = KeyedLimit(2, 60.0)
    assert [limit.take("a", 0.0), limit.take("a", 1.0), limit.take("a", 2.0)] == [True, True, False]
    assert limit.take("b", 2.0)
    assert limit.take("a", 60.0)


def test_it_remembers_only_so_many() -> None:
    """A flood of addresses doesn't fill the memory."""
    limit = KeyedLimit(1, 60.0)
    for number in range(keyed_limit.KEPT + 10):
        assert limit.take(str(number), 0.0)
    assert len(limit._paces) == keyed_limit.KEPT
    assert not limit.take(str(keyed_limit.KEPT), 0.0)

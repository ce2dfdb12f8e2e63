"""The index finds every set of matchers that holds, and few others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.rules import matcher_index
from router.core.rules.matcher import match_all, parse_matchers
from router.core.rules.matcher_index import MatcherIndex

VALUES = ["", "x", "xy", "z"]
labels = st.dictionaries(st.sampled_from("abc"), st.sampled_from(VALUES))
matches = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["=", "!=", "=~", "!~"]),
        st.sampled_from(['""', '"x"', '"x|y"', '"x.*"', '".*y?"', '"x|"']),
    ).map("".join),
    max_size=3,
).map(",".join)


@given(st.lists(matches, max_size=8), labels)
def test_all_that_hold_are_candidates_in_order(texts: list[str], found: dict[str, str]) -> None:
    sets = [parse_matchers(text) for text in texts]
    index = MatcherIndex(sets)
    candidates = index.candidates(found)
    holding = [n for n, one in enumerate(sets) if all(matcher.matches(found) for matcher in one)]
    assert candidates == sorted(set(candidates))
    assert holding == [n for n in candidates if match_all(index.rest[n], found)]


def test_a_thousand_of_each_kind_have_few_candidates() -> None:
    """Equalities, lists of values, and expressions alike."""
    texts = [f"alertname=A{n}" for n in range(1000)]
    texts += [f'service=~"s{n}|t{n}"' for n in range(1000)]
    texts += [f'pod=~"p{n}-.+"' for n in range(1000)]
    index = MatcherIndex([parse_matchers(text) for text in texts])
    assert index.candidates({"alertname": "A7", "service": "t8", "pod": "p9-x"}) == [7, 1008, 2009]


@pytest.mark.parametrize("memory", [4_096, 40_000, 100_000])
def test_no_expression_is_missed_where_memory_is_short(
    memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RE2 fails to compile, or matches nothing and reports no error."""
    monkeypatch.setattr(matcher_index, "_MEMORY", memory)
    index = MatcherIndex([parse_matchers(f'a=~".*{n}.*{n}.*"') for n in range(50)])
    assert 7 in index.candidates({"a": "xx7x7"})

"""The fingerprint is Prometheus's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.rules.fingerprint import fingerprint

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, "cbf29ce484222325"),
        # prometheus/common's own test
        ({"name": "garland, briggs", "fear": "love is not enough"}, "507a62d79ee76c9a"),
        # sent by a real Alertmanager 0.25.0
        ({"alertname": "HighErrorRate", "severity": "critical"}, "087036d1e9d728e4"),
    ],
)
def test_agrees_with_prometheus(labels: dict[str, str], expected: str) -> None:
    """The vectors of Prometheus and Alertmanager hold."""
    assert fingerprint(labels) == expected


@given(st.dictionaries(TEXT, TEXT))
def test_does_not_depend_on_order(labels: dict[str, str]) -> None:
    """Any labels result in 16 hex digits that are the same in any order."""
    digest = fingerprint(labels)
    assert len(digest) == 16
    assert digest == fingerprint(dict(reversed(labels.items())))


@given(TEXT, TEXT)
def test_tells_name_from_value(name: str, value: str) -> None:
    """The boundary between name and value counts."""
    moved = {name[:-1]: name[-1:] + value}
    assert not name or fingerprint({name: value}) != fingerprint(moved)

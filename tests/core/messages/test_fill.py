"""Sentences with optional parts."""

import pytest

from router.core.messages.timeline import fill


@pytest.mark.parametrize(
    ("sentence", "known", "filled"),
    [
        ("Acknowledged[ by {by}]", {"by": "ana"}, "Acknowledged by ana"),
        ("Acknowledged[ by {by}]", {}, "Acknowledged"),
        ("{name} is {severity} now.", {"name": "INC-1", "severity": "P1"}, "INC-1 is P1 now."),
        ("[{text}][ ({by})]", {"text": "a {b} [c]", "by": "x"}, "a {b} [c] (x)"),
        ("plain", {}, "plain"),
    ],
)
def test_a_part_without_its_value_is_left_out(
    sentence: str, known: dict[str, str], filled: str
) -> None:
    assert fill(sentence, known) == filled

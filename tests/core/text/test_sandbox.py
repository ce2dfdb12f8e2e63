"""Permissions and cost limits of templates."""

import pytest

from router.core.text.sandbox import CONDITION, LINK, TITLE, NotMeant, text_kind
from router.core.text.template import compile_template, written


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'x' * 100000000 }}",
        "{{ 9 ** 99999 }}",
        "{{ '%1000000d' % 1 }}",
        "{{ 'a,' | replace('a', 'x' * 9) }}",
    ],
)
def test_no_expression_can_explode(source: str) -> None:
    with pytest.raises(ValueError, match=r"numbers only|too large|out of range|OverflowError"):
        written(compile_template(source), {})


def test_a_missing_value_is_empty_in_a_title_and_an_error_in_a_link() -> None:
    assert written(compile_template("{{ labels.pod }}", TITLE), {"labels": {}}) == ""
    with pytest.raises(ValueError, match="there's no 'pod'"):
        written(compile_template("https://x/{{ labels.pod }}", LINK), {"labels": {}})


def test_a_link_with_a_false_condition_is_left_out() -> None:
    link = compile_template("{% if labels.pod %}https://x{% else %}{{ labels.x }}{% endif %}", LINK)
    with pytest.raises(ValueError, match="there's no 'x'"):
        written(link, {"labels": {}})
    with pytest.raises(NotMeant):
        written(compile_template("{{ 'https://x' if labels.pod }}", LINK), {"labels": {}})


def test_a_link_encodes_its_values() -> None:
    link = compile_template("https://x/{{ labels.pod }}?{{ query | raw }}", LINK)
    assert written(link, {"labels": {"pod": "a b/c"}, "query": "a=b"}) == "https://x/a%20b%2Fc?a=b"


def test_a_message_writes_a_value_on_one_line_and_times_in_the_readers_zone() -> None:
    kind = text_kind(["note", "at"])
    template = compile_template("{{ note }}\n{{ at | local }}", kind)
    said = written(template, {"note": "a\nb", "at": 0.0, "zone": "Europe/London"})
    assert said == "a b\n1970-01-01 01:00 BST"


def test_a_condition_gets_labels_and_annotations_only() -> None:
    assert CONDITION.names == {"labels", "annotations"}

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.text.template import (
    LONGEST,
    Condition,
    compile_condition,
    compile_template,
    render,
)

LABELS = {"service": "api", "items": "x", "lines": "a\nb", "ratio": "0.5"}


def rendered(
    source: str,
    value: float | None = 0.0123,
    labels: Mapping[str, str] = LABELS,
    annotations: Mapping[str, str] | None = None,
) -> str:
    return render(
        compile_template(source),
        labels=labels,
        annotations=annotations or {},
        value=value,
        fallback="the fallback",
    )


@pytest.mark.parametrize(
    ("source", "title"),
    [
        (
            "Payment failures at {{ value | percent }} on {{ labels.service }}",
            "Payment failures at 1.23% on api",
        ),
        ("{{ value | duration }} {{ (value * 1e6) | number }}", "12.3ms 12.3k"),
        ("{{ labels.ratio | percent }} of {{ labels['service'] }}", "50% of api"),
        ("{{ labels.service | percent }}", "api"),
        ("[{{ labels.missing }}]", "[]"),
        ("[{{ labels.missing.deeper.still }}]", "[]"),
        ("{{ labels.missing | percent }}", "unknown"),
        ("{{ labels.missing | default('?') }}", "?"),
        ("{{ labels.items }}", "x"),
        ("[{{ labels.values }}]", "[]"),
        ("{{ labels.lines }}\n\n{{ labels.service.upper() }}", "a b API"),
        (
            "{% for name, text in labels | dictsort %}{{ name }}={{ text }} {% endfor %}",
            "items=x lines=a b ratio=0.5 service=api",
        ),
        ("{% if value > 0.01 %}high{% else %}low{% endif %}", "high"),
        ("{{ labels.get('missing', 'none') }}", "none"),
        ("<b>&{{ labels.service }}", "<b>&api"),
        ("{{ 2 ** 3 }} {{ 7 % 4 }} {{ 2 * 3 }}", "8.0 3 6"),
    ],
)
def test_a_title_is_one_line_from_labels_annotations_and_the_value(source: str, title: str) -> None:
    assert rendered(source) == title


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("{{ value | percent }}", "unknown"),
        ("[{{ value }}]", "[]"),
        ("{% if value is defined %}a{% else %}b{% endif %}", "b"),
    ],
)
def test_a_missing_value_is_undefined(source: str, title: str) -> None:
    assert rendered(source, value=None) == title


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("{{ value", "line 1: unexpected end of template"),
        ("a\n\n{% if %}", "line 3: Expected an expression"),
        (
            "\n{{ lables.service }}",
            "line 2: expected one of annotations, labels, value, not lables",
        ),
        ("\n{{ value | percnt }}", "line 2: expected one of the filters abs"),
        (
            "{% if value is defned %}{% endif %}",
            "line 1: expected one of Jinja2's tests, not defned",
        ),
        ("\n{% set x = 1 %}", "line 2: expected no statement but if and for, not assign"),
        (
            "{% macro a() %}{% endmacro %}",
            "line 1: expected no statement but if and for, not macro",
        ),
        ("{% include 'x' %}", "line 1: expected no statement but if and for, not include"),
        (
            "{% for a in labels %}{% for b in labels %}{% endfor %}{% endfor %}",
            "line 1: expected no loop inside a loop",
        ),
        ("{% for a in labels recursive %}{% endfor %}", "line 1: expected no loop inside a loop"),
        ("{{ range(100000) }}", "line 1: expected a call of one of"),
        ("{{ 'x'.ljust(1000000000) }}", "line 1: expected a call of one of"),
        ("{{ '{:1000000000}'.format(1) }}", "line 1: expected a call of one of"),
        ("{{ 'x' | center(1000000000) }}", "line 1: expected one of the filters"),
        ("x" * 10_001, "line 1: expected at most 10000 characters, not 10001"),
    ],
)
def test_what_a_title_does_not_need_is_refused_with_its_line(source: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=r"^line") as error:
        compile_template(source)
    assert str(error.value).startswith(complaint)


@pytest.mark.parametrize(
    "source",
    [
        "{{ 1 / 0 }}",
        "{{ 'x' * 10 ** 9 }}",
        "{{ labels.service * 1000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ 9 ** 9 ** 9 ** 9 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ labels.long | replace('l', labels.long) }}",
        "{{ labels.long | join(labels.long) | join(labels.long) }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ labels.items() }}",
        "{{ labels.upper() }}",
        "{{ labels.missing }}",
        " \n ",
    ],
)
def test_a_template_that_fails_or_says_nothing_gives_the_fallback(source: str) -> None:
    assert rendered(source, labels={**LABELS, "long": "l" * 100_000}) == "the fallback"


@given(st.text(), st.text())
def test_a_title_is_short_whatever_the_labels(text: str, other: str) -> None:
    title = rendered(
        "{{ labels.a }}{{ annotations.b }}" * 20, labels={"a": text * 50}, annotations={"b": other}
    )
    assert 0 < len(title) <= LONGEST
    assert "\n" not in title


def test_a_long_title_is_cut_with_a_mark() -> None:
    assert rendered("{{ labels.a }}", labels={"a": "x" * 501}) == "x" * 499 + "…"
    assert rendered("{{ labels.a }}", labels={"a": "x" * 500}) == "x" * 500


def test_a_long_fallback_is_cut_as_well() -> None:
    title = render(
        compile_template("{{ 1/0 }}"), labels={}, annotations={}, value=None, fallback="x" * 501
    )
    assert len(title) == LONGEST


@given(st.text())
def test_any_source_compiles_or_names_a_line(source: str) -> None:
    for tried in (source, "{{" + source + "}}", "{%" + source + "%}"):
        try:
            compile_template(tried)
        except ValueError as error:
            assert str(error).startswith("line ")  # noqa: PT017 - plain text compiles


def test_templates_of_the_same_source_are_equal() -> None:
    assert compile_template("{{ value }}") == compile_template("{{ value }}")
    assert compile_template("{{ value }}") != compile_template("{{ labels }}")


CONDITIONS = [
    "labels.a == 'x'",
    "labels['a'] == annotations.b",
    "labels.a",
    "labels.items == 'x'",
    "labels.get('a') == 'x' and labels.b",
    "'a' in labels",
    "labels",
    "labels[annotations.b] == 'x'",
    "labels.a.b.c or annotations['a']",
    "labels.a | length > 1 or labels.b * 2",
    "annotations.items() | length == 1",
    "{'a': labels}.a.b == 'x'",
]
texts = st.dictionaries(
    st.sampled_from(["a", "b", "items"]), st.sampled_from(["", "x", "a", "x" * 2_001])
)


@given(st.sampled_from(CONDITIONS), st.lists(st.tuples(texts, texts), min_size=1))
def test_a_condition_needs_only_the_labels_that_it_reads(
    source: str, incidents: list[tuple[dict[str, str], dict[str, str]]]
) -> None:
    condition = compile_condition(source)
    for labels, annotations in incidents:
        whole = Condition(source, condition.compiled)
        expected = whole.holds(labels=labels, annotations=annotations)
        assert condition.holds(labels=labels, annotations=annotations) is expected

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.rules.matcher import Matcher, MatchOp, compile_regex, listed, parse_matchers

EQUAL, NOT_EQUAL, MATCHES, NOT_MATCHES = MatchOp
text = st.text(st.characters(exclude_categories=["Cs"]))
names = text.filter(bool)


@pytest.mark.parametrize(
    ("matcher", "labels", "holds"),
    [
        ('foo="bar"', {"foo": "bar"}, True),
        ('foo="bar"', {"foo": "Bar"}, False),
        ('foo="bar"', {}, False),
        ('foo=""', {}, True),
        ('foo=""', {"foo": ""}, True),
        ('foo!="bar"', {}, True),
        ('foo!="bar"', {"foo": "bar"}, False),
        ('foo!=""', {"foo": "x"}, True),
        ('foo=~"a|ab"', {"foo": "ab"}, True),
        ('foo=~"bar"', {"foo": "xbar"}, False),
        ('foo=~"bar"', {"foo": "barx"}, False),
        ('foo=~"bar"', {"foo": "bar\n"}, False),
        ('foo=~".*"', {}, True),
        ('foo=~".+"', {}, False),
        ('foo=~".*"', {"foo": "a\nb"}, False),
        ('foo=~"(?s).*"', {"foo": "a\nb"}, True),
        ('foo=~"x(?i)y"', {"foo": "xY"}, True),
        (r'foo=~"\pL+"', {"foo": "Grüße"}, True),
        (r'foo=~"\d\z"', {"foo": "5"}, True),
        ('foo!~"5.."', {"foo": "503"}, False),
        ('foo!~"5.."', {}, True),
        ('foo=~"."', {"foo": "🙂"}, True),
        ('foo=~"."', {"foo": "\ud800"}, True),
        ('"a b"="x"', {"a b": "x"}, True),
    ],
)
def test_a_missing_label_is_empty_and_a_regex_is_re2_over_the_whole_value(
    matcher: str, labels: dict[str, str], holds: bool
) -> None:
    (parsed,) = parse_matchers(matcher)
    assert parsed.matches(labels) is holds


def m(name: str, op: MatchOp, value: str) -> Matcher:
    return Matcher(name, op, value)


READ = [
    ("", []),
    ("  ", []),
    ("{}", []),
    ('foo="bar"', [m("foo", EQUAL, "bar")]),
    ("foo=bar", [m("foo", EQUAL, "bar")]),
    ('foo!="bar"', [m("foo", NOT_EQUAL, "bar")]),
    ('foo=~"bar.*"', [m("foo", MATCHES, "bar.*")]),
    ("foo=~bar.*|x+[y]$", [m("foo", MATCHES, "bar.*|x+[y]$")]),
    ('foo!~"bar"', [m("foo", NOT_MATCHES, "bar")]),
    (' { foo = "bar" , } ', [m("foo", EQUAL, "bar")]),
    ('{a="1",b!~"x|y"}', [m("a", EQUAL, "1"), m("b", NOT_MATCHES, "x|y")]),
    ('a="1, b=2",b=3,', [m("a", EQUAL, "1, b=2"), m("b", EQUAL, "3")]),
    ("foo.bar/baz=qux:1", [m("foo.bar/baz", EQUAL, "qux:1")]),
    ("föö=🙂", [m("föö", EQUAL, "🙂")]),
    ('"foo bar"="x"', [m("foo bar", EQUAL, "x")]),
    (r'"a\"b\\"="\u00e9\U0001F642\t\101"', [m('a"b\\', EQUAL, "é🙂\tA")]),
    (r'"foo"="\xf0\x9f\x99\x82"', [m("foo", EQUAL, "🙂")]),
    ('foo="say \\"hi\\""', [m("foo", EQUAL, 'say "hi"')]),
    ('foo="a\\nb"', [m("foo", EQUAL, "a\nb")]),
    # Only the classic grammar takes these.
    (r'foo=~"\d+"', [m("foo", MATCHES, r"\d+")]),
    ("foo=", [m("foo", EQUAL, "")]),
    ("foo:bar=x", [m("foo:bar", EQUAL, "x")]),
    ("foo=a b", [m("foo", EQUAL, "a b")]),
    ("foo=a b ,bar=c", [m("foo", EQUAL, "a b"), m("bar", EQUAL, "c")]),
    ("foo==bar", [m("foo", EQUAL, "=bar")]),
    ("foo='bar'", [m("foo", EQUAL, "'bar'")]),
    ("{foo=bar", [m("foo", EQUAL, "bar")]),
    ("foo=bar}", [m("foo", EQUAL, "bar")]),
    ("foo=bar\\", [m("foo", EQUAL, "bar\\")]),
    ("foo=a\\\\b", [m("foo", EQUAL, "a\\b")]),
    ('foo="a\nb"', [m("foo", EQUAL, "a\nb")]),
    # Both take these, and differ: the classic grammar wins.
    (r'foo="\xf0\x9f\x99\x82"', [m("foo", EQUAL, r"\xf0\x9f\x99\x82")]),
    (r'foo="a\tb"', [m("foo", EQUAL, r"a\tb")]),
]


@pytest.mark.parametrize(("written", "meant"), READ)
def test_both_grammars_are_read_as_alertmanager_reads_them(
    written: str, meant: list[Matcher]
) -> None:
    assert list(parse_matchers(written)) == meant


REFUSED = [
    ("foo", "expected one of = != =~ !~ at column 4, where the text ends"),
    ("foo bar", "expected one of = != =~ !~ at column 5, not 'bar'"),
    ("=x", "expected a label name at column 1, not '=x'"),
    (",", "expected a label name at column 1, not ','"),
    ("foo=bar,,", "expected a label name at column 9, not ','"),
    ("foo.x=", "expected a label value at column 7, where the text ends"),
    ("foo.x='bar'", """expected a label value at column 7, not "'bar'\""""),
    ('foo.x=a "b"', "expected a comma or the end at column 9, not '\"b\"'"),
    ('foo="a"b', "expected a comma or the end at column 8, not 'b'"),
    ('foo="bar', "expected a label value at column 5, not '\"bar'"),
    ("foo.x=a}", "expected a comma or the end at column 8, not '}'"),
    ("{foo.x=a", "expected a comma or } at column 9, where the text ends"),
    ("{foo.x=a} b=c", "expected the end at column 11, not 'b=c'"),
    ('""=x', "expected a label name at column 1, not an empty one"),
    ('foo.x=~"("', "expected a regular expression in RE2 syntax: missing ): ( (at column 8)"),
    (
        r'foo=~"(?=x)"',
        "expected a regular expression in RE2 syntax: invalid perl operator: (?= (at column 6)",
    ),
    (
        r'"foo"="\d"',
        r"expected a label value with the string escapes of Go (unknown escape \d) at column 7",
    ),
    (r'"foo"="\xf0"', "expected a label value with the string escapes of Go ("),
    (r'"foo"="\777"', "expected a label value with the string escapes of Go ("),
    (r'"foo"="\ud800"', "expected a label value with the string escapes of Go ("),
    (
        '"foo"="a\nb"',
        (
            "expected a label value with the string escapes of Go "
            "(no line break is allowed inside quotes)"
        ),
    ),
]


@pytest.mark.parametrize(("written", "complaint"), REFUSED)
def test_a_refusal_says_what_was_expected_and_where(written: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=r"^expected") as error:
        parse_matchers(written)
    assert str(error.value).startswith(complaint)


@given(names, st.sampled_from([EQUAL, NOT_EQUAL]), text)
def test_the_canonical_text_parses_back(name: str, op: MatchOp, value: str) -> None:
    matcher = Matcher(name, op, value)
    assert parse_matchers(str(matcher)) == (matcher,)
    assert parse_matchers(f"{{{matcher},{matcher},}}") == (matcher, matcher)


def test_the_canonical_text_quotes_a_name_only_where_it_must() -> None:
    assert str(m("a.b", MATCHES, 'x"|\\d')) == r'a.b=~"x\"|\\d"'
    assert str(m("a b", EQUAL, "x")) == '"a b"="x"'


@given(st.dictionaries(names, text), names, text)
def test_an_operator_and_its_negation_never_agree(
    labels: dict[str, str], name: str, value: str
) -> None:
    assert Matcher(name, EQUAL, value).matches(labels) != Matcher(name, NOT_EQUAL, value).matches(
        labels
    )
    assert Matcher(name, MATCHES, "[a-m]*").matches(labels) != Matcher(
        name, NOT_MATCHES, "[a-m]*"
    ).matches(labels)


@given(text)
def test_reading_anything_ends_in_matchers_or_a_value_error(written: str) -> None:
    for tried in (written, f'{{foo="{written}"}}', f"foo={written}", f"foo=~{written}"):
        try:
            parse_matchers(tried)
        except ValueError as error:
            assert str(error).startswith("expected")  # noqa: PT017 - most texts aren't refused


@pytest.mark.parametrize(
    "long",
    ['foo="' + "a" * 99_999, "foo=" + " " * 99_999 + '"', "x" * 99_999, 'foo="' + "\\" * 99_999],
)
def test_a_long_text_is_refused_in_linear_time(long: str) -> None:
    with pytest.raises(ValueError, match=r"^expected"):
        parse_matchers(long)


def test_no_pattern_backtracks() -> None:
    (matcher,) = parse_matchers("foo=~(a+)+$")
    assert not matcher.matches({"foo": "a" * 10_000 + "b"})


def test_a_bad_pattern_writes_nothing_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="RE2"):
        Matcher("foo", MATCHES, "(")
    assert capfd.readouterr().err == ""


amtool = pytest.mark.skipif(
    not shutil.which("amtool"),
    reason="amtool is missing: apt-get install --no-install-recommends prometheus-alertmanager",
)
EMPTY_NAME = '""=x'
"""Refused here, but taken by Alertmanager: an empty label name."""


def read_by_amtool() -> list[str]:
    """The texts of READ that the installed amtool reads, too.

    Before 0.27 Alertmanager has the classic grammar only, without these names and escapes.
    """
    run = subprocess.run(["amtool", "--version"], capture_output=True, text=True, check=True)
    version = tuple(map(int, re.findall(r"version (\d+)\.(\d+)", run.stdout)[0]))
    texts = [text for text, _ in READ if text.strip() == text]
    if version >= (0, 27):
        return texts
    return [text for text in texts if not text.startswith(('"', "foo.", "fö"))]


def config(matchers: list[str]) -> str:
    routes = [
        {"receiver": f"r{i}", "matchers": [text], "continue": True}
        for i, text in enumerate(matchers)
    ]
    receivers = [{"name": name} for name in ["none", *(route["receiver"] for route in routes)]]
    content = {"route": {"receiver": "none", "routes": routes}, "receivers": receivers}
    return json.dumps(content, ensure_ascii=False)  # YAML has no surrogate pairs


@pytest.mark.peer
@amtool
def test_the_real_alertmanager_takes_and_refuses_the_same(tmp_path: Path) -> None:
    """Each text in its own config, all checked in one run of amtool."""
    taken = dict.fromkeys(read_by_amtool(), True) | {text: False for text, _ in REFUSED}
    del taken[EMPTY_NAME]
    files = [tmp_path / f"{i}.yml" for i in range(len(taken))]
    for file, text in zip(files, taken, strict=True):
        file.write_text(config([text]))
    run = subprocess.run(
        ["amtool", "check-config", *files], capture_output=True, text=True, check=False
    )
    checked = re.findall(r"Checking '(.*?)'.*?(SUCCESS|FAILED)", run.stdout, re.DOTALL)
    said = {file: result == "SUCCESS" for file, result in checked}
    assert {text: said[str(file)] for file, text in zip(files, taken, strict=True)} == taken


@pytest.mark.peer
@amtool
@pytest.mark.parametrize(
    "labels",
    [
        {"foo": "bar"},
        {"foo": "barn"},
        {"foo": "12"},
        {"foo": "a b", "bar": "c"},
        {"a": "1", "b": "z"},
        {"foo": "=bar"},
    ],
)
def test_the_real_alertmanager_matches_the_same(tmp_path: Path, labels: dict[str, str]) -> None:
    """One config with a route for each text, asked which of them take the labels."""
    file = tmp_path / "am.yml"
    texts = read_by_amtool()
    file.write_text(config(texts))
    asked = [f'{name}="{value}"' for name, value in labels.items()]
    run = subprocess.run(
        ["amtool", "config", "routes", "test", f"--config.file={file}", *asked],
        capture_output=True,
        text=True,
        check=True,
    )
    rule_match = [
        f"r{i}"
        for i, text in enumerate(texts)
        if all(m.matches(labels) for m in parse_matchers(text))
    ]
    assert run.stdout.strip().splitlines()[-1].split(",") == rule_match


@given(
    st.lists(st.text("ab.|\\\n-_ é", max_size=4), max_size=3).map("|".join),
    st.text("ab.|\\\n-_ é", max_size=4),
)
def test_a_list_of_texts_takes_what_the_expression_takes(pattern: str, value: str) -> None:
    """Comparing them is only the faster way to the same."""
    try:
        regex = compile_regex(pattern)
    except ValueError:
        return
    texts = listed(pattern)
    for one in {value, *(texts or ())}:
        assert texts is None or (one in texts) is (regex.fullmatch(one.encode()) is not None)

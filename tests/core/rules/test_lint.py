"""Rules without effect are found, and no rule with an effect is reported."""

import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from router.core.rules.lint import contradiction, doubts, shadowed
from router.core.rules.matcher import Matcher, MatchOp, parse_matchers
from router.core.rules.rule import Rule, judge, try_rule
from router.core.text.units import Threshold
from router.model.incident import Severity
from tests.world import alert, rule


@pytest.mark.parametrize(
    ("match", "earlier"),
    [
        ("alertname=A", ["alertname=A"]),
        ("alertname=A, service=api", ["alertname=A"]),
        ("alertname=A", ["alertname=~A|B"]),
        ("level=~warning|error", ["level=~error|warning|info"]),
        ("level=~warning|error", ["level=error", "level=warning"]),
        (
            'level=~"warning|error", service=~"a|b"',
            ["service=a", "level=error", 'level="warning", service=b'],
        ),
        ("alertname=A", ["alertname!=B"]),
        ("alertname=A", ['alertname=~"[A-C]"']),
        ('name=~"x.*"', ['name=~"x.*"']),
        ("alertname!~A|B", ["alertname!=A"]),
        ('level=~"a.*", level!=b', ["level!=b"]),
        ("alertname=A", ['severity=~"|none"', "alertname=A"]),
        ("alertname=A", [""]),
        ("", [""]),
        (r'host=~"a\.b|c"', ['host=~"a\\\\.b|c|d"']),
    ],
)
def test_a_rule_that_others_leave_nothing_is_found(match: str, earlier: list[str]) -> None:
    """Covered by a single earlier rule or by several together."""
    assert shadowed(rule("r", match), [rule(f"r{n}", text) for n, text in enumerate(earlier)])


@pytest.mark.parametrize(
    ("match", "earlier"),
    [
        ("alertname=A", ["alertname=B"]),
        ("alertname=A", ["alertname=A, service=api"]),
        ("level=~warning|error", ["level=error"]),
        ('name=~"x.*"', ['name=~"x.+"']),
        ('name=~".+"', ["name=x"]),
        ("", ["alertname=~.*"]),  # a dot is no line's end
        ("alertname=A", []),
        ("alertname!=A", ["alertname!=A, alertname!=B"]),
    ],
)
def test_a_rule_that_may_take_something_is_not(match: str, earlier: list[str]) -> None:
    assert not shadowed(rule("r", match), [rule(f"r{n}", text) for n, text in enumerate(earlier)])


def test_what_goes_on_takes_nothing_away() -> None:
    """A rule with `continue`, or of another source."""
    assert not shadowed(rule("r"), [rule("first", continues=True)])
    assert not shadowed(rule("r", source="sentry"), [rule("first", source="alertmanager")])
    assert not shadowed(rule("r"), [rule("first", source="alertmanager")])
    assert shadowed(rule("r", source="sentry"), [rule("first")])


@pytest.mark.parametrize(
    ("match", "label"),
    [
        ("a=x, a=y", "a"),
        ("a=x, a!=x", "a"),
        ("a=~x|y, a!~y|x", "a"),
        ('a=~"x.*", a=y', "a"),
        ('a=~"x.*", a!~"x.*"', "a"),
        ('b=c, a=x, a=""', "a"),
        ("a=x, a=~x|y", None),
        ('a=~"x.*", a!~"x.+"', None),
    ],
)
def test_matchers_that_contradict_one_another_are_found(match: str, label: str | None) -> None:
    """The label with conflicting conditions is named."""
    assert contradiction(parse_matchers(match)) == label


values = st.sampled_from(["", "a", "b", "c", "ab", "a\n"])
patterns = st.sampled_from(
    ["a|b", "a", "a.*", ".*", ".+", "[ab]", "", "b|c|", r"a\|b", "(a|b)", "a|b|c|ab", "(?s).*"]
)
matchers = st.builds(
    lambda name, exact, op, value, pattern: (
        Matcher(name, op[0], value) if exact else Matcher(name, op[1], pattern)
    ),
    st.sampled_from(["x", "y"]),
    st.booleans(),
    st.sampled_from([(MatchOp.EQUAL, MatchOp.MATCHES), (MatchOp.NOT_EQUAL, MatchOp.NOT_MATCHES)]),
    values,
    patterns,
)
rules = st.lists(
    st.builds(
        lambda those, continues, source: rule(
            matchers=tuple(those), continues=continues, source=source
        ),
        st.lists(matchers, max_size=4),
        st.sampled_from([False, False, True]),
        st.sampled_from(["", "", "sentry"]),
    ),
    min_size=1,
    max_size=4,
)
labels = st.fixed_dictionaries({}, optional={"x": values, "y": values})


@run(deadline=None, max_examples=400)
@given(
    rules, st.lists(labels, min_size=1, max_size=20), st.sampled_from(["alertmanager", "sentry"])
)
def test_no_rule_is_said_to_be_dead_that_takes_an_alert(
    those: list[Rule], seen: list[dict[str, str]], source: str
) -> None:
    """For any rules: a rule that matches an alert in practice is never reported."""
    *earlier, last = those
    dead = contradiction(last.matchers) is not None or shadowed(last, earlier)
    for each in (alert(labels=one, source=source) for one in seen):
        reached = not any(try_rule(one, each).matched and not one.continues for one in earlier)
        assert not (dead and reached and try_rule(last, each).matched)


def said(**changed: object) -> list[str]:
    return [doubt.message for doubt in doubts([rule("r", **changed)])]


@pytest.mark.parametrize(
    ("thresholds", "dead"),
    [
        ({"P0": "> 1%", "P1": "> 5%"}, "P1"),
        ({"P0": "> 1%", "P1": "> 1%"}, "P1"),
        ({"P0": "> 1%", "P1": ">= 1%"}, None),
        ({"P0": "> 5", "P1": "< 5", "P2": "!= 5"}, "P2"),
        ({"P0": "> 5", "P1": "<= 5", "P3": "== 5"}, "P3"),
        ({"P0": "> 5%", "P1": "> 1%"}, None),
        ({"P0": "< 100", "P1": "< 1000"}, None),
    ],
)
def test_a_tier_under_a_wider_one_is_found(thresholds: dict[str, str], dead: str | None) -> None:
    """The first that holds from P0 down is the severity, so no value reaches it."""
    found = said(thresholds=thresholds)
    assert (f"the tier {dead} of rule 'r'" in found[0]) if dead else not found


def test_counts_are_whole_and_begin_at_one() -> None:
    """Fractions are unreachable, and so is a range between two neighbouring integers."""
    assert said(count_over=300.0, thresholds={"P0": "< 1"}) == [
        "no count can reach the tier P0 of rule 'r': '< 1'"
    ]
    assert said(count_over=300.0, thresholds={"P0": ">= 6", "P1": "> 5"})
    assert not said(count_over=300.0, thresholds={"P0": "> 5", "P1": "> 0"})


numbers = st.integers(-3, 3)
operators = st.sampled_from([">", ">=", "<", "<=", "==", "!="])
tiers = st.lists(st.builds("{} {}".format, operators, numbers.map(abs)), min_size=1, max_size=4)


@given(tiers, st.lists(st.floats(-4, 4) | numbers.map(float), min_size=1))
def test_no_tier_is_said_to_be_dead_that_a_value_reaches(
    texts: list[str], seen: list[float]
) -> None:
    """For any thresholds."""
    thresholds = tuple(
        (severity, Threshold.parse(text)) for severity, text in zip(Severity, texts, strict=False)
    )
    one = Rule("r", (), rule().summary, 0.0, thresholds=thresholds)
    dead = " ".join(doubt.message for doubt in doubts([one]))
    for value in seen:
        reached = judge(one, alert(value=f"{value:f}"))
        assert f"tier {reached.severity} " not in dead


def test_what_is_doubtful_otherwise() -> None:
    """A share over 100 %, and a measure that nobody reads."""
    assert said(thresholds={"P0": "> 150%"}) == [
        "the tier P0 of rule 'r' starts above 100%: '> 150%'"
    ]
    (measure,) = said(count_over=60.0, measure="ratio", thresholds={"P0": "> 1"})
    assert measure == "rule 'r' counts alerts, so its measure 'ratio' is not used"
    assert not said(severity=Severity.P1)

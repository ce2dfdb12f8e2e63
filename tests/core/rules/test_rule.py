"""Rule matching: severity and incident of an alert."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.rules.rule import Judgement, Rule, RuleSet, judge, try_rule
from router.core.rules.severities import opened_as
from router.model.incident import Severity
from router.model.reason import Reason
from tests.world import alert, rule

DEFAULT = rule("default", "", severity=Severity.P2)


def rule_set(*rules: Rule) -> RuleSet:
    return RuleSet.of(rules, DEFAULT, "1")


def names(rules: Sequence[Rule]) -> list[str]:
    return [rule.name for rule in rules]


@pytest.mark.parametrize(
    ("match", "source", "reason", "failed"),
    [
        ("", "", Reason.MATCHED, None),
        ("", "alertmanager", Reason.MATCHED, None),
        ("", "sentry", Reason.SOURCE_DIFFERS, None),
        ("alertname=Payments, service=api", "", Reason.MATCHED, None),
        ("alertname=Payments, service=web", "", Reason.MATCHER_FAILED, 'service="web"'),
        ("alertname=Other, service=web", "", Reason.MATCHER_FAILED, 'alertname="Other"'),
        ('service=~"a.*", service!=web', "alertmanager", Reason.MATCHED, None),
        ('team=""', "", Reason.MATCHED, None),
        ('team!=""', "", Reason.MATCHER_FAILED, 'team!=""'),
    ],
)
def test_a_rule_takes_what_its_source_and_all_its_matchers_hold_for(
    match: str, source: str, reason: Reason, failed: str | None
) -> None:
    """If not, it says which matcher failed first."""
    verdict = try_rule(rule(match=match, source=source), alert())
    assert verdict.reason is reason
    assert verdict.matched is (reason is Reason.MATCHED)
    assert (str(verdict.failed) if verdict.failed else None) == failed


@pytest.mark.parametrize(
    ("rules", "matching_rules"),
    [
        ([], ["default"]),
        ([rule("a"), rule("b")], ["a"]),
        ([rule("a", "alertname=Other"), rule("b", "")], ["b"]),
        ([rule("a", "service=web")], ["default"]),
        ([rule("a", continues=True), rule("b"), rule("c")], ["a", "b"]),
        (
            [rule("a", continues=True), rule("b", "service=web"), rule("c", continues=True)],
            ["a", "c"],
        ),
        ([rule("a", "service=web", continues=True), rule("b", "")], ["b"]),
        ([rule("a", continues=True)], ["a"]),
    ],
)
def test_the_first_that_matches_takes_it_and_those_after_it_while_they_continue(
    rules: list[Rule], matching_rules: list[str]
) -> None:
    """The default takes what nobody else does, and nothing else."""
    assert names(rule_set(*rules).matching_rules(alert())) == matching_rules


def test_every_rule_has_a_word_in_order_the_default_last() -> None:
    """Also those that weren't asked, since another had taken the alert."""
    rules = rule_set(rule("a", "service=web"), rule("b", source="sentry"), rule("c"), rule("d"))
    said = [(verdict.rule.name, verdict.reason) for verdict in rules.verdicts(alert())]
    assert said == [
        ("a", Reason.MATCHER_FAILED),
        ("b", Reason.SOURCE_DIFFERS),
        ("c", Reason.MATCHED),
        ("d", Reason.TAKEN_BEFORE),
        ("default", Reason.TAKEN_BEFORE),
    ]


def test_the_default_has_the_last_word_where_none_takes_it() -> None:
    assert [verdict.reason for verdict in rule_set(rule("a", "service=web")).verdicts(alert())] == [
        Reason.MATCHER_FAILED,
        Reason.MATCHED,
    ]


LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x", "y"]))
MATCHES = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["=", "!=", "=~", "!~"]),
        st.sampled_from(['""', '"x"', '"y"', '"x|y"']),
    ).map("".join),
    max_size=3,
).map(",".join)


@given(
    st.lists(
        st.tuples(MATCHES, st.booleans(), st.sampled_from(["", "alertmanager", "sentry"])),
        max_size=6,
    ),
    LABELS,
)
def test_the_index_finds_what_trying_every_rule_finds(
    specs: list[tuple[str, bool, str]], labels: dict[str, str]
) -> None:
    """For any rules: `verdicts`, the long form, uses no index."""
    rules = rule_set(
        *(
            rule(str(n), match, continues=go_on, source=source)
            for n, (match, go_on, source) in enumerate(specs)
        )
    )
    seen = alert(labels=labels)
    assert names(rules.matching_rules(seen)) == [
        verdict.rule.name for verdict in rules.verdicts(seen) if verdict.matched
    ]


def test_an_alert_is_tried_on_few_of_a_thousand_rules() -> None:
    """Rules with a fulfilled equality, and rules without one."""
    rules = rule_set(*(rule(str(n), f"service=s{n}") for n in range(1000)), rule("any", ""))
    tried = rules._index.candidates(alert(service="s7").labels)
    assert [rules.rules[position].name for position in tried] == ["7", "any"]


def test_a_rule_that_is_gone_is_the_default() -> None:
    rules = rule_set(rule("a"))
    assert (rules.named("a").name, rules.named("b").name) == ("a", "default")


@pytest.mark.parametrize(
    ("group_by", "labels", "key"),
    [
        ((), {"a": "1"}, "r{}"),
        (("a",), {"a": "1", "b": "2"}, 'r{a="1"}'),
        (("b", "a"), {"a": "1", "b": "2"}, 'r{b="2",a="1"}'),
        (("a",), {}, 'r{a=""}'),
        (("a",), {"a": '",b="2'}, r'r{a="\",b=\"2"}'),
    ],
)
def test_the_key_is_the_rule_and_the_grouping_labels(
    group_by: tuple[str, ...], labels: dict[str, str], key: str
) -> None:
    """No label's value can pass for another's."""
    assert rule("r", group_by=group_by).key(alert(labels=labels)) == key


TIERS = {"P0": "> 10%", "P1": "> 1%", "P3": "> 0.1%"}


@pytest.mark.parametrize(
    ("text", "severity", "reason", "held"),
    [
        ("20%", Severity.P0, Reason.ABOVE_THRESHOLD, "> 10%"),
        ("0.2", Severity.P0, Reason.ABOVE_THRESHOLD, "> 10%"),
        ("10%", Severity.P1, Reason.ABOVE_THRESHOLD, "> 1%"),
        ("1.01%", Severity.P1, Reason.ABOVE_THRESHOLD, "> 1%"),
        ("0.5%", Severity.P3, Reason.ABOVE_THRESHOLD, "> 0.1%"),
        ("0.1%", None, Reason.BELOW_THRESHOLD, "> 0.1%"),
        ("-5", None, Reason.BELOW_THRESHOLD, "> 0.1%"),
        ("Inf", Severity.P0, Reason.ABOVE_THRESHOLD, "> 10%"),
        ("", Severity.P3, Reason.VALUE_UNREADABLE, "> 0.1%"),
        ("NaN", Severity.P3, Reason.VALUE_UNREADABLE, "> 0.1%"),
        ("lots", Severity.P3, Reason.VALUE_UNREADABLE, "> 0.1%"),
        ("612ms", Severity.P3, Reason.VALUE_UNREADABLE, "> 0.1%"),
    ],
)
def test_the_worst_threshold_that_holds_is_the_severity(
    text: str, severity: Severity | None, reason: Reason, held: str
) -> None:
    """A value that can't be read gets the lowest tier, since silence would be the worse error."""
    judged = judge(rule(thresholds=TIERS), alert(value=text))
    assert (judged.severity, judged.reason, judged.threshold and judged.threshold.text) == (
        severity,
        reason,
        held,
    )
    assert judged.read == text
    assert (judged.value is None) is (reason is Reason.VALUE_UNREADABLE)


@pytest.mark.parametrize(
    ("annotations", "labels", "read"),
    [
        ({"ratio": "2%"}, {"ratio": "3%"}, "2%"),
        ({}, {"ratio": "3%"}, "3%"),
        ({"ratio": ""}, {"ratio": "3%"}, "3%"),
        ({"value": "9%"}, {}, ""),
    ],
)
def test_the_value_is_an_annotation_or_else_a_label(
    annotations: dict[str, str], labels: dict[str, str], read: str
) -> None:
    assert judge(rule(measure="ratio"), alert(annotations=annotations, labels=labels)).read == read


def test_a_rule_without_thresholds_has_one_severity() -> None:
    assert judge(rule(severity=Severity.P3), alert(value="lots")) == Judgement(
        Severity.P3, Reason.MATCHED
    )


@pytest.mark.parametrize(
    ("count", "severity"),
    [(0, None), (5, None), (6, Severity.P2), (20, Severity.P2), (21, Severity.P1)],
)
def test_a_rule_that_counts_measures_the_count(count: int, severity: Severity | None) -> None:
    """The alert's own value is ignored."""
    counting = rule(count_over=300.0, thresholds={"P1": "> 20", "P2": "> 5"})
    judged = judge(counting, alert(value="lots"), count)
    assert (judged.severity, judged.value, judged.read) == (severity, float(count), str(count))


def test_a_rule_that_ignores_its_alerts_opens_nothing() -> None:
    """Unless a person declares the incident with a severity."""
    ignoring = rule(thresholds={}, severity=Severity.P0, ignores=True)
    assert judge(ignoring, alert()) == Judgement(None, Reason.IGNORED)
    assert opened_as(ignoring) == []
    assert judge(ignoring, alert(severity=Severity.P1)).severity is Severity.P1

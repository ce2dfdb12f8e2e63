"""Alerts made up for a rule: it takes them, and makes of them what is asked for."""

import pytest

from router.app import TYPES
from router.config.load import load
from router.core.rules.matcher import parse_matchers
from router.core.rules.rule import Rule, RuleSet, judge
from router.core.virtual.example_alert import example_alert
from router.model.incident import Severity
from tests.pages import ROOT
from tests.world import NOW, rule, settings

SHIPPED = load(ROOT / "config.example.yaml", {}, TYPES).settings.rules
TIERS = [
    (one, severity)
    for one in (*SHIPPED.rules, SHIPPED.default)
    for severity in ([tier for tier, _ in one.thresholds] or [one.severity])
    if one.name != "sentry-not-production"
]


@pytest.mark.parametrize(("taker", "severity"), TIERS, ids=lambda one: getattr(one, "name", one))
def test_every_tier_of_the_shipped_rules_can_be_made_up(taker: Rule, severity: Severity) -> None:
    """Nothing has to be given but the rule and the severity."""
    made = example_alert(SHIPPED, taker, severity, {}, NOW)
    assert SHIPPED.matching_rules(made.alert)[0] == taker
    assert judge(taker, made.alert, made.times).severity is severity


def one_of(*rules: Rule) -> RuleSet:
    return settings(*rules).rules


def test_without_a_severity_it_is_the_worst() -> None:
    made = example_alert(one_of(rule()), rule(), None, {}, NOW)
    assert judge(rule(), made.alert).severity is Severity.P0


def test_what_is_given_has_the_last_word() -> None:
    """Over what the rule groups by, and over what it asks for: then it isn't the rule's alert any
    more.
    """
    assert (
        example_alert(one_of(rule()), rule(), None, {"service": "web"}, NOW).alert.labels["service"]
        == "web"
    )
    with pytest.raises(ValueError, match="found no value that matches alertname"):
        example_alert(one_of(rule()), rule(), None, {"alertname": "Other"}, NOW)


@pytest.mark.parametrize(
    ("thresholds", "severity"),
    [
        ({"P0": "< 5m", "P1": "< 1h"}, "P1"),
        ({"P0": "== 0", "P3": ">= 1"}, "P0"),
        ({"P2": "!= 0"}, "P2"),
    ],
)
def test_any_comparison_can_be_met(thresholds: dict[str, str], severity: str) -> None:
    made = example_alert(
        one_of(rule(thresholds=thresholds)),
        rule(thresholds=thresholds),
        Severity(severity),
        {},
        NOW,
    )
    assert judge(rule(thresholds=thresholds), made.alert).severity == severity


def test_a_pattern_is_met_by_one_of_its_words() -> None:
    """If it has any that fits; else a label must be given."""
    words = rule(match='alertname=~"(x+)|Pay.*|Payments"')
    assert (
        example_alert(one_of(words), words, None, {}, NOW).alert.labels["alertname"] == "Payments"
    )
    odd = rule(match='alertname=~"Pay.+s"')
    with pytest.raises(
        ValueError, match=r'matches alertname=~"Pay\.\+s" of rule \'payments\': give one'
    ):
        example_alert(one_of(odd), odd, None, {}, NOW)
    assert example_alert(one_of(odd), odd, None, {"alertname": "Payments"}, NOW)


def test_what_another_rule_takes_before_is_said() -> None:
    """With where that one is."""
    first = rule("first", origin="rules.yaml:2:3")
    with pytest.raises(
        ValueError, match=r"rule 'first' \(rules.yaml:2:3\) matches it before 'payments'"
    ):
        example_alert(one_of(first, rule()), rule(), None, {}, NOW)
    assert example_alert(one_of(rule("first", "service=api"), rule()), rule(), None, {}, NOW)


@pytest.mark.parametrize(
    "taker",
    [
        rule(severity=Severity.P2),
        rule(thresholds={"P1": "> 1"}),
        rule(thresholds={"P0": "> 1", "P2": "> 5"}),
    ],
)
def test_a_severity_that_the_rule_never_gives_is_refused(taker: Rule) -> None:
    """A tier that a worse one always hides, too."""
    wanted = Severity.P3 if not taker.thresholds else Severity.P2
    with pytest.raises(ValueError, match=f"rule 'payments' never results in the severity {wanted}"):
        example_alert(one_of(taker), taker, wanted, {}, NOW)


def test_a_rule_that_counts_wants_many() -> None:
    counting = rule(
        count_over=300.0, thresholds={"P1": "> 20", "P2": "> 5"}, matchers=parse_matchers("a=b")
    )
    assert example_alert(one_of(counting), counting, Severity.P2, {}, NOW).times == 6
    assert example_alert(one_of(counting), counting, Severity.P1, {}, NOW).times == 21

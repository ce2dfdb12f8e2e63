"""The rules as an Alertmanager configuration."""

from router.core.alertmanager.routes import configuration
from router.core.rules.matcher import parse_matchers
from router.core.rules.rule import SeverityFrom
from router.core.suppression.inhibition import Inhibition
from router.model.incident import Severity
from tests.world import rule, settings

P0, P1, P2, P3 = Severity


def test_each_rule_is_a_route_to_the_policy_of_its_worst_severity() -> None:
    by_label = SeverityFrom(label="severity", map={"warning": P2, "error": P1})
    config = settings(
        rule("measured", thresholds={"P0": "> 10%", "P2": "> 1%"}),
        rule("mapped", 'job=~"a|b"', severity=P3, severity_from=by_label, continues=True),
        rule("fixed", "", severity=P3, group_by=()),
        rule("own", "", severity=P3, policy="critical"),
        rule("quiet", "", severity=P3, ignores=True),
        rule("beat", "", severity=P3, heartbeat="nightly"),
        rule("elsewhere", "", severity=P0, source="sentry"),
    )
    shown = configuration(config, ["alertmanager"])
    assert shown["route"]["receiver"] == "low"
    routes = shown["route"]["routes"]
    names = ["critical", "high", "low", "critical", "none", "none"]
    assert [route["receiver"] for route in routes] == names
    assert [route["continue"] for route in routes] == [False, True, False, False, False, False]
    assert routes[1]["matchers"] == ['job=~"a|b"']
    assert [route["group_by"] for route in routes[:3]] == [["service"], ["service"], []]
    assert [receiver["name"] for receiver in shown["receivers"]] == [
        "critical",
        "high",
        "low",
        "none",
    ]


def test_inhibitions_by_matchers_are_shown() -> None:
    """One by a rule has no counterpart."""
    target, source = parse_matchers("a=b"), parse_matchers("c!=d")
    config = settings(
        inhibitions=(
            Inhibition(target, source, equal=("service",)),
            Inhibition(target, rule="payments"),
        )
    )
    shown = configuration(config, [])
    assert shown["inhibit_rules"] == [
        {"source_matchers": ['c!="d"'], "target_matchers": ['a="b"'], "equal": ["service"]}
    ]
    assert shown["route"]["routes"] == []
    assert [receiver["name"] for receiver in shown["receivers"]] == ["critical", "high", "low"]

"""`explain` agrees with the router."""

import pytest

from router.core.explain.alert import explain
from router.model.incident import Severity
from router.model.reason import Reason
from tests.world import NOW, POLICIES, World, alert, rule, settings

RULES = settings(
    rule("web", "service=web"),
    rule("payments", continues=True),
    rule("logins", "", count_over=300.0, thresholds={"P1": "> 20", "P2": "> 5"}),
)


def test_every_rule_says_why() -> None:
    """In the order in which they're tried, the default last."""
    said = [
        (verdict.rule.name, verdict.reason) for verdict in explain(RULES, alert(), NOW).verdicts
    ]
    assert said == [
        ("web", Reason.MATCHER_FAILED),
        ("payments", Reason.MATCHED),
        ("logins", Reason.MATCHED),
        ("default", Reason.TAKEN_BEFORE),
    ]


def test_each_rule_that_takes_it_has_an_outcome() -> None:
    """Its incident, severity and recipients; none if the value is below every threshold."""
    outcomes = [
        (o.key, o.judgement.severity, o.policy) for o in explain(RULES, alert(), NOW).outcomes
    ]
    assert outcomes == [
        ('payments{service="api"}', Severity.P0, POLICIES["critical"]),
        ('logins{service="api"}', None, None),
    ]


@pytest.mark.parametrize(("count", "policy"), [(5, None), (6, "low"), (21, "high")])
def test_a_count_can_be_supposed(count: int, policy: str | None) -> None:
    (*_, logins) = explain(RULES, alert(), NOW, count=count).outcomes
    assert (logins.policy and logins.policy.name) == policy


@pytest.mark.parametrize("value", ["20%", "2%", "0.1%", "lots", ""])
@pytest.mark.parametrize("service", ["api", "web"])
def test_it_says_what_then_happens(value: str, service: str) -> None:
    """The predicted incidents open with the predicted severities and notify exactly those
    channels.
    """
    seen = alert(value=value, service=service)
    notifying = [outcome for outcome in explain(RULES, seen, NOW).outcomes if outcome.policy]
    world = World(RULES)
    world.see(seen)
    assert [(i.key, i.severity) for i in world.incidents.values()] == [
        (o.key, o.judgement.severity) for o in notifying
    ]
    assert [i.notified for i in world.incidents.values()] == [o.reached[0].now for o in notifying]

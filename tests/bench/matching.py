"""Cost of finding the matching rule among 10 and among 1,000 rules."""

import time
from collections.abc import AsyncIterator

from router.core.rules.matcher import parse_matchers
from router.core.rules.rule import Rule, RuleSet
from router.core.text.template import compile_template
from router.model.alert import Alert, AlertStatus
from tests.bench.result import Result

ALERTS = 20_000
FEW, MANY = 10, 1_000
TARGET = 1.5
"""Times the cost: "1,000 rules cost about what 10 do"."""


async def run(_seconds: float) -> AsyncIterator[Result]:
    few, many = cost(FEW), cost(MANY)
    note = f"{few * 1e6:.2f} µs an alert among {FEW} rules, {many * 1e6:.2f} µs among {MANY:,}"
    yield Result(
        f"matching: {MANY:,} rules to {FEW}", many / few, "times", TARGET, at_most=True, note=note
    )


def cost(rules: int) -> float:
    """Seconds for one alert, when each rule takes as many of them."""
    rule_set = RuleSet.of([_rule(i) for i in range(rules)], _rule(rules), "")
    alerts = [_alert(i % rules) for i in range(ALERTS)]
    assert all(
        rule_set.matching_rules(alert)[0].name == f"rule-{i}"
        for i, alert in enumerate(alerts[:rules])
    )
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        for alert in alerts:
            rule_set.matching_rules(alert)
        best = min(best, time.perf_counter() - started)
    return best / ALERTS


def _rule(number: int) -> Rule:
    matchers = parse_matchers(f'alertname="Alert{number}", service=~"service-.+", cluster!="test"')
    return Rule(
        f"rule-{number}", ("service",), compile_template("{{ labels.service }}"), 0.0, matchers
    )


def _alert(number: int) -> Alert:
    labels = {
        "alertname": f"Alert{number}",
        "service": "service-7",
        "cluster": "eu",
        "instance": "host-7",
    }
    return Alert("alertmanager", f"{number:016x}", AlertStatus.FIRING, labels, {"value": "1"}, 0.0)

"""The shipped rules and sample configurations, as Prometheus's own tools see them."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.peers import require

ROOT = Path(__file__).parent.parent
PROMETHEUS_RULES = sorted((ROOT / "rules/prometheus").glob("*.rules.yaml"))
UNIT_TESTS = sorted((ROOT / "rules/prometheus").glob("*.test.yaml"))

# It fires when all is well, so no rule may take it: it's a heartbeat.
WITHOUT_RULE = {"Watchdog"}


def alerts() -> dict[str, Any]:
    """The alerting rules of Prometheus by alertname."""
    groups = [
        group for file in PROMETHEUS_RULES for group in yaml.safe_load(file.read_text())["groups"]
    ]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def matching_rules() -> dict[str, Any]:
    """Our rules by the alertname that they take."""
    rules = yaml.safe_load((ROOT / "rules/critical.yaml").read_text())["rules"]
    return {re.fullmatch(r'alertname="(\w+)"', rule["match"][0])[1]: rule for rule in rules}


@pytest.mark.peer
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("promtool", ["check", "rules", *PROMETHEUS_RULES]),
        ("promtool", ["test", "rules", *UNIT_TESTS]),
        ("promtool", ["check", "config", ROOT / "deploy/prometheus.yml"]),
        ("amtool", ["check-config", ROOT / "deploy/alertmanager.yml"]),
    ],
    ids=["rules", "unit tests", "prometheus.yml", "alertmanager.yml"],
)
def test_the_tool_finds_no_fault(tool: str, arguments: list[str | Path]) -> None:
    """Shipped files pass the checks of the tools that read them."""
    done = subprocess.run(
        [require(tool), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_its_rule_and_every_rule_its_alert() -> None:
    """An alert without a rule would go to the default one, and a rule without an alert would never
    do anything.
    """
    assert set(matching_rules()) == set(alerts()) - WITHOUT_RULE


@pytest.mark.parametrize("name", sorted(alerts()))
def test_an_alert_says_what_the_router_needs(name: str) -> None:
    """The measured value is in an annotation, in no label, and both sides send people to the same
    runbook.
    """
    rule = alerts()[name]
    assert rule["annotations"].keys() == {"value", "summary", "description", "runbook_url"}
    assert rule["annotations"]["value"] == '{{ printf "%.6g" $value }}'
    assert not any("$value" in label for label in rule["labels"].values())
    if name not in WITHOUT_RULE:
        assert matching_rules()[name]["runbook"] == rule["annotations"]["runbook_url"]


@pytest.mark.parametrize("name", sorted(matching_rules()))
def test_the_lowest_threshold_is_the_limit_in_prometheus(name: str) -> None:
    """If ours were higher an alert could fire and open nothing; if it were lower it would promise
    what can't happen.
    """
    units = {"%": 0.01, "ms": 0.001}
    for tier in list(matching_rules()[name].get("thresholds", {}).values())[-1:]:
        number, unit = re.fullmatch(r"> ([\d.]+)(\S*)", tier).groups()
        limit = re.search(r" > ([\d.]+)\s", alerts()[name]["expr"] + "\n")[1]
        assert float(limit) == pytest.approx(float(number) * units.get(unit, 1))

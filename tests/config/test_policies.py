"""Severities and policies: targets, and promotions that raise a severity."""

from pathlib import Path
from typing import Any

import pytest

from router.config.load import Config
from router.config.located import Invalid
from router.config.policies import parse_target
from router.core.incident.policy import split_target
from router.model.incident import Severity
from tests.config.test_people_check import STEPS, WHOLE, read


@pytest.mark.parametrize(
    ("text", "target", "parts"),
    [
        ("channel:log", "log", ("channel", "log")),
        ("contact:ana", "contact:ana", ("contact", "ana")),
        ("role:cto", "role:cto", ("role", "cto")),
        ("schedule:primary", "schedule:primary", ("schedule", "primary")),
    ],
)
def test_a_target_is_a_channel_by_name_or_people_by_kind(
    text: str, target: str, parts: tuple[str, str]
) -> None:
    assert parse_target(text) == target
    assert split_target(target) == parts


@pytest.mark.parametrize("text", ["log", "channel:", "channel:a:b", "person:ana", ":x", ""])
def test_a_target_of_no_kind_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected channel:NAME"):
        parse_target(text)


def promoting(folder: Path, to: str, *users: str, **changes: Any) -> Config:
    """A config in which the severities `users` have a policy that promotes."""
    policies = {"all": STEPS, "up": STEPS | {"promote": {"to": to, "after": "1h"}}}
    severities = {
        name: {"policy": "up" if name in users else "all"} for name in WHOLE["severities"]
    }
    return read(folder, **{"policies": policies, "severities": severities} | changes)


@pytest.mark.parametrize(("to", "severity"), [("P1", "P0"), ("P1", "P1"), ("P3", "P2")])
def test_a_promotion_must_raise_the_severity(tmp_path: Path, to: str, severity: str) -> None:
    """It is an error at `to`, since it would do nothing."""
    with pytest.raises(Invalid) as caught:
        promoting(tmp_path, to, severity)
    (problem,) = caught.value.problems
    assert f"promotes to {to}, which isn't more severe than {severity}" in problem.message
    lines = (tmp_path / "config.yaml").read_text().splitlines()
    assert lines[problem.place.line - 1].strip() == f"to: {to}"


def test_a_promotion_that_raises_some_severities_is_a_warning(tmp_path: Path) -> None:
    """A policy may be shared."""
    (warning,) = promoting(tmp_path, "P1", "P1", "P2").warnings
    assert warning.message.endswith("than P1: those incidents keep their severity")


def test_a_promotion_that_raises_all_is_fine(tmp_path: Path) -> None:
    config = promoting(tmp_path, "P1", "P2", "P3")
    assert config.warnings == ()
    assert config.settings.policy(Severity.P2).promote


@pytest.mark.parametrize(
    ("when", "names"),
    [
        ("labels.vip == true", ["labels.vip"]),
        ("annotations['users'] > 5 and labels.vip == 'true'", ["annotations.users"]),
        ("labels.vip == 'true' or labels.users | int > 5", []),
        ("labels.vip in ['true', '1']", []),
    ],
)
def test_a_text_compared_with_a_number_is_a_warning(
    tmp_path: Path, when: str, names: list[str]
) -> None:
    """The step would be skipped always, or never."""
    steps = {"steps": [{"notify": ["channel:log"], "when": when}]}
    warnings = read(tmp_path, policies={"all": steps}).warnings
    assert [warning.message for warning in warnings] == [
        f"{name} is a text: compare it with one, as in {name} == 'true'" for name in names
    ]


def test_steps_are_in_order_of_time(tmp_path: Path) -> None:
    """In any order in the file; the next business day comes last."""
    delays = ["next business day 10:00", "5m", "next business day", "0s"]
    steps: Any = [{"after": delay, "notify": ["channel:log"]} for delay in delays]
    config = read(tmp_path, policies={"all": {"steps": steps}})
    found = [step.after for step in config.settings.policy(Severity.P0).steps]
    assert [delay if isinstance(delay, float) else delay.minute for delay in found] == [
        0.0,
        300.0,
        None,
        600,
    ]


def test_a_severity_that_there_is_not_is_an_error_at_its_key(tmp_path: Path) -> None:
    """Also beside a policy that promotes."""
    with pytest.raises(Invalid) as caught:
        promoting(tmp_path, "P0", "P2", severities=WHOLE["severities"] | {"P4": {"policy": "up"}})
    assert [problem.message for problem in caught.value.problems] == [
        "unknown value 'P4' (expected one of: P0, P1, P2, P3)"
    ]


def test_a_rule_names_a_policy_that_exists(tmp_path: Path) -> None:
    """Also the default rule."""
    named = "[{name: a, severity: P0, policy: team-a}, {name: b, severity: P0, policy: all}]"
    (tmp_path / "rules.yaml").write_text(f"rules: {named}")
    default = {"policy": "tame"}
    with pytest.raises(Invalid) as caught:
        read(tmp_path, rules=["rules.yaml"], default_rule=default, policies={"all": STEPS})
    found = [
        problem.message for problem in caught.value.problems if "unknown policy" in problem.message
    ]
    assert found == ["unknown policy 'tame'", "unknown policy 'team-a'"]


def test_a_rule_that_ignores_has_no_severity(tmp_path: Path) -> None:
    """Either it opens nothing, or it says how severe its incidents are."""
    (tmp_path / "rules.yaml").write_text("rules: [{name: a, ignore: true}]")
    assert read(tmp_path, rules=["rules.yaml"]).settings.rules.rules[0].ignores
    (tmp_path / "rules.yaml").write_text("rules: [{name: a, ignore: true, severity: P0}]")
    with pytest.raises(Invalid, match="ignores its alerts, so it has no severity"):
        read(tmp_path, rules=["rules.yaml"])

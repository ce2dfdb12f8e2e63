"""Scenario files and the config's `drills`: all errors are reported together with positions."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from router.app import TYPES, load_config
from router.config.drills import load_scenario
from router.config.located import Invalid
from router.core.oncall.rotation import Handover
from router.model.drill import Kind
from tests.daemon import write_config

GOOD = {
    "name": "p0",
    "time_out": "30m",
    "steps": [
        {"alert": {"labels": {"alertname": "A"}}},
        {"at": "1m", "expect": "acknowledged", "by": ["contact:ana"], "within": "5m"},
        {"at": "10m", "review": ["the plan"]},
    ],
}
BAD = """\
name: p0
steps:
  - alert: {labels: {alertname: A}, source: nagios}
  - {expect: acknowledged, by: [contact:bob]}
  - {practise: rollback}
  - {expect: delivered, by: [contact:ana]}
  - {review: [x], practise: y}
  - {at: soon, review: [x]}
"""


def write(folder: Path, *scenarios: Any, **drills: Any) -> Path:
    for number, scenario in enumerate(scenarios):
        text = scenario if isinstance(scenario, str) else yaml.safe_dump(scenario, sort_keys=False)
        (folder / f"d{number}.yaml").write_text(text)
    return write_config(folder, contacts={"ana": {}}, drills={"scenarios": ["d*.yaml"], **drills})


def problems(path: Path) -> list[str]:
    with pytest.raises(Invalid) as raised:
        load_config(path)
    return [
        f"{Path(problem.place.file).name}:{problem.place.line}: {problem.message}"
        for problem in raised.value.problems
    ]


def test_a_scenario_is_read_as_the_core_has_it(tmp_path: Path) -> None:
    """Times in seconds; what is expected has until the end, unless it says otherwise."""
    plan = load_config(write(tmp_path, GOOD)).drills["p0"]
    assert [(step.kind, step.name, step.at, step.within) for step in plan.steps[1:]] == [
        (Kind.ACKNOWLEDGED, "acknowledged by contact:ana", 60, 300),
        (Kind.REVIEWED, "review", 600, 1200),
    ]
    alert = plan.steps[0].alert
    assert alert
    assert (alert.labels, alert.source) == ({"alertname": "A"}, "alertmanager")


def test_all_that_is_wrong_is_said_with_its_place(tmp_path: Path) -> None:
    """Names that there aren't, steps that are two things or none, values that can't be read."""
    found = problems(write(tmp_path, BAD))
    for start in (
        "d0.yaml:3: unknown source 'nagios'",
        "d0.yaml:4: unknown contact 'bob'",
        "d0.yaml:5: unknown action 'rollback'",
        "d0.yaml:6: `by` names who acknowledges",
        "d0.yaml:7: a step has one of",
        "d0.yaml:8: expected a duration",
    ):
        assert any(problem.startswith(start) for problem in found), (start, found)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "p 0"}, "d0.yaml:1: the name of a drill"),
        ({"steps": []}, "d0.yaml:1: a drill needs at least one step with an alert"),
        ({"time_out": "2d"}, "d0.yaml:1: time_out: expected more than 0s, and at most 24h"),
    ],
)
def test_a_scenario_that_cant_be_held_is_refused(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    (found,) = problems(write(tmp_path, GOOD | changed))
    assert found.startswith(said)


def test_two_scenarios_of_one_name_are_refused(tmp_path: Path) -> None:
    assert problems(write(tmp_path, GOOD, GOOD)) == ["d1.yaml:1: scenario 'p0' already exists"]


def test_what_is_regular_is_checked(tmp_path: Path) -> None:
    """The canary's scenario, channels and contacts are checked, and an interval of a minute is
    refused.
    """
    canary = {"channels": ["nope"], "contacts": ["bob"]}
    found = problems(write(tmp_path, GOOD, scenario="p9", tell=["channel:lag"], canary=canary))
    for said in (
        "unknown scenario 'p9'",
        "unknown channel 'nope'",
        "unknown contact 'bob'",
        "unknown channel 'lag'",
    ):
        assert any(said in problem for problem in found), (said, found)
    assert "the minimum is one day" in problems(write(tmp_path, GOOD, every="1h"))[0]
    assert "name the channels or the contacts" in problems(write(tmp_path, GOOD, canary={}))[0]


def test_a_regular_drill_is_every_quarter_on_a_tuesday(tmp_path: Path) -> None:
    """The default; without a scenario there are no regular drills."""
    cadence = load_config(write(tmp_path, GOOD, scenario="p0")).cadence
    assert cadence
    assert (cadence.every, cadence.at, cadence.auto) == (13 * 7 * 86_400, Handover(600, 1), False)
    assert load_config(write(tmp_path, GOOD)).cadence is None


def test_a_file_that_the_config_doesnt_name_is_checked_alike(tmp_path: Path) -> None:
    """Against the names of the config."""
    names = {key: [] for key in ("contacts", "roles", "schedules", "channels", "actions")} | {
        "sources": ["alertmanager"]
    }
    (tmp_path / "bad.yaml").write_text(BAD)
    with pytest.raises(Invalid) as raised:
        load_scenario(tmp_path / "bad.yaml", TYPES.hooks, {}, names)
    assert {problem.place.line for problem in raised.value.problems} == {3, 4, 5, 6, 7, 8}
    (tmp_path / "good.yaml").write_text(yaml.safe_dump(GOOD))
    assert (
        load_scenario(tmp_path / "good.yaml", TYPES.hooks, {}, names | {"contacts": ["ana"]}).name
        == "p0"
    )

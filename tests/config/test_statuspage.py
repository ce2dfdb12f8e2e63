"""The status page in the config: what the page is made by, and what doesn't fit together."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from router.config.located import Invalid
from router.config.statuspage import CHANNEL
from router.model.statuspage import Component
from tests.config.test_people_check import WHOLE, read

PAGE: dict[str, Any] = {
    "components": [
        {"name": "payments", "title": "Payments", "since": "2026-11-01"},
        {"name": "api"},
    ],
    "subscribers": {"channel": "mail"},
}


def problems(folder: Path, page: object = PAGE, **changes: Any) -> list[str]:
    with pytest.raises(Invalid) as raised:
        read(folder, status_page=page, **changes)
    return [
        str(problem).partition("config.yaml:")[2].partition(": ")[2] or str(problem)
        for problem in raised.value.problems
    ]


def test_a_page_is_made_by_what_is_given_and_by_the_company(tmp_path: Path) -> None:
    plan = read(tmp_path, status_page=PAGE, company={"name": "VintStreet"}).status_plan
    assert plan is not None
    assert (plan.title, plan.url, plan.history) == (
        "VintStreet status",
        "http://127.0.0.1:9095/status",
        90 * 86_400.0,
    )
    assert plan.components == (
        Component("payments", "Payments", since=1_793_491_200.0),
        Component("api", "api"),
    )


def test_without_a_page_there_is_no_plan_and_nobody_is_queued_what_is_published(
    tmp_path: Path,
) -> None:
    config = read(tmp_path)
    assert (config.status_plan, config.settings.public) == (None, ())


def test_the_page_and_public_channels_are_queued_what_is_published(tmp_path: Path) -> None:
    statuspage = {"type": "statuspage", "api_key": "x", "page": "y"}
    config = read(
        tmp_path, status_page=PAGE, channels=WHOLE["channels"] | {"atlassian": statuspage}
    )
    assert config.settings.public == (CHANNEL, "atlassian")


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ({"components": [{"name": "api"}, {"name": "api"}]}, "component 'api' already exists"),
        ({"subscribers": {"channel": "mial"}}, "unknown channel 'mial', did you mean 'mail'?"),
        (
            {"subscribers": {"channel": "log"}},
            "channel 'log' is of type console: subscribers get e-mail",
        ),
        ({"public_history": "1h"}, "`public_history` must be between 1d and 366d"),
        ({"every": "0s"}, "`every` must be at least 1s"),
    ],
)
def test_what_doesnt_fit_is_said(tmp_path: Path, page: dict[str, Any], problem: str) -> None:
    assert problem in " ".join(problems(tmp_path, page))


def test_a_rule_names_a_component_that_there_is(tmp_path: Path) -> None:
    """A misspelt one would leave its incidents without a component on the page."""
    rule = {
        "name": "slow",
        "match": ['alertname="Slow"'],
        "severity": "P2",
        "component": "paymnets",
    }
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"rules": [rule]}))
    (problem,) = problems(tmp_path, rules=["rules.yaml"])
    assert "unknown component of status_page 'paymnets'" in problem
    assert "payments" in problem
    default = {"severity": "P2", "component": "app"}
    assert "'app'" in " ".join(problems(tmp_path, rules=[], default_rule=default))


def test_the_name_of_the_page_is_taken(tmp_path: Path) -> None:
    channels = WHOLE["channels"] | {CHANNEL: {"type": "console"}}
    assert "is the name of the status page" in " ".join(problems(tmp_path, channels=channels))

"""The company's business days, from the YAML to the time at which a step is due."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from router.cli import main
from router.config.company import Company, parse_holidays
from router.core.oncall.business_hours import NextBusinessDay
from tests.core.oncall.test_schedule import at

CONFIG = {
    "rules": ["rules.yaml"],
    "sources": {"alertmanager": {"insecure": True}},
    "channels": {"log": {"type": "console"}},
    "severities": {name: {"policy": "all"} for name in ("P0", "P1", "P2", "P3")},
    "policies": {"all": {"steps": [{"after": "next business day", "notify": ["channel:log"]}]}},
}
RULES = {"rules": [{"name": "t", "match": ["alertname=T"], "severity": "P3"}]}


@pytest.mark.parametrize(
    ("company", "due"),
    [
        ({}, "2026-12-25T09:00"),
        ({"holidays": "GB-ENG"}, "2026-12-29T09:00"),
        ({"holidays": "DE"}, "2026-12-28T09:00"),
        ({"holidays": "GB-ENG", "workdays": "Mon-Sun"}, "2026-12-27T09:00"),
        ({"holidays": "GB-SCT", "opens": "08:30"}, "2026-12-29T08:30"),
    ],
)
def test_a_step_waits_over_christmas(tmp_path: Path, company: dict[str, str], due: str) -> None:
    """25 and 26 December 2026 are a Friday and a Saturday, so Monday is a holiday in England as
    well.
    """
    whole = CONFIG | {"company": {"time_zone": "Europe/London"} | company}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(whole))
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(RULES))
    asked = ["--rule", "t", "--at", "2026-12-24 17:00", "--json"]
    run = CliRunner().invoke(main, ["simulate", "--config", str(tmp_path / "config.yaml"), *asked])
    assert run.exit_code == 0, run.output
    steps = [
        moment for moment in json.loads(run.stdout)["moments"] if moment["reason"] == "step_due"
    ]
    assert {step["at"][:16] for step in steps} == {due}


def test_holidays_that_no_day_was_looked_up_in_count() -> None:
    """The holidays of a country are filled when a day is asked for: until then they are false."""
    found = parse_holidays("GB-ENG")
    assert not found
    company = Company(time_zone="Europe/London", holidays=found)  # type: ignore[arg-type]
    assert company.after(NextBusinessDay(), at("2026-12-24 17:00")) == at("2026-12-29 09:00")

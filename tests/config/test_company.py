"""The company's business days, from the YAML to the time at which a step is due."""

import json
from datetime import date
from pathlib import Path

import holidays
import pytest
import yaml
from typer.testing import CliRunner

from router.cli import main
from router.config import company as company_module
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


def test_holidays_are_looked_up_when_a_day_is_asked_for() -> None:
    found = parse_holidays("GB-ENG")
    company = Company(time_zone="Europe/London", holidays=found)  # type: ignore[arg-type]
    assert company.after(NextBusinessDay(), at("2026-12-24 17:00")) == at("2026-12-29 09:00")


def test_the_listed_countries_are_those_of_the_library() -> None:
    """If this fails: write what the library lists to router/config/holidays.txt."""
    known = holidays.list_supported_countries(include_aliases=False)
    listed = Path(company_module.__file__).with_name("holidays.txt").read_text("utf-8")
    assert listed == "".join(",".join([name, *known[name]]) + "\n" for name in sorted(known))


def test_a_country_by_an_alias_is_found_in_the_library() -> None:
    assert date(2026, 12, 25) in parse_holidays("GBR-ENG")

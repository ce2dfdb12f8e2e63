"""Branch coverage, and descriptions of missed branches."""

import pytest

from router.core.incident.policy import Policy, Promote, Repeat, Step
from router.core.incident.settings import Settings
from router.core.text.template import compile_condition
from router.core.virtual.branch_coverage import Coverage
from router.core.virtual.scenario import Failing, Reported, Scenario, ScenarioEvent, play
from router.model.event import Command
from router.model.incident import Severity
from tests.world import NOW, POLICIES, alert, rule, settings

CONFIG = settings(rule(), rule("web", "service=web", severity=Severity.P2))
FIRES = ScenarioEvent(0, (Reported(alert()),))


def missed(*timeline: ScenarioEvent, config: Settings = CONFIG, end: float = 0.0) -> list[str]:
    coverage = Coverage(config)
    play(Scenario("s", NOW, "UTC", timeline, end=end), config, coverage.watch)
    return coverage.missed


def test_all_is_missed_before_anything_happens() -> None:
    """Each rule, tier, step and fallback, in words a person knows."""
    assert Coverage(CONFIG).ratio == 0
    assert missed() == [
        "rule payments is never tested",
        "the P0 tier of payments (> 10%) is never tested",
        "the P1 tier of payments (> 1%) is never tested",
        "rule web is never tested",
        "rule default is never tested",
        "step 1 of policy critical (at once) is never tested",
        "step 2 of policy critical (after 5m) is never tested",
        "step 3 of policy critical (after 30m) is never tested",
        "the fallback of policy critical is never tested",
        "step 1 of policy high (at once) is never tested",
        "step 2 of policy high (after 30m) is never tested",
        "the fallback of policy high is never tested",
        "step 1 of policy low (at once) is never tested",
    ]


def test_an_alert_covers_its_rule_its_tier_and_the_steps_that_are_taken() -> None:
    taken = set(missed()) - set(missed(FIRES, end=300))
    assert taken == {
        "rule payments is never tested",
        "the P0 tier of payments (> 10%) is never tested",
        "step 1 of policy critical (at once) is never tested",
        "step 2 of policy critical (after 5m) is never tested",
    }


def test_a_step_that_was_skipped_is_not_covered() -> None:
    """It hasn't been shown that it notifies the right people."""
    left = missed(FIRES, ScenarioEvent(60, command=Command.ACKNOWLEDGE, by="ana"), end=3600)
    assert "step 2 of policy critical (after 5m) is never tested" in left
    assert "step 3 of policy critical (after 30m) is never tested" not in left


def test_the_steps_of_a_severity_that_was_raised_count_from_its_first() -> None:
    worse = (
        ScenarioEvent(60, (Reported(alert(value="2%")),)),
        ScenarioEvent(120, (Reported(alert(value="20%")),)),
    )
    assert "step 1 of policy critical (at once) is never tested" not in missed(*worse)


@pytest.mark.parametrize("failing", Failing)
def test_a_fallback_is_covered_when_a_channel_fails(failing: Failing) -> None:
    left = missed(ScenarioEvent(0, FIRES.reported, fails={"pager": failing}), end=200)
    assert "the fallback of policy critical is never tested" not in left


def test_a_rule_that_takes_an_alert_under_its_limits_is_covered_and_no_tier_of_it() -> None:
    left = missed(ScenarioEvent(0, (Reported(alert(value="0.1%")),)))
    assert "rule payments is never tested" not in left
    assert "the P1 tier of payments (> 1%) is never tested" in left


def test_a_repeat_and_a_promotion_are_covered_when_they_come() -> None:
    """They count for the policy that has them, not for the incident's later one."""
    high = Policy(
        "high", (Step(after=0, notify=("slack",)),), (), Repeat(600, 1), Promote(Severity.P0, 7200)
    )
    config = settings(rule(), policies=POLICIES | {"high": high})
    repeat = "the repeat of policy high (every 10m) is never tested"
    promotion = "the promotion of policy high (to P0 after 2h) is never tested"
    seen = ScenarioEvent(0, (Reported(alert(value="2%")),))
    assert {repeat, promotion} <= set(missed(seen, config=config, end=599))
    assert (repeat in (left := missed(seen, config=config, end=600)), promotion in left) == (
        False,
        True,
    )
    assert promotion not in missed(seen, config=config, end=7200)


def test_a_step_whose_condition_fails_is_not_covered() -> None:
    """It's for other incidents."""
    step = Step(after=0, notify=("slack",), when=compile_condition("labels.service == 'web'"))
    config = settings(policies=POLICIES | {"critical": Policy("critical", (step,))})
    assert "step 1 of policy critical (at once) is never tested" in missed(FIRES, config=config)

"""On-call gaps that deserve a warning."""

import pytest

from router.core.incident.policy import Policy, SeverityPlan, Step
from router.core.oncall.recipients import ContactMethod, People
from router.core.oncall.rotation import Rotate
from router.core.oncall.schedule import Gap, Override, Schedule
from router.core.reachability.gaps import coming_gaps, uncovered, unreachable
from router.model.incident import Severity
from tests import world
from tests.core.oncall.test_schedule import DAY, MON, at, rotation, schedule

NOW = at("2026-03-23 12:00")
WEEKLY = schedule(rotation(Rotate.WEEKLY, "09:00", "ana", day=MON))
HOLE = Gap(NOW + DAY, NOW + 2 * DAY)
HOLED = schedule(*WEEKLY.layers, overrides=[Override("", HOLE.start, HOLE.end)])


def found(
    rota: Schedule, policy: Policy, severity: Severity = Severity.P1
) -> list[tuple[str, str, Severity]]:
    plans = {each: SeverityPlan("quiet") for each in Severity} | {
        severity: SeverityPlan(policy.name)
    }
    policies = {"quiet": Policy("quiet", (Step(after=0, notify=("slack",)),)), policy.name: policy}
    people = People({"ana": ()}, {}, {"primary": rota, "other": WEEKLY})
    settings = world.settings(policies=policies, severities=plans, people=people)
    return [
        (each.schedule, each.policy, each.severity)
        for each in uncovered(settings, coming_gaps(settings, NOW))
    ]


STEP = Policy(
    "loud",
    (
        Step(after=0, notify=("slack",)),
        Step(after=300, notify=("schedule:primary", "schedule:other")),
    ),
)


@pytest.mark.parametrize(
    ("rota", "policy", "severity", "warned"),
    [
        (HOLED, STEP, Severity.P1, True),
        (HOLED, STEP, Severity.P0, True),
        (HOLED, STEP, Severity.P2, False),
        (WEEKLY, STEP, Severity.P0, False),
        (
            HOLED,
            Policy("loud", (Step(after=0, notify=("slack",)),), ("schedule:primary",)),
            Severity.P1,
            True,
        ),
        (HOLED, Policy("loud", (Step(after=0, notify=("primary",)),)), Severity.P1, False),
    ],
    ids=["a step", "the worst", "not urgent", "no gap", "the fallback", "a channel of that name"],
)
def test_a_gap_is_warned_of_where_an_urgent_policy_would_meet_it(
    rota: Schedule, policy: Policy, severity: Severity, warned: bool
) -> None:
    assert found(rota, policy, severity) == ([("primary", "loud", severity)] if warned else [])


def test_gaps_are_those_of_a_week() -> None:
    """Later gaps are reported when they are a week away."""
    settings = world.settings(people=People({"ana": ()}, {}, {"primary": HOLED}))
    assert coming_gaps(settings, NOW)["primary"] == (HOLE,)
    assert coming_gaps(settings, HOLE.start - 7 * DAY)["primary"] == ()
    assert coming_gaps(settings, HOLE.start - 7 * DAY + 60)["primary"] == (
        Gap(HOLE.start, HOLE.start + 60),
    )


@pytest.mark.parametrize(
    ("target", "unable"),
    [
        ("contact:ana", ["ana"]),
        ("contact:ben", ["ben"]),
        ("contact:cy", []),
        ("role:cto", ["ben"]),
        ("schedule:primary", ["ana", "ben"]),
        ("slack", []),
    ],
)
def test_people_who_cannot_be_notified_are_named(target: str, unable: list[str]) -> None:
    """Without a contact method, or without one for the severity; also those of an override."""
    rota = schedule(*WEEKLY.layers, overrides=[Override("ben", HOLE.start, HOLE.end)])
    methods = {
        "ana": (),
        "ben": (ContactMethod("sms", severities=frozenset({Severity.P2})),),
        "cy": (ContactMethod("sms"),),
    }
    people = People(methods, {"cto": ("ben", "cy")}, {"primary": rota})
    urgent = {Severity.P0, Severity.P1}
    plans = {each: SeverityPlan("loud" if each in urgent else "quiet") for each in Severity}
    policies = {
        "quiet": Policy("quiet", (Step(after=0, notify=("contact:ana",)),)),
        "loud": Policy("loud", (Step(after=0, notify=(target,)),)),
    }
    found = unreachable(world.settings(policies=policies, severities=plans, people=people))
    assert [each.contact for each in found] == unable
    assert {each.severity for each in found} <= {Severity.P0}

"""The whole escalation of alerts that nobody answers, in the order in which it would come about."""

import pytest

from router.core.incident.policy import Policy, Promote, Repeat, Step, Unless
from router.core.incident.settings import Settings
from router.core.oncall.recipients import ContactMethod, People
from router.core.virtual.simulation import SimulatedAnswer, Simulation, simulate
from router.model.incident import Severity
from router.model.reason import Reason
from tests.world import NOW, POLICIES, alert, rule, settings

PEOPLE = People(
    {
        "ana": (ContactMethod("sms"), ContactMethod("call", 120.0)),
        "ben": (ContactMethod("call"),),
        "cy": (),
    }
)
STEPS = (
    Step(after=0, notify=("slack", "contact:ana")),
    Step(after=300, notify=("contact:cy",), unless=Unless.ACKNOWLEDGED),
    Step(after=3600, notify=("contact:ben",)),
)
CONFIG = settings(policies=POLICIES | {"critical": Policy("critical", STEPS)}, people=PEOPLE)


def delivered(found: Simulation) -> list[tuple[float, str, str, Reason]]:
    return [
        (moment.at - NOW, moment.who, moment.over, moment.reason)
        for moment in found.moments
        if moment.over
    ]


def test_who_is_told_over_what_until_the_end() -> None:
    """Further ways, nobody to reach and the step after it included, each at its time."""
    found = simulate(CONFIG, [alert()], NOW)
    assert delivered(found) == [
        (0, "", "slack", Reason.OPENED),
        (0, "ana", "sms", Reason.OPENED),
        (120, "ana", "call", Reason.NEXT_METHOD),
        (300, "ben", "call", Reason.STEP_DUE),
        (1200, "ana", "call", Reason.UNANSWERED),
        (1200, "ben", "call", Reason.UNANSWERED),
        (1200, "", "slack", Reason.UNANSWERED),
        (1200, "ana", "sms", Reason.UNANSWERED),
    ]
    assert (found.ended, found.end) == (True, NOW + 1200)


def test_what_the_timeline_says_comes_before_what_it_leads_to() -> None:
    """Without how messages travelled, which is always well here."""
    found = simulate(CONFIG, [alert()], NOW)
    assert [moment.reason for moment in found.moments if not moment.over] == [
        Reason.OPENED,
        Reason.NEXT_METHOD,
        Reason.NOBODY_REACHED,
        Reason.STEP_DUE,
        Reason.STEP_DUE,
        Reason.STEPS_ENDED,
        Reason.UNANSWERED,
    ]
    assert [bool(moment.over) for moment in found.moments][:3] == [False, True, True]


@pytest.mark.parametrize("after", [0.0, 60.0, 300.0, 90_000.0])
def test_an_answer_comes_when_it_does(after: float) -> None:
    """Before the end or after it; the further ways and the steps that are for nothing then aren't
    taken.
    """
    found = simulate(CONFIG, [alert()], NOW, SimulatedAnswer(after, "ana"))
    (answered,) = [
        moment.at - NOW
        for moment in found.moments
        if moment.reason is Reason.ACKNOWLEDGED and not moment.over
    ]
    assert answered == after
    assert ((120, "ana", "call", Reason.NEXT_METHOD) in delivered(found)) is (after > 120)
    assert found.incidents[0].acknowledged_by == "ana"
    assert found.ended


def test_an_alert_that_opens_nothing_says_why() -> None:
    found = simulate(CONFIG, [alert(value="0.1%")], NOW)
    assert (found.reasons, found.incidents, found.moments) == ((Reason.BELOW_THRESHOLD,), (), ())


def test_a_policy_longer_than_what_is_looked_at_has_not_ended() -> None:
    """A month ahead nobody knows who will be there."""
    late = Policy(
        "critical", (Step(after=0, notify=("slack",)), Step(after=30 * 86_400, notify=("pager",)))
    )
    config: Settings = settings(rule(), policies=POLICIES | {"critical": late})
    assert not simulate(config, [alert()], NOW).ended


def test_it_goes_on_through_repeats_and_promotions() -> None:
    """It ends when the worst severity has nobody left to notify."""
    high = Policy(
        "high", (Step(after=0, notify=("slack",)),), (), Repeat(600, 1), Promote(Severity.P0, 7200)
    )
    config = settings(rule(), policies=POLICIES | {"high": high})
    found = simulate(config, [alert(value="2%")], NOW)
    reasons = [moment.reason for moment in found.moments if not moment.over]
    assert [reason for reason in reasons if reason is not Reason.STEP_DUE] == [
        Reason.OPENED,
        Reason.STEPS_ENDED,
        Reason.STEPS_REPEATED,
        Reason.UNANSWERED,
        Reason.PROMOTED,
        Reason.STEPS_ENDED,
        Reason.UNANSWERED,
    ]
    assert (found.ended, found.incidents[0].severity) == (True, Severity.P0)

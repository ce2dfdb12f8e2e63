"""Comparison of expected and actual results: missing, different and extra lines."""

from typing import Any

from router.core.incident.policy import Policy, Step
from router.core.incident.settings import Settings
from router.core.oncall.recipients import ContactMethod, People
from router.core.virtual.scenario import (
    Message,
    Reported,
    Scenario,
    ScenarioEvent,
    ScenarioResult,
    ScenarioState,
    play,
)
from router.core.virtual.scenario_diff import Line, compare
from router.model.incident import Severity
from router.model.reason import Reason
from tests.world import NOW, POLICIES, alert, settings

ALERT = ScenarioEvent(0, (Reported(alert()),))
DELIVERED = (Message(0, "slack"), Message(0, "pager"), Message(300, "phone"))


def lines(
    *messages: Message, config: Settings | None = None, end: float = 300, **expected: Any
) -> list[Line]:
    scenario = Scenario("s", NOW, "UTC", (ALERT,), messages, end=end, **expected)
    played: ScenarioResult = play(scenario, config or settings())
    return [*compare(scenario, played)]


def wrong(*messages: Message, **expected: Any) -> list[tuple[float, str | None, str | None]]:
    return [
        (line.after, line.expected, line.got)
        for line in lines(*messages, **expected)
        if not line.agrees
    ]


def test_all_that_was_expected_and_nothing_else_agrees() -> None:
    """In any order."""
    assert wrong(*reversed(DELIVERED)) == []
    assert [line.after for line in lines(*DELIVERED)] == [0, 0, 300]


def test_anything_extra_is_wrong() -> None:
    assert wrong(*DELIVERED[:2]) == [(300, None, 'phone step_due P0 "Payments on api"')]


def test_what_did_not_come_is_wrong() -> None:
    assert wrong(*DELIVERED, Message(60, "cto")) == [(60, "cto", None)]


def test_what_came_instead_stands_beside_it() -> None:
    """Another severity, reason or title to the same address at the same time is one difference, not
    two.
    """
    asked = Message(0, "slack", 0, Reason.JOINED, Severity.P3, "Other")
    assert wrong(asked, *DELIVERED[1:]) == [
        (0, 'slack joined P3 "Other"', 'slack opened P0 "Payments on api"')
    ]


def test_a_message_may_come_within_a_time() -> None:
    """But not before, nor after."""
    assert wrong(*DELIVERED[:2], Message(240, "phone", within=60)) == []
    assert len(wrong(*DELIVERED[:2], Message(240, "phone", within=59))) == 2
    assert len(wrong(*DELIVERED[:2], Message(301, "phone", within=60), end=400)) == 2


def test_who_says_more_chooses_first() -> None:
    """The less specific of two expectations at one time takes the remaining result."""
    both = ScenarioEvent(0, (Reported(alert()), Reported(alert("f2", value="2%", service="web"))))
    messages = (Message(0, "slack"), Message(0, "slack", severity=Severity.P0), Message(0, "pager"))
    scenario = Scenario("s", NOW, "UTC", (both,), messages)
    assert all(line.agrees for line in compare(scenario, play(scenario, settings())))


def test_a_person_is_told_over_all_their_ways_at_once() -> None:
    """`contact:` takes them together; an address takes one."""
    people = People({"ana": (ContactMethod("sms"), ContactMethod("mail"))})
    config = settings(
        policies=POLICIES
        | {"critical": Policy("critical", (Step(after=0, notify=("contact:ana",)),))},
        people=people,
    )
    assert wrong(Message(0, "contact:ana"), config=config) == []
    assert [got for *_, got in wrong(Message(0, "sms/ana"), config=config)] == [
        'mail/ana opened P0 "Payments on api"'
    ]
    assert wrong(Message(0, "contact:ben"), Message(0, "contact:ana"), config=config) == [
        (0, "contact:ben", None)
    ]


def test_all_incidents_that_there_are_must_be_listed() -> None:
    """Requested fields must match; missing, different and unlisted incidents are errors."""

    def of(*incidents: dict[str, object]) -> list[tuple[float, str | None, str | None]]:
        return wrong(*DELIVERED, snapshots=(ScenarioState(300, incidents),))

    assert of({"severity": Severity.P0, "rule": "payments"}) == []
    assert of() == [
        (300, None, 'INC-1: key payments{service="api"}, severity P0, status investigating')
    ]
    assert of({"severity": Severity.P1}) == [(300, "severity P1", "INC-1: severity P0")]
    assert of({"severity": Severity.P0}, {"rule": "web"}) == [(300, "rule web", None)]


def test_a_reason_must_have_been_decided_then() -> None:
    """About the alert, or on the timeline."""
    assert wrong(*DELIVERED, reasons=((0, Reason.OPENED), (300, Reason.STEP_DUE))) == []
    (line,) = wrong(*DELIVERED, reasons=((0, Reason.JOINED),))
    assert line == (0, "joined", "opened, delivered")
    assert wrong(*DELIVERED, reasons=((60, Reason.JOINED),)) == [(60, "joined", None)]

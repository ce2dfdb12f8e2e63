"""Due steps of a policy; there is always a next one, or an entry that says that they have ended."""

import pytest
from msgspec.structs import replace

from router.core.incident.escalation import STEP, run_steps
from router.core.incident.policy import Policy, Step, Unless
from router.core.incident.transaction import Decision
from router.core.oncall.recipients import ContactMethod, People
from router.model.decision import Timer
from router.model.incident import Incident, Severity, Status
from router.model.reason import Reason
from tests.world import NOW, POLICIES, settings

INCIDENT = Incident(
    1,
    "payments{}",
    "payments",
    "alertmanager",
    "Payments",
    Severity.P0,
    Status.INVESTIGATING,
    NOW,
    NOW,
    policy_since=NOW,
)
ACKED = replace(INCIDENT, acknowledged_at=NOW + 1)
STEPS = (
    Step(after=0, notify=("slack", "pager")),
    Step(after=0, notify=("slack", "mail"), unless=Unless.ACKNOWLEDGED),
    Step(after=300, notify=("phone",), unless=Unless.ACKNOWLEDGED),
    Step(after=900, notify=("cto", "slack")),
)


def run(at: float, incident: Incident = INCIDENT, steps: tuple[Step, ...] = STEPS) -> Decision:
    """The decision after the policy has run, `at` seconds after its start."""
    config = settings(policies=POLICIES | {"critical": Policy("critical", steps)})
    reason = Reason.STEP_DUE if incident.step else Reason.OPENED
    decision = Decision(reason, incident)
    run_steps(decision, NOW + at, reason, config)
    return decision


@pytest.mark.parametrize(
    ("at", "incident", "queued", "notes", "step", "next_due"),
    [
        (0, INCIDENT, ["slack", "pager", "slack", "mail"], [], 2, 300),
        (0, ACKED, ["slack", "pager"], ["step_skipped"], 2, 300),
        (299.9, replace(INCIDENT, step=2), [], [], 2, 300),
        (300, replace(INCIDENT, step=2), ["phone"], ["step_due"], 3, 900),
        (300, replace(ACKED, step=2), [], ["step_skipped"], 3, 900),
        (900, replace(INCIDENT, step=3), ["cto", "slack"], ["step_due", "steps_ended"], 4, 1800),
        (900, replace(ACKED, step=3), ["cto", "slack"], ["step_due", "steps_ended"], 4, None),
        (
            9999,
            replace(INCIDENT, step=2),
            ["phone", "cto", "slack"],
            ["step_due", "step_due", "steps_ended"],
            4,
            10899,
        ),
    ],
)
def test_the_steps_that_are_due_are_taken(
    *,
    at: float,
    incident: Incident,
    queued: list[str],
    notes: list[str],
    step: int,
    next_due: float | None,
) -> None:
    """All of them, once; one timer is set for the next step, or an entry says that there is
    none.
    """
    decision = run(at, incident)
    assert decision.incident is not None
    assert [message.channel for message in decision.queued] == queued
    assert [entry.what for entry in decision.entries] == notes
    assert decision.incident.step == step
    assert decision.timers == ([] if next_due is None else [Timer(1, STEP, NOW + next_due)])
    assert decision.timers_cleared == ([STEP] if next_due is None else [])


def test_who_is_told_is_told_once_in_order() -> None:
    """A channel that two steps name is one channel."""
    decision = run(9999)
    assert decision.incident is not None
    assert decision.incident.notified == ("slack", "pager", "mail", "phone", "cto")


def test_the_first_steps_are_told_for_the_reason_they_started() -> None:
    assert {message.reason for message in run(0).queued} == {Reason.OPENED}


def test_an_entry_says_which_step_and_whom_it_told() -> None:
    (entry,) = run(300, replace(INCIDENT, step=2)).entries
    assert entry.data == {"step": 3, "channels": ["phone"], "policy": "critical", "duties": []}


@pytest.mark.parametrize(
    ("incident", "noted"),
    [
        (INCIDENT, {"channels": ["sms/ana"], "later": ["call/ana"]}),
        (ACKED, {"channels": ["sms/ana"]}),
    ],
)
def test_a_later_contact_method_is_not_noted_as_notified(
    incident: Incident, noted: dict[str, list[str]]
) -> None:
    """It is, only if nobody acknowledges until then."""
    people = People({"ana": (ContactMethod("sms"), ContactMethod("call", 300.0))})
    policy = Policy("critical", (Step(after=60, notify=("contact:ana",)),))
    config = settings(policies=POLICIES | {"critical": policy}, people=people)
    decision = Decision(Reason.STEP_DUE, incident)
    run_steps(decision, NOW + 60, Reason.STEP_DUE, config)
    data = decision.entries[0].data
    assert {key: data[key] for key in ("channels", "later") if key in data} == noted


@pytest.mark.parametrize(
    ("incident", "steps"),
    [
        pytest.param(INCIDENT, (), id="it tells nobody"),
        pytest.param(replace(INCIDENT, step=1), STEPS[:1], id="it got shorter"),
        pytest.param(replace(INCIDENT, step=3), STEPS[:1], id="it got much shorter"),
    ],
)
def test_a_policy_with_nothing_left_to_do_says_so(
    incident: Incident, steps: tuple[Step, ...]
) -> None:
    """And no timer of the policy before is left."""
    decision = run(300, incident, steps)
    assert [entry.what for entry in decision.entries] == [Reason.STEPS_ENDED]
    assert (decision.queued, decision.timers, decision.timers_cleared) == ([], [], [STEP])


def test_a_step_that_was_put_off_is_waited_for() -> None:
    """The config was reloaded before it was due."""
    decision = run(300, replace(INCIDENT, step=1), (STEPS[0], Step(after=3600, notify=("phone",))))
    assert (decision.queued, decision.timers) == ([], [Timer(1, STEP, NOW + 3600)])

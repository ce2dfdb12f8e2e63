"""People's commands: a repetition has no second effect, and a late command changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.incident.policy import Policy, SeverityPlan, Step
from router.core.messages.timeline import describe
from router.core.oncall.recipients import ContactMethod, People
from router.model.event import Command, Commanded, Undelivered
from router.model.incident import Severity, Status
from router.model.reason import Reason
from tests.core.script import P0, Script, acks, after, due, fires, play, says
from tests.world import NOW, PLANS, POLICIES, World, alert, over, settings

ACK, RESOLVE, NOTE, ESCALATE = Command.ACKNOWLEDGE, Command.RESOLVE, Command.NOTE, Command.ESCALATE


@pytest.fixture
def world() -> World:
    """A world with one incident, already notified."""
    world = World()
    world.see(alert())
    world.deliver()
    return world


def test_a_command_that_comes_twice_has_one_effect(world: World) -> None:
    """A provider repeats what it isn't sure of; the second time nothing is written."""
    assert world.command(NOTE, text="on it", receipt="twilio:SM1") is Reason.NOTED
    changes, reasons = world.decide(
        Commanded(world.now, 1, "ana", NOTE, "on it", receipt="twilio:SM1")
    )
    assert reasons == [Reason.REPLAYED]
    assert not changes
    assert world.story().count(Reason.NOTED) == 1


def test_a_command_twice_in_one_transaction_has_one_effect(world: World) -> None:
    """Also when both arrive together."""
    twice = Commanded(world.now, 1, "ana", NOTE, "on it", receipt="twilio:SM1")
    assert world.happen(twice, twice) == [Reason.NOTED, Reason.REPLAYED]


def test_commands_without_a_receipt_are_never_replays(world: World) -> None:
    """The API's are each their own."""
    assert [world.command(NOTE, text="again") for _ in range(2)] == [Reason.NOTED, Reason.NOTED]


def test_two_who_acknowledge_at_once_have_one_outcome(world: World) -> None:
    """The first one owns it; both are on the timeline; the channels are notified once."""
    ana, ben = (Commanded(world.now, 1, name, ACK, receipt=name) for name in ("ana", "ben"))
    assert world.happen(ana, ben) == [Reason.ACKNOWLEDGED, Reason.ALREADY_DONE]
    assert world.incident.acknowledged_by == "ana"
    tried = [(entry.what, entry.by) for entry in world.timeline if entry.by in ("ana", "ben")]
    assert tried == [(Reason.ACKNOWLEDGED, "ana"), (Reason.ALREADY_DONE, "ben")]
    assert {reason for _, reason in world.deliver()} == {Reason.ACKNOWLEDGED}


def test_what_was_meant_for_an_earlier_life_is_too_late(world: World) -> None:
    """A resolve that arrives after a reopening is about the earlier occurrence."""
    world.see(over())
    world.see(alert(starts_at=world.now + 1))
    assert world.incident.reopened == 1
    assert world.command(RESOLVE, by="ben", reopened=0) is Reason.COMMAND_OUTDATED
    assert world.incident.is_open
    assert world.timeline[-1].by == "ben"
    assert world.command(RESOLVE, by="ben", reopened=1) is Reason.RESOLVED_BY_PERSON


def test_what_is_told_late_does_not_undo_what_was_done_since(world: World) -> None:
    """Commands are ordered by the time they were made elsewhere, separately for each kind.

    An equal time isn't older, and notes are never dropped.
    """
    status, priority = "pagerduty:status", "pagerduty:priority"
    severity = Command.SEVERITY
    assert (
        world.command(severity, severity=Severity.P1, dated=(priority, 20.0)) is Reason.SEVERITY_SET
    )
    assert (
        world.command(severity, severity=Severity.P2, dated=(priority, 19.0))
        is Reason.COMMAND_OVERTAKEN
    )
    assert world.incident.severity is Severity.P1
    assert world.command(NOTE, text="Reopened in PagerDuty", dated=(status, 15.0)) is Reason.NOTED
    assert world.command(RESOLVE, dated=(status, 14.0)) is Reason.COMMAND_OVERTAKEN
    assert world.incident.is_open
    assert world.command(NOTE, text="merged", dated=(status, 13.0)) is Reason.NOTED
    assert world.command(ACK, dated=(status, 14.0)) is Reason.COMMAND_OVERTAKEN
    assert world.command(ACK, dated=(status, 15.0)) is Reason.ACKNOWLEDGED
    assert world.command(RESOLVE, dated=(status, 16.0)) is Reason.RESOLVED_BY_PERSON
    assert world.incident.dated == {priority: 20.0, status: 16.0}


@given(
    st.lists(
        st.tuples(st.floats(0, 1e10), st.sampled_from(Severity)),
        min_size=1,
        unique_by=lambda severity: severity[0],
    ),
    st.data(),
)
def test_the_newest_stands_in_whichever_order_they_come(
    done: list[tuple[float, Severity]], data: st.DataObject
) -> None:
    """Also when some come twice."""
    world = World()
    world.see(alert())
    again = data.draw(st.lists(st.sampled_from(done), max_size=4))
    for at, severity in data.draw(st.permutations([*done, *again])):
        world.command(Command.SEVERITY, severity=severity, dated=("pagerduty:priority", at))
    assert (world.incident.dated["pagerduty:priority"], world.incident.severity) == max(
        done, key=lambda one: one[0]
    )


def test_what_comes_to_nothing_is_newer_all_the_same(world: World) -> None:
    """A second acknowledgement still counts as made at its time."""
    world.command(ACK)
    assert world.command(ACK, by="ben", dated=("pagerduty:status", 20.0)) is Reason.ALREADY_DONE
    assert (
        world.command(RESOLVE, by="ben", dated=("pagerduty:status", 19.0))
        is Reason.COMMAND_OVERTAKEN
    )


def test_a_note_on_an_earlier_life_is_kept(world: World) -> None:
    """A note stays useful after a reopening."""
    assert world.command(NOTE, text="a leak", reopened=7) is Reason.NOTED


# --- what a service says later


def test_a_message_that_did_not_arrive_is_on_record_and_the_fallback_told(world: World) -> None:
    """Once."""
    report = Undelivered(world.now, 1, "pager", "undelivered: 30003", "twilio:SM1:failed")
    assert world.happen(report, report) == [Reason.DELIVERY_FAILED, Reason.REPLAYED]
    assert world.story()[-2:] == [Reason.DELIVERY_FAILED, Reason.FALLBACK]
    assert world.deliver() == [("mail", Reason.FALLBACK)]


@pytest.mark.parametrize("command", [ACK, RESOLVE])
def test_once_somebody_has_answered_the_fallback_is_left_alone(
    world: World, command: Command
) -> None:
    """It's on record all the same."""
    world.command(command)
    world.deliver()
    world.happen(Undelivered(world.now, 1, "pager", "failed", "twilio:SM1:failed"))
    assert world.story()[-1] is Reason.DELIVERY_FAILED
    assert world.deliver() == []


def test_a_report_about_no_incident_changes_nothing(world: World) -> None:
    """But that it was seen."""
    assert world.happen(Undelivered(world.now, 7, "pager", "failed", "r")) == [
        Reason.UNKNOWN_INCIDENT
    ]


# --- escalating

OPENS = (fires(0, P0), "opened | note opened | queue opened to slack pager | timer step 300")
ESCALATES = "escalated | note escalated by ana | note step_due"

ESCALATIONS: dict[str, Script] = {
    "the next step is taken now, and those after it keep their distance": [
        OPENS,
        (
            says(100, ESCALATE),
            f"{ESCALATES} | queue escalated to slack | queue step_due to phone | timer step 1600",
        ),
        (
            due(1600),
            "step_due | note step_due | note steps_ended | queue step_due to cto | timer step 2500",
        ),
    ],
    "an acknowledgement is void, so that somebody else is told": [
        OPENS,
        (acks(60), "acknowledged | note acknowledged by ana | queue acknowledged to slack pager"),
        (
            says(100, ESCALATE),
            f"{ESCALATES} | queue escalated to slack | queue step_due to phone | timer step 1600",
        ),
        (
            acks(120),
            "acknowledged | note acknowledged by ana | queue acknowledged to slack pager phone",
        ),
    ],
    "after the last step there is nobody further to tell": [
        OPENS,
        (
            says(1, ESCALATE),
            f"{ESCALATES} | queue escalated to slack | queue step_due to phone | timer step 1501",
        ),
        (
            says(2, ESCALATE),
            (
                f"{ESCALATES} | note steps_ended | queue escalated to slack | queue step_due to "
                f"cto | timer step 902"
            ),
        ),
        (says(3, ESCALATE), "already_done | note already_done by ana"),
    ],
}


@pytest.mark.parametrize("script", ESCALATIONS.values(), ids=ESCALATIONS)
def test_escalation_by_hand(script: Script) -> None:
    play(script)


def test_who_escalates_leads_no_more() -> None:
    """They asked for somebody else."""
    escalated = after(fires(0, P0), acks(60), says(100, ESCALATE))
    assert (escalated.acknowledged_at, escalated.acknowledged_by, escalated.lead) == (None, "", "")
    assert escalated.policy_since < NOW


def test_the_same_public_text_twice_is_one_update() -> None:
    """Another text, or another status, is another update."""
    world = World(settings(public=("status-page",)))
    world.see(alert())
    said = {"text": "Cards fail.", "title": "Payments"}
    assert world.command(Command.PUBLISH, **said) is Reason.PUBLISHED
    assert world.command(Command.PUBLISH, **said) is Reason.ALREADY_DONE
    assert world.command(Command.PUBLISH, text="Cards fail.") is Reason.ALREADY_DONE
    world.command(Command.STATUS, status=Status.IDENTIFIED)
    assert world.command(Command.PUBLISH, **said) is Reason.PUBLISHED
    assert world.command(Command.PUBLISH, text="Fixed.") is Reason.PUBLISHED
    assert [entry.what for entry in world.timeline].count(Reason.PUBLISHED) == 3


# --- escalation


def test_two_escalations_at_the_same_time_take_one_step() -> None:
    """Two people saw the same message; a double click is one, too."""
    world = World()
    world.see(alert())
    first = Commanded(world.now, 1, "ana", ESCALATE, receipt="r1")
    doubled = Commanded(world.now, 1, "ana", ESCALATE, receipt="r2")
    other = Commanded(world.now, 1, "ben", ESCALATE, receipt="r3")
    reasons = world.happen(first, doubled, other)
    assert reasons == [Reason.ESCALATED, Reason.JUST_ESCALATED, Reason.JUST_ESCALATED]
    assert world.story().count(Reason.STEP_DUE) == 1
    world.advance(59)
    assert world.command(ESCALATE, by="ben") is Reason.JUST_ESCALATED
    world.advance(1)
    assert world.command(ESCALATE, by="ben") is Reason.ESCALATED


def test_an_escalation_after_another_answer_is_a_step_of_its_own() -> None:
    """Ben acknowledged since, and can't handle it either."""
    world = World()
    world.see(alert())
    world.command(ESCALATE)
    world.command(ACK, by="ben")
    assert world.command(ESCALATE, by="ben") is Reason.ESCALATED


@pytest.mark.parametrize(
    ("people", "reminded"),
    [
        (People({"ana": (ContactMethod("sms"),)}), {"slack", "sms/ana"}),
        (People(), {"slack", "pager"}),
    ],
)
def test_an_acknowledgement_by_a_stranger_is_reminded(people: People, reminded: set[str]) -> None:
    """A name that's no contact has no address: the people of the first step, or the channels."""
    notify = ("slack", "contact:ana") if people.contacts else ("slack", "pager")
    world = World(
        settings(
            people=people,
            policies={**POLICIES, "critical": Policy("critical", (Step(notify=notify),))},
            severities=PLANS | {Severity.P0: SeverityPlan("critical", update_every=600.0)},
        )
    )
    world.see(alert())
    world.command(ACK, by="somebody in a chat")
    world.advance(601)
    queued = {
        message.channel for message in world.queued if message.reason is Reason.UPDATE_OVERDUE
    }
    assert queued == reminded


def test_responders_have_roles_beside_the_lead(world: World) -> None:
    """One person each; the same again changes nothing, and the lead stays."""
    world.command(ACK, by="ana")
    scribe = {"by": "ana", "text": "ben", "role": "scribe"}
    assert world.command(Command.ASSIGN, **scribe) is Reason.ROLE_SET
    assert world.command(Command.ASSIGN, **scribe) is Reason.ALREADY_DONE
    assert world.command(Command.ASSIGN, by="cem", role="communications") is Reason.ROLE_SET
    assert world.incident.assigned == {"lead": "ana", "scribe": "ben", "communications": "cem"}
    assert describe(world.timeline[-1]) == "Role: cem is communications (set by cem)"

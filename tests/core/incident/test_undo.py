"""Commands that take something back: what goes on from where it stood, and who is notified."""

import pytest
from msgspec.structs import replace

from router.core.incident.decide import decide
from router.core.incident.escalation import REMIND, RESPOND, SNOOZE, STEP
from router.core.incident.policy import Policy, SeverityPlan, Step
from router.core.oncall.recipients import ContactMethod, People
from router.model.event import Command
from router.model.incident import Severity, Status
from router.model.reason import Reason
from tests.core.script import CONFIG, acks, after, due, fires, lines, play, resolves, says
from tests.world import NOW, World, alert, over, settings

P0, P1, P2, P3 = Severity


def test_reopening_by_hand_undoes_the_close() -> None:
    """An acknowledgement stands, and the policy goes on as if the pause hadn't been."""
    world = World()
    world.see(alert())
    world.command(Command.ACKNOWLEDGE)
    world.advance(100)
    world.command(Command.RESOLVE)
    world.advance(60)
    assert world.command(Command.REOPEN, by="ben", text="a slip") is Reason.REOPENED_BY_PERSON
    again = world.incident
    assert (again.is_open, again.firing, again.acknowledged_by, again.reopened) == (
        True,
        1,
        "ana",
        1,
    )
    assert world.timers == {(1, STEP): NOW + 60 + 300}
    assert world.see(alert()) == [Reason.CHANGED]
    assert world.see(over()) == [Reason.CLEARED]
    assert world.incident.status is Status.RESOLVED


def test_reopening_by_hand_pages_on_where_nobody_had_answered() -> None:
    """The next step comes after what was left of its time."""
    world = World()
    world.see(alert())
    world.advance(100)
    world.command(Command.FALSE_POSITIVE)
    world.advance(1000)
    world.command(Command.REOPEN)
    assert world.timers == {(1, STEP): NOW + 1300}
    world.advance(200)
    assert world.story()[-1] is Reason.STEP_DUE


def test_an_incident_reopened_without_alerts_stays_open() -> None:
    """Nothing clears it, so a person has to."""
    world = World()
    world.see(alert(), over())
    assert world.command(Command.REOPEN) is Reason.REOPENED_BY_PERSON
    world.advance(86_400)
    assert (world.incident.is_open, world.incident.firing) == (True, 0)
    assert world.command(Command.REOPEN) is Reason.ALREADY_DONE


def test_another_open_incident_with_the_key_keeps_it_closed() -> None:
    world = World()
    world.see(alert())
    world.command(Command.FALSE_POSITIVE)
    world.see(over(), alert())
    assert world.command(Command.REOPEN, 1) is Reason.ANOTHER_OPEN
    assert [incident.is_open for incident in world.incidents.values()] == [False, True]
    assert world.timeline[-1].data["other"] == "INC-2"


def test_alerts_join_an_older_incident_that_a_person_reopened() -> None:
    """A newer one with the key is closed; the store would refuse to open that, too."""
    world = World()
    world.see(alert())
    world.command(Command.FALSE_POSITIVE)
    world.see(over(), alert())
    world.command(Command.FALSE_POSITIVE, 2)
    assert world.command(Command.REOPEN, 1) is Reason.REOPENED_BY_PERSON
    world.see(alert("f2"))
    assert [each.is_open for each in world.incidents.values()] == [True, False]
    world.command(Command.RESOLVE, 1)
    world.advance(3600)
    world.see(alert("f3"))
    assert [each.is_open for each in world.incidents.values()] == [False, False, True]


def test_withdrawing_an_acknowledgement_starts_the_policy_over() -> None:
    script = after(fires(0, P0), acks(60))
    expected = (
        "unacknowledged | note unacknowledged by ana | queue unacknowledged to slack pager | "
        "clear snooze"
        " | timer step 390"
    )
    withdrawn = play([(says(90, Command.UNACKNOWLEDGE), expected)], incident=script)
    assert (withdrawn.acknowledged_at, withdrawn.acknowledged_by, withdrawn.lead) == (None, "", "")
    again = decide(withdrawn, says(91, Command.UNACKNOWLEDGE), CONFIG)
    assert lines(again) == "already_done | note already_done by ana"


def test_a_snooze_pauses_the_pages_until_its_end() -> None:
    """The policy stands still meanwhile, and goes on at the end."""
    world = World()
    world.see(alert())
    assert world.command(Command.SNOOZE, until=NOW + 1000) is Reason.SNOOZED
    assert world.command(Command.SNOOZE, until=NOW + 1000) is Reason.ALREADY_DONE
    assert world.command(Command.SNOOZE, until=NOW - 1) is Reason.ALREADY_DONE
    world.advance(999)
    assert Reason.STEP_DUE not in world.story()
    assert world.timers == {(1, STEP): NOW + 1000, (1, SNOOZE): NOW + 1000}
    world.advance(1)
    assert world.story()[-2:] == [Reason.SNOOZE_ENDED, Reason.STEP_DUE]
    assert world.incident.snoozed_until is None
    # The third step keeps its distance from the second.
    assert world.timers == {(1, STEP): NOW + 1000 + 1500}


def test_the_lead_is_reminded_when_the_snooze_of_an_acknowledged_incident_ends() -> None:
    people = People({"ana": (ContactMethod("sms"),)}, called={"ana": "ana"})
    world = World(settings(people=people))
    world.see(alert())
    world.command(Command.ACKNOWLEDGE)
    world.command(Command.SNOOZE, until=NOW + 100)
    world.advance(100)
    assert [
        message.channel for message in world.queued if message.reason is Reason.SNOOZE_ENDED
    ] == [
        "slack",
        "sms/ana",
    ]


@pytest.mark.parametrize(
    "ends",
    [says(60, Command.ESCALATE), says(60, Command.SEVERITY, P0), resolves(60), fires(60, P0)],
)
def test_what_ends_a_snooze_early(ends: object) -> None:
    """An escalation, another severity, the end of the incident: and the deadline goes with it."""
    paused = decide(
        after(fires(0)), replace(says(9, Command.SNOOZE), until=NOW + 3600), CONFIG
    ).incident
    decision = decide(paused, ends, CONFIG)  # type: ignore[arg-type]
    assert decision.incident.snoozed_until is None
    assert SNOOZE in decision.timers_cleared


def test_the_other_clocks_stand_still_as_well() -> None:
    """After pausing the pages, a person gets no reminders of overdue answers or updates."""
    plans = {
        **CONFIG.severities,
        P1: SeverityPlan("high", respond_within=300.0, update_every=300.0),
    }
    policy = {
        "high": Policy("high", (Step(notify=("slack",)),)),
        "critical": Policy("critical", ()),
    }
    config = settings(severities=plans, policies={**CONFIG.policies, **policy})
    paused = decide(
        after(fires(0), config=config), replace(says(9, Command.SNOOZE), until=NOW + 3600), config
    )
    for name in (RESPOND, REMIND):
        held = decide(paused.incident, due(300, name), config)
        assert lines(held) == f"snoozed | timer {name} 3600"

"""Timers and messages over a store: recipients, times and contents."""

import pytest

from router.core.incident.snapshot import Writes
from router.model.event import Command, Commanded, Resent, TimerDue
from router.model.incident import Status
from router.model.notification import NotificationState, Rejected, Retry, Sent
from router.model.reason import Reason
from tests.world import NOW, World, alert, over


def test_steps_come_when_they_are_due() -> None:
    """And no timer is left when they have ended, or the incident has."""
    world = World()
    world.see(alert())
    world.advance(299)
    assert Reason.STEP_DUE not in world.story()
    world.advance(1)
    assert (world.story()[-1], world.timers) == (Reason.STEP_DUE, {(1, "step"): NOW + 1800})
    world.advance(1500)
    assert (world.story()[-1], world.timers) == (Reason.STEPS_ENDED, {(1, "step"): NOW + 2700})
    world.advance(900)
    assert (world.story()[-1], world.timers) == (Reason.UNANSWERED, {})


@pytest.mark.parametrize("command", [Command.RESOLVE, Command.FALSE_POSITIVE])
def test_no_deadline_outlives_its_incident(command: Command) -> None:
    world = World()
    world.see(alert())
    assert world.timers
    world.command(command)
    assert world.timers == {}


@pytest.mark.parametrize("name", ["step", "resolve"])
def test_a_timer_that_came_too_late_is_done_all_the_same(name: str) -> None:
    """Or it would be claimed for ever."""
    world = World()
    world.see(alert(), over())
    world.memory.timers.set((1, name), NOW + 1)
    assert world.happen(TimerDue(NOW + 5, 1, name, NOW + 1)) == [Reason.TIMER_OUTDATED]
    assert world.timers == {}


def test_an_event_of_an_unknown_incident_is_nothing() -> None:
    world = World()
    events = Commanded(NOW, 9, "ana", Command.NOTE, "?"), Resent(NOW, 9, "slack", "ana")
    assert world.decide(*events) == (Writes(), [Reason.UNKNOWN_INCIDENT, Reason.UNKNOWN_INCIDENT])


def test_a_channel_is_told_what_is_so_when_it_is_told() -> None:
    """Events before the sending are in the message; later events are in the next."""
    world = World()
    world.see(alert(), alert("f2"))
    world.command(Command.ACKNOWLEDGE)
    (held,) = world.claim("slack")
    assert held.reason is Reason.ACKNOWLEDGED
    world.see(over(), over("f2"))
    assert world.settle(held, Sent("ts")) is Reason.DELIVERED
    assert world.deliver() == [("pager", Reason.RESOLVED), ("slack", Reason.RESOLVED)]
    assert world.deliver() == []
    assert world.story().count(Reason.DELIVERED) == 3


def test_a_rejected_message_goes_to_the_fallback() -> None:
    """The fallback then gets the later updates as well."""
    world = World()
    world.see(alert())
    assert world.deliver("slack", result=Rejected("no such channel")) == [("slack", Reason.OPENED)]
    assert world.outbox[1, "slack"].state is NotificationState.DEAD
    assert world.deliver("mail") == [("mail", Reason.FALLBACK)]
    world.see(over())
    assert world.deliver("mail") == [("mail", Reason.RESOLVED)]


def test_a_dead_letter_can_be_sent_again() -> None:
    world = World()
    world.see(alert())
    world.deliver("slack", result=Rejected("no such channel"))
    assert world.happen(Resent(world.now, 1, "slack", "ana")) == [Reason.RESENT]
    assert world.deliver("slack") == [("slack", Reason.RESENT)]


def test_a_channel_that_is_down_keeps_its_turn() -> None:
    """It's tried again when the back-off is over, however much happens in between."""
    world = World()
    world.see(alert())
    world.deliver("slack", result=Retry("503", after=30))
    world.see(alert("f2"), alert("f3"))
    assert world.deliver("slack") == []
    world.advance(30)
    assert world.deliver("slack") == [("slack", Reason.JOINED)]


def test_an_acknowledgement_is_told_once() -> None:
    world = World()
    world.see(alert())
    world.deliver()
    assert world.command(Command.ACKNOWLEDGE) is Reason.ACKNOWLEDGED
    assert world.deliver() == [("pager", Reason.ACKNOWLEDGED), ("slack", Reason.ACKNOWLEDGED)]
    assert world.command(Command.ACKNOWLEDGE, by="ben") is Reason.ALREADY_DONE
    assert world.deliver() == []


def test_a_false_positive_says_so() -> None:
    world = World()
    world.see(alert())
    world.command(Command.FALSE_POSITIVE, text="a test")
    assert (world.incident.status, world.incident.closed_by) == (Status.FALSE_POSITIVE, "ana")
    assert world.deliver() == [("pager", Reason.FALSE_POSITIVE), ("slack", Reason.FALSE_POSITIVE)]

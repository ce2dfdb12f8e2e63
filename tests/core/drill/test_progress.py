"""The course of a drill: what fires when, what is met by what, and when it ends."""

import pytest

from router.core.drill import progress
from router.core.drill.progress import DrillState
from router.model.alert import AlertStatus
from router.model.drill import Drill, DrillStep, Ending, Kind, Tick
from router.model.event import Command, Undelivered
from router.model.notification import Rejected, Sent
from router.model.reason import Reason
from tests.core.drill.play import FIRES, Play, plan
from tests.world import NOW

MET, LATE, MISSED, WAITING = DrillState.MET, DrillState.LATE, DrillState.MISSED, DrillState.WAITING


def step(kind: Kind, within: float = 300.0, **changed: object) -> DrillStep:
    return DrillStep(kind, kind.value, within=within, **changed)  # type: ignore[arg-type]


def test_an_alert_fires_when_it_is_due_and_once() -> None:
    """The same alert each time it's made, so that firing it again is a repeat; another step's is
    later.
    """
    second = DrillStep(Kind.ALERT, "again", at=600.0, alert=FIRES.alert)
    drill = progress.started(plan(second), "d1", "ana", NOW)
    assert (progress.due(drill, NOW), progress.due(drill, NOW + 600)) == ([0], [0, 1])
    assert progress.alert_of(drill, 0) == progress.alert_of(drill, 0)
    assert progress.due(progress.fired(drill, 0, ["k"]), NOW + 599) == []
    assert progress.next_due(drill, NOW) == NOW + 600


def test_firing_again_after_a_crash_is_a_repeat() -> None:
    """The rules have had it, and it wasn't noted."""
    play = Play(step(Kind.ACKNOWLEDGED))
    assert play.world.see(progress.alert_of(play.drill, 0)) == [Reason.REPEATED]


def test_it_is_met_late_or_missed() -> None:
    """Measured from its beginning; a missed expectation may still be met late."""
    play = Play(step(Kind.ACKNOWLEDGED))
    assert play.states == [WAITING]
    play.world.advance(301)
    assert play.states == [MISSED]
    play.world.command(Command.ACKNOWLEDGE)
    assert play.states == [LATE]
    soon = Play(step(Kind.ACKNOWLEDGED))
    soon.world.command(Command.ACKNOWLEDGE)
    assert soon.states == [MET]


@pytest.mark.parametrize(
    ("by", "state"), [("ana", MET), ("Ana Lee", MET), ("ben", WAITING), ("somebody", WAITING)]
)
def test_somebody_of_those_meant_has_to_acknowledge(by: str, state: DrillState) -> None:
    """A name from the config or from another service counts."""
    play = Play(step(Kind.ACKNOWLEDGED, by=("role:cto",)))
    play.world.command(Command.ACKNOWLEDGE, by=by)
    assert play.states == [state]


def test_delivered_is_when_all_have_got_it() -> None:
    """Not before the last, and not if the service gives one back afterwards."""
    play = Play(step(Kind.DELIVERED))
    play.world.deliver("slack")
    assert play.states == [WAITING]
    play.world.advance(60)
    play.world.deliver("pager")
    (one,) = play.outcomes
    assert (one.state, one.at) == (MET, NOW + 60)
    play.world.happen(Undelivered(play.world.now, 1, "pager", "30003", "r"))
    assert play.states == [WAITING]


def test_what_the_policy_queues_late_isnt_late() -> None:
    """An address that a later step notifies has the same time from that step."""
    play = Play(step(Kind.DELIVERED, within=120.0))
    play.world.deliver()
    play.world.advance(300)
    assert play.states == [MISSED]
    play.world.deliver()
    assert [(outcome.state, outcome.took) for outcome in play.outcomes] == [(MET, 0.0)]


def test_what_turned_out_unneeded_isnt_waited_for() -> None:
    """A call that was dropped after an acknowledgement; a canary must always arrive."""
    play = Play(step(Kind.DELIVERED))
    play.world.deliver("slack")
    play.world.deliver("pager", result=Sent(silent=True))
    assert play.states == [MET]
    waiting = Play(step(Kind.DELIVERED, items=("slack", "pager")))
    waiting.world.deliver("slack")
    waiting.world.deliver("pager", result=Sent(silent=True))
    assert waiting.states == [WAITING]


def test_what_fails_is_not_delivered() -> None:
    play = Play(step(Kind.DELIVERED))
    play.world.deliver(result=Rejected("gone"))
    assert play.states == [WAITING]


def test_the_end_of_the_drill_meets_nothing() -> None:
    """The clean-up's resolve doesn't count as a person's."""
    play = Play(step(Kind.RESOLVED))
    ended = progress.ended(play.drill, Ending.STOPPED, "ben", play.world.now)
    assert ended
    play.drill = ended
    play.world.see(progress.alert_of(play.drill, 0, ends_at=play.world.now))
    assert play.world.incident.is_open is False
    assert play.states == [MISSED]


def test_a_list_is_done_when_each_item_is() -> None:
    """In any order, each once; what can't be ticked off is refused with what can."""
    play = Play(step(Kind.REVIEWED, items=("a", "b")))
    for item, by in ((1, "ben"), (0, "ana")):
        assert play.states == [WAITING]
        ticked = progress.ticked(play.drill, Tick(1, item, by, play.world.now))
        assert ticked
        play.drill = ticked
    assert [(outcome.state, outcome.by) for outcome in play.outcomes] == [(MET, "ben")]
    assert progress.ticked(play.drill, Tick(1, 0, "cem", NOW)) is None
    with pytest.raises(ValueError, match=r"step 1 has no checklist; these have: 2"):
        progress.ticked(play.drill, Tick(0, 0, "ana", NOW))
    with pytest.raises(ValueError, match=r"step 2 has 2 items"):
        progress.ticked(play.drill, Tick(1, 2, "ana", NOW))


def test_it_ends_when_all_is_done_or_the_time_is_out() -> None:
    """Not while an alert is still to fire."""
    second = DrillStep(Kind.ALERT, "again", at=600.0, alert=FIRES.alert)
    play = Play(step(Kind.ACKNOWLEDGED), second)
    assert ending(play) is None
    play.world.command(Command.ACKNOWLEDGE)
    assert ending(play) is None
    play.world.advance(600)
    play.fire()
    assert ending(play) is Ending.COMPLETED
    waiting = Play(step(Kind.RESOLVED))
    waiting.world.advance(3600)
    assert ending(waiting) is Ending.TIMED_OUT


def test_what_has_ended_ends_no_second_time() -> None:
    ended = progress.ended(Play().drill, Ending.STOPPED, "ben", NOW)
    assert ended
    assert progress.ended(ended, Ending.TIMED_OUT, "", NOW) is None
    assert progress.due(ended, NOW + 9000) == []
    with pytest.raises(ValueError, match="has ended"):
        progress.ticked(ended, Tick(1, 0, "ana", NOW))


def test_what_fires_late_is_cleaned_up_again() -> None:
    """Another replica ended and cleaned up the drill while this one was sending its alert."""
    ended = progress.ended(Play().drill, Ending.STOPPED, "ben", NOW)
    over = progress.cleaned(ended) if ended else None
    assert over
    assert progress.cleaned(over) is None
    assert progress.fired(over, 0, ["k"]).over is False


def test_a_canary_is_met_when_each_address_has_got_it() -> None:
    """The canary's only step; nobody else is notified."""
    drill = progress.started(progress.canary(["log", "sms/ana"]), "c1", "ana", NOW)
    play = Play()
    play.drill, play.world = drill, Play().world.__class__(play.world.settings)
    play.fire()
    assert play.world.incident.notified == ("log", "sms/ana")
    play.world.deliver("log")
    assert play.states == [WAITING]
    play.world.deliver("sms/ana")
    assert (play.states, ending(play)) == ([MET], Ending.COMPLETED)


def test_an_alert_over_is_the_same_alert() -> None:
    drill = progress.started(plan(), "d1", "ana", NOW)
    over = progress.alert_of(drill, 0, ends_at=NOW + 5)
    assert (over.status, over.fingerprint) == (
        AlertStatus.RESOLVED,
        progress.alert_of(drill, 0).fingerprint,
    )


def ending(play: Play) -> Ending | None:
    drill: Drill = play.drill
    return progress.ending(drill, play.outcomes, play.world.now)

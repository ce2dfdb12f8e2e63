"""Life cycle of an action request: each step has one effect, and every wait ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.incident.action_binding import ActionPlan, GuideStep
from router.core.incident.actions import KEPT, SETTLE_WITHIN
from router.model.action import WAITING, ActionState, Ran
from router.model.alert import DRILL
from router.model.event import ActionAnswered, ActionDecision, ActionRan, ActionRequested, Command
from router.model.outbox import OutboxKind
from router.model.reason import Reason
from tests.world import World, alert, rule, settings

PLANS = {
    "rollback": ActionPlan("rollback", "d1", expires=3600, timeout=30, checked=True, undoable=True),
    "restart": ActionPlan("restart", "d2", expires=3600, timeout=30, second_person=True),
    "restore": ActionPlan(
        "restore",
        "d3",
        expires=3600,
        timeout=30,
        guide=(GuideStep("Open it", "{ref}"), GuideStep("Press it", "yes")),
    ),
    "foreign": ActionPlan("foreign", "d4", expires=3600, timeout=30),
}
OFFERED = ("rollback", "restart", "restore")


class Room(World):
    """A world with one open incident, whose rule names all of the actions but one."""

    def __init__(self) -> None:
        super().__init__(settings(rule(actions=OFFERED), actions=PLANS))
        self.see(alert())
        self.deliver()
        self.queued.clear()

    def ask(self, action: str, by: str = "ana", key: str = "", **changed: object) -> Reason:
        plan = PLANS[action]
        key = key or f"k{len(self.timeline)}"
        event = ActionRequested(self.now, 1, by, key, action, plan.digest, **changed)  # type: ignore[arg-type]
        return self.happen(event)[0]

    def answer(
        self, answer: ActionDecision, by: str = "ben", text: str = "", number: int = 1
    ) -> Reason:
        return self.happen(ActionAnswered(self.now, 1, by, number, answer, text))[0]

    def ran(self, state: ActionState = ActionState.DONE, number: int = 1, **changed: str) -> Reason:
        return self.happen(ActionRan(self.now, 1, number, Ran(state, **changed)))[0]

    def state(self, number: int = 1) -> ActionState:
        (found,) = [action for action in self.incident.actions if action.number == number]
        return found.state

    def tale(self) -> list[Reason]:
        return [what for what in self.story() if what.startswith("action_")]


@pytest.fixture
def room() -> Room:
    return Room()


def test_a_request_is_checked_approved_and_run_once(room: Room) -> None:
    """The timeline records each step with the person; edited messages are updated each time."""
    assert room.ask("rollback", parameters={"revision": "r1"}) is Reason.ACTION_REQUESTED
    assert room.state() is ActionState.CHECKING
    assert room.answer(ActionDecision.APPROVE) is Reason.ACTION_NOT_WAITING, (
        "nobody has seen the dry run yet"
    )
    assert room.ran(output="would do it") is Reason.ACTION_CHECKED
    assert room.answer(ActionDecision.APPROVE) is Reason.ACTION_STARTED
    assert room.answer(ActionDecision.APPROVE) is Reason.ACTION_NOT_WAITING, "it's run once"
    assert room.ran(output="did it", memo="r0") is Reason.ACTION_DONE
    request = room.incident.actions[0]
    assert (request.approved_by, request.requested_by, request.memo) == ("ben", "ana", "r0")
    entries = [entry for entry in room.timeline if entry.what.startswith("action_")]
    assert [(entry.what, entry.by) for entry in entries] == [
        (Reason.ACTION_REQUESTED, "ana"),
        (Reason.ACTION_CHECKED, ""),
        (Reason.ACTION_STARTED, "ben"),
        (Reason.ACTION_DONE, ""),
    ]
    assert [queued.channel for queued in room.queued if queued.kind is OutboxKind.INCIDENT] == [
        "slack"
    ] * 4
    assert [queued.subject for queued in room.queued if queued.kind is OutboxKind.ACTION] == [
        "1 checking",
        "1 running",
    ]
    assert not [name for _, name in room.timers if name.startswith("action:")]


def test_asking_again_with_the_same_key_has_no_second_effect(room: Room) -> None:
    """A request that was sent twice is one."""
    assert room.ask("rollback", key="same") is Reason.ACTION_REQUESTED
    assert room.ask("rollback", key="same") is Reason.ALREADY_DONE
    assert len(room.incident.actions) == 1


def test_a_dry_run_that_failed_can_not_be_approved(room: Room) -> None:
    room.ask("rollback")
    assert room.ran(ActionState.FAILED) is Reason.ACTION_CHECK_FAILED
    assert room.answer(ActionDecision.APPROVE) is Reason.ACTION_NOT_WAITING


def test_only_another_person_approves_what_needs_two(room: Room) -> None:
    """The requester is refused, in any spelling, and the refusal is recorded."""
    room.ask("restart", by="Ana")
    for by in ("Ana", "ana", " ANA "):
        assert room.answer(ActionDecision.APPROVE, by) is Reason.SECOND_PERSON_NEEDED
    assert room.state() is ActionState.READY
    assert room.answer(ActionDecision.APPROVE, "ben") is Reason.ACTION_STARTED
    assert room.story().count(Reason.SECOND_PERSON_NEEDED) == 3


def test_what_ended_unknown_may_have_run_and_is_not_run_again(room: Room) -> None:
    """After a crash the lease runs out and the outcome is recorded as unknown.

    A late outcome replaces it.
    """
    room.ask("restart")
    room.answer(ActionDecision.APPROVE)
    room.advance(30 + SETTLE_WITHIN)
    assert room.state() is ActionState.MAY_HAVE_RUN
    assert room.tale()[-1] is Reason.ACTION_MAY_HAVE_RUN
    assert room.answer(ActionDecision.APPROVE) is Reason.ACTION_NOT_WAITING
    assert room.ran() is Reason.ACTION_DONE
    assert room.ran() is Reason.ACTION_NOT_WAITING


def test_a_crash_during_the_dry_run_ends_the_request(room: Room) -> None:
    """It can be asked for again: nothing was changed."""
    room.ask("rollback")
    room.advance(30 + SETTLE_WITHIN)
    assert (room.state(), room.tale()[-1]) == (ActionState.FAILED, Reason.ACTION_CHECK_FAILED)


def test_a_request_that_nobody_approves_expires(room: Room) -> None:
    """At its time, and not before; also where the answer comes ahead of the timer."""
    room.ask("restart")
    room.advance(3599)
    assert room.state() is ActionState.READY
    room.now += 1
    assert room.answer(ActionDecision.APPROVE) is Reason.ACTION_EXPIRED
    room.ask("restart")
    room.advance(3600)
    assert room.state(2) is ActionState.EXPIRED


def test_a_request_can_be_declined(room: Room) -> None:
    """Anybody who may answer can decline."""
    room.ask("restart")
    assert room.answer(ActionDecision.DECLINE, text="too risky") is Reason.ACTION_DECLINED
    assert room.answer(ActionDecision.APPROVE) is Reason.ACTION_NOT_WAITING


def test_a_guide_is_done_step_by_step(room: Room) -> None:
    """Only the very words go on; each step is on record with who typed them."""
    room.ask("restore", parameters={"ref": "abc"})
    assert room.answer(ActionDecision.CONFIRM, text="abc") is Reason.ACTION_NOT_WAITING, (
        "it isn't approved yet"
    )
    assert room.answer(ActionDecision.APPROVE) is Reason.ACTION_STARTED
    assert room.answer(ActionDecision.CONFIRM, text="abd") is Reason.WRONG_CONFIRMATION
    assert room.answer(ActionDecision.CONFIRM, text=" abc ") is Reason.ACTION_CONFIRMED
    assert room.answer(ActionDecision.CONFIRM, text="abc") is Reason.WRONG_CONFIRMATION, (
        "that was the step before"
    )
    assert room.answer(ActionDecision.CONFIRM, "cleo", "yes") is Reason.ACTION_DONE
    assert room.state() is ActionState.DONE
    assert [e.by for e in room.timeline if e.what is Reason.ACTION_CONFIRMED] == ["ben", "cleo"]


def test_a_guide_that_nobody_goes_on_with_expires(room: Room) -> None:
    """It doesn't wait for ever."""
    room.ask("restore")
    room.answer(ActionDecision.APPROVE)
    room.advance(3600)
    assert room.state() is ActionState.EXPIRED


def test_what_is_approved_is_what_was_shown(room: Room) -> None:
    """An action whose config has changed since the approval doesn't run."""
    room.happen(ActionRequested(room.now, 1, "ana", "k", "restart", "older"))
    assert room.answer(ActionDecision.APPROVE) is Reason.ACTION_CHANGED
    assert room.state() is ActionState.EXPIRED


def test_only_what_the_rule_names_is_offered(room: Room) -> None:
    """An action of another rule isn't."""
    assert room.ask("foreign") is Reason.ACTION_NOT_OFFERED
    assert room.incident.actions == ()


def test_nothing_new_is_run_for_a_closed_incident(room: Room) -> None:
    """Neither asked for nor approved; but what was done can be taken back."""
    room.ask("rollback")
    room.ran()
    room.answer(ActionDecision.APPROVE)
    room.ran()
    room.ask("restart")
    room.command(Command.RESOLVE)
    assert room.ask("restart") is Reason.ALREADY_CLOSED
    assert room.answer(ActionDecision.APPROVE, number=2) is Reason.ALREADY_CLOSED
    assert room.ask("rollback", undoes=1) is Reason.ACTION_REQUESTED
    assert room.answer(ActionDecision.APPROVE, number=3) is Reason.ACTION_STARTED


def test_only_what_may_have_been_done_is_undone(room: Room) -> None:
    """And an undo isn't undone."""
    room.ask("rollback")
    assert room.ask("rollback", undoes=1) is Reason.ACTION_NOT_WAITING
    assert room.ask("rollback", undoes=9) is Reason.ACTION_NOT_OFFERED
    room.ran()
    room.answer(ActionDecision.APPROVE)
    room.ran(ActionState.TIMED_OUT)
    assert room.ask("rollback", undoes=1) is Reason.ACTION_REQUESTED
    room.answer(ActionDecision.APPROVE, number=2)
    room.ran(number=2)
    assert room.ask("rollback", undoes=2) is Reason.ACTION_NOT_OFFERED


def test_in_a_drill_nothing_is_run(room: Room) -> None:
    """Its dry run is; an approval ends the practice, and there's nothing to undo.

    A guide isn't begun either.
    """
    drilled = World(settings(rule(actions=OFFERED), actions=PLANS))
    drilled.see(alert(source=DRILL))
    room.__dict__.update(drilled.__dict__)
    room.ask("rollback")
    assert room.ran() is Reason.ACTION_CHECKED
    assert room.answer(ActionDecision.APPROVE) is Reason.ACTION_PRACTISED
    assert room.ask("rollback", undoes=1) is Reason.ACTION_NOT_WAITING
    room.ask("restore")
    assert room.answer(ActionDecision.APPROVE, number=2) is Reason.ACTION_PRACTISED


def test_the_row_holds_the_latest_requests(room: Room) -> None:
    """Waiting requests are kept whatever their age; numbers are never reused."""
    room.ask("restart")
    for number in range(2, KEPT + 5):
        room.ask("restore")
        room.answer(ActionDecision.DECLINE, number=number)
    numbers = [action.number for action in room.incident.actions]
    assert numbers == [1, *range(5, KEPT + 5)]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from(OFFERED), st.sampled_from("ab")),
        st.tuples(st.sampled_from(list(ActionDecision)), st.integers(1, 3), st.sampled_from("abc")),
        st.tuples(
            st.just("ran"),
            st.sampled_from(["done", "failed", "timed_out", "may_have_run"]),
            st.integers(1, 3),
        ),
        st.tuples(st.just("advance"), st.sampled_from([10, 100, 4000]), st.none()),
    ),
    max_size=25,
)


@given(STEPS)
def test_whatever_people_do_every_wait_has_a_deadline_and_nothing_runs_twice(
    steps: list[tuple[object, ...]],
) -> None:
    """In any order of events."""
    room = Room()
    for what, step, other in steps:
        if what == "ask":
            room.ask(str(step), by=str(other), parameters={"ref": "abc"})
        elif what == "ran":
            room.ran(ActionState(str(step)), number=int(str(other)))
        elif what == "advance":
            room.advance(float(str(step)))
        else:
            room.answer(ActionDecision(str(what)), by=str(other), text="yes", number=int(str(step)))
        waiting = {
            f"action:{action.number}": action.until
            for action in room.incident.actions
            if action.state in WAITING
        }
        timers = {name: at for (_, name), at in room.timers.items() if name.startswith("action:")}
        assert timers == waiting
    started = [e.data["number"] for e in room.timeline if e.what is Reason.ACTION_STARTED]
    assert len(started) == len(set(started))
    for request in room.incident.actions:
        if request.action == "restart" and request.approved_by:
            assert request.approved_by != request.requested_by

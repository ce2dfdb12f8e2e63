"""The displayed next step is the step that runs next."""

import pytest
from msgspec.structs import replace

from router.core.incident.outlook import Outlook, outlook
from router.core.incident.policy import Policy, Promote, Repeat, SeverityPlan, Step, Unless
from router.core.messages.timeline import describe
from router.core.text.template import compile_condition
from router.model.event import Command
from router.model.incident import Severity
from router.model.reason import Reason
from tests.world import NOW, PLANS, POLICIES, World, alert, settings

PROMOTED = replace(
    POLICIES["high"],
    steps=(
        Step(after=0, notify=("slack",)),
        Step(after=600, notify=("pager",), unless=Unless.ACKNOWLEDGED),
    ),
    repeat=Repeat(every=900, times=2),
    promote=Promote(to=Severity.P0, after=3600, unless=Unless.ACKNOWLEDGED),
)
SETTINGS = settings(policies=POLICIES | {"high": PROMOTED})


def seen(world: World) -> Outlook:
    return outlook(world.incidents[1], world.timeline, world.settings, world.now)


def upcoming(world: World) -> list[tuple[float, str, tuple[str, ...]]]:
    return [(one.at - NOW, one.what, one.addresses) for one in seen(world).upcoming]


def test_the_next_step_says_when_and_whom() -> None:
    """And it's taken then."""
    world = World(SETTINGS)
    world.see(alert(value="5%"))
    assert upcoming(world) == [(600, "step 2", ("pager",)), (3600, "severity rises to P0", ())]
    world.advance(599)
    assert not [entry for entry in world.timeline if entry.what is Reason.STEP_DUE]
    world.advance(1)
    assert [entry.at - NOW for entry in world.timeline if entry.what is Reason.STEP_DUE] == [600]


def test_repeats_follow_the_last_step() -> None:
    """At the time at which everybody is notified again."""
    world = World(SETTINGS)
    world.see(alert(value="5%"))
    world.advance(601)
    (at, what, addresses), _ = upcoming(world)
    assert (at, what, addresses) == (1500, "repeat 1 of 2", ("slack", "pager"))
    (ended,) = [entry for entry in world.timeline if entry.what is Reason.STEPS_ENDED]
    assert describe(ended) == "The policy has no further step; reminders that may follow: 2"
    world.advance(900)
    assert [entry.at - NOW for entry in world.timeline if entry.what is Reason.STEPS_REPEATED] == [
        1500
    ]


def test_an_acknowledgement_stops_what_waits_for_one() -> None:
    world = World(SETTINGS)
    world.see(alert(value="5%"))
    world.command(Command.ACKNOWLEDGE)
    assert upcoming(world) == []
    world.advance(601)
    (ended,) = [entry for entry in world.timeline if entry.what is Reason.STEPS_ENDED]
    assert describe(ended) == "The policy has no further step"


@pytest.mark.parametrize("command", [Command.RESOLVE, Command.FALSE_POSITIVE])
def test_a_closed_incident_has_nothing_ahead(command: Command) -> None:
    world = World(SETTINGS)
    world.see(alert(value="5%"))
    world.command(command)
    assert seen(world).upcoming == ()


def test_what_is_late_is_overdue() -> None:
    """The response that was promised, and the next update."""
    plan = SeverityPlan("critical", respond_within=300, update_every=1800)
    world = World(settings(severities=PLANS | {Severity.P0: plan}))
    world.see(alert())
    assert seen(world).overdue == ()
    world.advance(2000)
    assert [one.what for one in seen(world).overdue] == ["acknowledgement", "update"]
    world.command(Command.ACKNOWLEDGE)
    assert [one.what for one in seen(world).overdue] == []


def test_a_policy_without_steps_has_nothing_ahead() -> None:
    world = World(settings(policies=POLICIES | {"critical": Policy(name="critical", steps=())}))
    world.see(alert())
    assert seen(world).upcoming == ()


def test_the_end_without_an_answer_is_shown_until_it_comes() -> None:
    """After the last repeat, or after the last step if the policy has none."""
    for repeat in (PROMOTED.repeat, None):
        policy = replace(PROMOTED, repeat=repeat, promote=None, fallback=("spare",))
        world = World(settings(policies=POLICIES | {"high": policy}))
        world.see(alert(value="5%"))
        world.advance(2401 if repeat else 601)
        [(at, what, addresses)] = upcoming(world)
        assert what == "the escalation ends without an answer"
        assert addresses == ("slack", "pager", "spare")
        world.advance(at - (world.now - NOW))
        ends = [e.at - NOW for e in world.timeline if e.what is Reason.UNANSWERED]
        assert ends == [at]
        assert upcoming(world) == []


def test_repeats_follow_steps_that_will_be_skipped() -> None:
    policy = replace(PROMOTED, repeat=Repeat(every=900, times=2, unless=Unless.RESOLVED))
    world = World(settings(policies=POLICIES | {"high": policy}))
    world.see(alert(value="5%"))
    world.command(Command.ACKNOWLEDGE)
    assert upcoming(world)[0] == (1500, "repeat 1 of 2", ("slack", "pager"))
    world.advance(1500)
    repeats = [e.at - NOW for e in world.timeline if e.what is Reason.STEPS_REPEATED]
    assert repeats == [1500]


def test_a_repeat_waits_for_the_end_of_the_steps() -> None:
    """Also if the last step was skipped, or an acknowledgement was withdrawn."""
    skipped = replace(PROMOTED.steps[1], when=compile_condition("labels.vip == 'yes'"))
    policy = replace(PROMOTED, steps=(PROMOTED.steps[0], skipped))
    world = World(settings(policies=POLICIES | {"high": policy}))
    world.see(alert(value="5%"))
    world.advance(601)
    assert upcoming(world)[0] == (1500, "repeat 1 of 2", ("slack",))
    policy = replace(PROMOTED, steps=PROMOTED.steps[:1])
    world = World(settings(policies=POLICIES | {"high": policy}))
    world.see(alert(value="5%"))
    world.command(Command.ACKNOWLEDGE)
    world.advance(1000)
    world.command(Command.UNACKNOWLEDGE)
    assert upcoming(world)[0] == (1900, "repeat 1 of 2", ("slack",))

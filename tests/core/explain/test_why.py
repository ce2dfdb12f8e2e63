"""Why somebody was paged, or wasn't: what the timeline keeps, put into one sentence and what it
rests on.
"""

import pytest

from router.core.explain.alert import explain
from router.core.explain.why import Account, Story, of_alert, of_incident, of_person, pages
from router.core.incident.policy import Policy, Step, Unless
from router.core.incident.settings import Settings
from router.core.oncall.recipients import ContactMethod, People
from router.core.oncall.rotation import Rotate
from router.core.oncall.schedule import Override
from router.core.rules.matcher import parse_matchers
from router.core.suppression.recurring_silence import RecurringSilence, TimeSpan
from router.core.text.template import compile_condition
from router.model.event import Command
from router.model.incident import Severity
from router.model.notification import Rejected
from router.model.revision import Load, Revision
from tests.core.oncall.test_schedule import MON, rotation, schedule
from tests.world import NOW, World, alert, rule, settings

WAYS = {
    "ana": (ContactMethod("sms"), ContactMethod("call", 120.0)),
    "ben": (ContactMethod("sms"),),
    "cy": (),
}
WEEKLY = rotation(Rotate.WEEKLY, "09:00", "ana", "ben", day=MON)
VIP = compile_condition("labels.vip == 'yes'")


def config(*steps: Step, overrides: tuple[Override, ...] = (), **changed: object) -> Settings:
    people = People(WAYS, {"cto": ("ben",)}, {"primary": schedule(WEEKLY, overrides=overrides)})
    policies = {name: Policy(name, steps) for name in ("critical", "high", "low")}
    return settings(rule(), policies=policies, **{"people": people, **changed})


def story(world: World, incident_id: int = 1) -> Story:
    timeline = [one for one in world.memory.timeline if one.incident_id == incident_id]
    rows = [row for key, row in world.memory.outbox.items() if key[0] == incident_id]
    loads = Revision((Load(NOW - 100, "start", "abc123"),))
    return Story(world.memory.incidents[incident_id], timeline, rows, loads)


def account(world: World) -> Account:
    return of_incident(story(world), world.settings)


def test_who_was_paged_over_what_why_and_what_came_of_it() -> None:
    """Each message with its line of the timeline, whose turn it was, and the end."""
    step = Step(300, ("role:cto",), Unless.ACKNOWLEDGED)
    world = World(config(Step(0, ("slack", "schedule:primary")), step))
    world.see(alert())
    world.deliver()
    world.advance(300)
    world.deliver()
    world.command(Command.ACKNOWLEDGE)
    found = account(world)
    assert found.answer == (
        "INC-1 [P0] Payments on api: ana, ben paged; first at 2026-02-02 02:40 UTC over sms, being schedule:primary "
        "by layer 1 (Incident detected: Payments at 20% (threshold > 10%))"
    )
    told = [
        (
            page.at - NOW,
            page.address,
            page.cause and page.cause.what.value,
            [duty.target for duty in page.duties],
        )
        for page in found.pages
        if page.is_telling
    ]
    assert told == [
        (0, "slack", "opened", []),
        (0, "sms/ana", "opened", ["schedule:primary"]),
        (120, "call/ana", "next_way", ["schedule:primary"]),
        (300, "sms/ben", "step_due", ["role:cto"]),
    ]
    assert all(page.arrived for page in found.pages if page.is_telling)
    assert [one.what.value for one in found.ending] == ["acknowledged"]
    assert found.load is not None
    assert found.load.commit == "abc123"
    assert not found.changed


def test_an_override_is_named_as_the_reason() -> None:
    """And who was on call by it, at that time."""
    override = Override("ben", NOW - 60, NOW + 86_400)
    world = World(config(Step(0, ("schedule:primary",)), overrides=(override,)))
    world.see(alert())
    world.deliver()
    found = account(world)
    assert "ben paged" in found.answer
    assert "being schedule:primary by an override" in found.answer
    (duty,) = found.on_call
    assert (duty.contact, duty.override) == ("ben", override)


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ((Step(0, ("slack",)),), "its policy 'critical' tells slack, and no person"),
        ((Step(0, ("contact:cy",)),), "Nobody to notify: contact:cy, no way to be reached for P0"),
        ((Step(0, ("role:cto",), when=VIP),), "Step skipped (condition is false): role:cto"),
        ((Step(0, ("slack",)), Step(300, ("role:cto",))), "no step that means people is due yet"),
    ],
)
def test_the_first_thing_that_stopped_it_is_said_first(steps: tuple[Step, ...], why: str) -> None:
    world = World(config(*steps))
    world.see(alert())
    world.deliver()
    assert account(world).answer == f"Nobody was paged about INC-1 [P0] Payments on api: {why}"


def test_a_message_that_failed_pages_nobody() -> None:
    """With what the service said."""
    world = World(config(Step(0, ("role:cto",))))
    world.see(alert())
    world.deliver(result=Rejected("no such number"))
    assert account(world).answer.endswith(
        ": Message not delivered to sms/ben (attempt 1): no such number"
    )
    (page,) = [page for page in pages(story(world), world.settings) if page.address == "sms/ben"]
    assert (page.arrived, [one.what.value for one in page.deliveries]) == (
        False,
        ["delivery_failed"],
    )


def test_a_person_who_was_paged_at_a_time_and_one_who_was_not() -> None:
    """Why, or who was on call instead."""
    world = World(config(Step(0, ("role:cto",))))
    world.see(alert())
    world.deliver()
    by = of_person("ben", NOW + 120, [story(world)], world.settings)
    assert by.answer == (
        "ben was paged at 2026-02-02 02:40 UTC over sms, being role:cto (Incident detected: Payments at 20% "
        "(threshold > 10%)), about INC-1 [P0] Payments on api"
    )
    on = world.settings.people.people("schedule:primary", NOW + 120)[0]
    not_by = of_person("cy", NOW + 120, [story(world)], world.settings)
    assert not_by.answer == (
        "cy wasn't paged at 2026-02-02 02:42 UTC about INC-1, which paged ben: no step of policy 'critical' means them"
        f"; on call was schedule:primary: {on}"
    )
    nothing = of_person("ben", NOW - 7200, [story(world)], world.settings)
    assert nothing.answer.startswith(
        "ben wasn't paged: no incident was open at 2026-02-02 00:40 UTC; on call was "
    )


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (Step(600, ("contact:ana",)), "step 2 of policy 'critical' means them, 10m after it began"),
        (Step(60, ("contact:ana",), Unless.ACKNOWLEDGED), "Step no longer needed: contact:ana"),
        (Step(60, ("contact:ana",), when=VIP), "Step skipped (condition is false): contact:ana"),
    ],
)
def test_the_step_that_means_somebody_says_why_they_were_not_paged(step: Step, why: str) -> None:
    """It hasn't come yet, somebody had answered, or it's for other incidents."""
    world = World(config(Step(0, ("role:cto",)), step))
    world.see(alert())
    world.deliver()
    world.command(Command.ACKNOWLEDGE, by="ben")
    world.advance(120)
    found = of_person("ana", NOW + 120, [story(world)], world.settings)
    said = f"ana wasn't paged at 2026-02-02 02:42 UTC about INC-1, which paged ben: {why}; on call was "
    assert found.answer.startswith(said)


def test_a_target_of_a_step_that_was_not_taken_is_no_reason() -> None:
    """Of two that mean the same person, the one by which they were told."""
    world = World(
        config(
            Step(0, ("contact:ben",)), Step(0, ("role:cto",), when=VIP), Step(900, ("role:cto",))
        )
    )
    world.see(alert())
    world.deliver()
    (page,) = [one for one in pages(story(world), world.settings) if one.address == "sms/ben"]
    assert [duty.target for duty in page.duties] == ["contact:ben"]


def test_why_nobody_was_paged_for_an_alert() -> None:
    """Its value against the threshold, or the silence; and that it joined what was open."""
    world = World(config(Step(0, ("role:cto",))))
    world.see(alert(value="0.5%"))
    said = explain(world.settings, alert(value="0.5%"), NOW)
    found = of_alert(list(world.rule_matches.values()), [], world.settings, said, NOW)
    assert found.answer == (
        "Nobody was paged for this alert: its value is below every threshold, 0.5% against > 1% (rule payments)"
    )
    silence = RecurringSilence(
        "moving", parse_matchers("service=api"), TimeSpan(NOW - 60, NOW + 3600)
    )
    quiet = World(config(Step(0, ("role:cto",)), silences=(silence,)))
    quiet.see(alert())
    said = explain(quiet.settings, alert(), NOW)
    found = of_alert(list(quiet.rule_matches.values()), [], quiet.settings, said, NOW)
    assert found.answer == (
        "Nobody was paged for this alert: it's silenced, by moving until 2026-02-02 03:40 UTC (rule payments)"
    )


def test_an_alert_that_joined_says_so() -> None:
    """And goes on with what was told of the incident."""
    world = World(config(Step(0, ("role:cto",))))
    world.see(alert())
    world.deliver()
    world.see(alert("f2"))
    rule_match = [one for one in world.rule_matches.values() if one.fingerprint == "f2"]
    found = of_alert(
        rule_match, [story(world)], world.settings, explain(world.settings, alert("f2"), NOW), NOW
    )
    assert found.answer.startswith(
        "It joined INC-1, which was open already. INC-1 [P0] Payments on api: ben paged; "
    )
    assert found.joined == 1


def test_other_rules_since_are_said() -> None:
    world = World(config(Step(0, ("role:cto",))))
    world.see(alert())
    changed = settings(rule(severity=Severity.P1), people=world.settings.people)
    assert of_incident(story(world), changed).changed


def test_a_step_that_is_not_for_the_alert_is_said_to_be_none() -> None:
    """The others are; what its targets would come to is there all the same."""
    world = config(Step(0, ("slack",)), Step(60, ("role:cto",), when=VIP))
    (outcome,) = explain(world, alert(), NOW).outcomes
    assert outcome.holds == (True, False)

"""Why somebody was paged, or wasn't: what the timeline keeps, put into one sentence and what it
rests on.
"""

import pytest
from msgspec.structs import replace

from router.core.explain.alert import explain
from router.core.explain.pages import IncidentHistory, pages
from router.core.explain.why import Why, why_alert, why_incident, why_person
from router.core.incident.policy import Policy, SeverityPlan, Step, Unless
from router.core.incident.settings import Settings
from router.core.oncall.recipients import ContactMethod, People
from router.core.oncall.rotation import Rotate
from router.core.oncall.schedule import Override
from router.core.outbox.rate_limit import Limit
from router.core.rules.matcher import parse_matchers
from router.core.suppression.recurring_silence import RecurringSilence, TimeSpan
from router.core.text.plain import utc
from router.core.text.template import compile_condition
from router.core.virtual.router import VirtualRouter
from router.model.event import AlertSeen, Command
from router.model.incident import Severity
from router.model.notification import Rejected
from router.model.reason import Reason
from router.model.revision import Load, Revision
from tests.core.oncall.test_schedule import MON, rotation, schedule
from tests.world import NOW, POLICIES, World, alert, rule, settings

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


def story(world: World, incident_id: int = 1) -> IncidentHistory:
    timeline = [entry for entry in world.memory.timeline if entry.incident_id == incident_id]
    rows = [row for key, row in world.memory.outbox.items() if key[0] == incident_id]
    loads = Revision((Load(NOW - 100, "start", "abc123"),))
    return IncidentHistory(world.memory.incidents[incident_id], timeline, rows, loads)


def account(world: World) -> Why:
    return why_incident(story(world), world.settings)


def test_who_was_paged_over_what_why_and_what_came_of_it() -> None:
    """Each message with its line of the timeline, whose turn it was, and the end."""
    step = Step(after=300, notify=("role:cto",), unless=Unless.ACKNOWLEDGED)
    world = World(config(Step(after=0, notify=("slack", "schedule:primary")), step))
    world.see(alert())
    world.deliver()
    world.advance(300)
    world.deliver()
    world.command(Command.ACKNOWLEDGE)
    found = account(world)
    assert found.answer == (
        "INC-1 [P0] Payments on api: ana, ben paged; first at 2026-02-02 02:40 UTC over sms, "
        "as schedule:primary "
        "by layer 1 (Incident detected: Payments at 20% (threshold > 10%))"
    )
    entries = [
        (
            page.at - NOW,
            page.address,
            page.cause and page.cause.what.value,
            [duty.target for duty in page.duties],
        )
        for page in found.pages
        if page.is_page
    ]
    assert entries == [
        (0, "slack", "opened", []),
        (0, "sms/ana", "opened", ["schedule:primary"]),
        (120, "call/ana", "next_method", ["schedule:primary"]),
        (300, "sms/ben", "step_due", ["role:cto"]),
    ]
    assert all(page.arrived for page in found.pages if page.is_page)
    assert [one.what.value for one in found.ending] == ["acknowledged"]
    assert found.load is not None
    assert found.load.commit == "abc123"
    assert not found.changed


def test_an_override_is_named_as_the_reason() -> None:
    """And who was on call by it, at that time."""
    override = Override("ben", NOW - 60, NOW + 86_400)
    world = World(config(Step(after=0, notify=("schedule:primary",)), overrides=(override,)))
    world.see(alert())
    world.deliver()
    found = account(world)
    assert "ben paged" in found.answer
    assert "as schedule:primary by an override" in found.answer
    (duty,) = found.on_call
    assert (duty.contact, duty.override) == ("ben", override)


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        (
            (Step(after=0, notify=("slack",)),),
            "its policy 'critical' notifies no person; notified: slack",
        ),
        (
            (Step(after=0, notify=("contact:cy",)),),
            "Nobody to notify: contact:cy, no contact method for P0",
        ),
        (
            (Step(after=0, notify=("role:cto",), when=VIP),),
            "Skipped role:cto (condition is false)",
        ),
        (
            (Step(after=0, notify=("slack",)), Step(after=300, notify=("role:cto",))),
            "no step that notifies a person is due yet; notified: slack",
        ),
    ],
)
def test_the_first_thing_that_stopped_it_is_said_first(steps: tuple[Step, ...], why: str) -> None:
    world = World(config(*steps))
    world.see(alert())
    world.deliver()
    assert account(world).answer == f"Nobody was paged about INC-1 [P0] Payments on api: {why}"


def test_a_message_that_failed_pages_nobody() -> None:
    """With what the service said."""
    world = World(config(Step(after=0, notify=("role:cto",))))
    world.see(alert())
    world.deliver(result=Rejected("no such number"))
    assert account(world).answer.endswith(
        ": Message not delivered to sms/ben (attempt 1): no such number"
    )
    (page,) = [page for page in pages(story(world)) if page.address == "sms/ben"]
    assert (page.arrived, [delivery.what.value for delivery in page.deliveries]) == (
        False,
        ["delivery_failed"],
    )


def test_a_page_on_its_way_stopped_it_and_not_a_skipped_step() -> None:
    """A step for others, and a channel that refuses, keep nobody from being paged."""
    steps = (
        Step(after=0, notify=("slack", "contact:ben")),
        Step(after=0, notify=("contact:cy",), when=VIP),
    )
    world = World(config(*steps))
    world.see(alert())
    sent = "the message to sms/ben has not been sent yet"
    assert account(world).answer == f"Nobody was paged about INC-1 [P0] Payments on api: {sent}"
    not_by = why_person("cy", NOW, [story(world)], world.settings).answer
    assert "about INC-1, which paged nobody: " in not_by
    world.deliver(result=Rejected("no such number"))
    assert account(world).answer.endswith(
        ": Message not delivered to sms/ben (attempt 1): no such number"
    )
    not_by = why_person("cy", NOW, [story(world)], world.settings).answer
    assert "about INC-1, which paged nobody: " in not_by


@pytest.mark.parametrize(
    ("later", "why"),
    [
        (("role:cto",), "no step that notifies a person is due yet; notified: slack"),
        (("slack",), "Skipped contact:cy (condition is false)"),
    ],
)
def test_a_skipped_step_is_no_reason_while_another_is_to_come(
    later: tuple[str, ...], why: str
) -> None:
    steps = (
        Step(after=0, notify=("slack",)),
        Step(after=0, notify=("contact:cy",), when=VIP),
        Step(after=600, notify=later),
    )
    world = World(config(*steps))
    world.see(alert())
    world.deliver()
    assert account(world).answer.endswith(f": {why}")


def test_a_contact_method_that_is_due_later_is_named() -> None:
    """Its step was taken, so it is not true that no step is due yet."""
    people = People({"ana": (ContactMethod("call", 120.0),)})
    world = World(config(Step(after=0, notify=("slack", "contact:ana")), people=people))
    world.see(alert())
    world.deliver()
    assert account(world).answer.endswith(
        ": the message to call/ana is due at 2026-02-02 02:42 UTC, unless somebody "
        "acknowledges; notified: slack"
    )
    world.command(Command.ACKNOWLEDGE)
    assert account(world).answer.endswith(
        ": it was acknowledged before a page to ana was sent; notified: slack"
    )


def test_a_page_long_before_the_time_is_named_while_its_incident_is_open() -> None:
    world = World(config(Step(after=0, notify=("role:cto",))))
    world.see(alert())
    world.deliver()
    found = why_person("ben", NOW + 7200, [story(world)], world.settings).answer
    assert found.startswith("ben was paged at 2026-02-02 02:40 UTC over sms, as role:cto (")
    assert found.endswith(
        ", about INC-1 [P0] Payments on api, which was still open at 2026-02-02 04:40 UTC"
    )


def test_a_person_who_was_paged_at_a_time_and_one_who_was_not() -> None:
    """Why, or who was on call instead."""
    world = World(config(Step(after=0, notify=("role:cto",))))
    world.see(alert())
    world.deliver()
    by = why_person("ben", NOW + 120, [story(world)], world.settings)
    assert by.answer == (
        "ben was paged at 2026-02-02 02:40 UTC over sms, as role:cto (Incident detected: "
        "Payments at 20% "
        "(threshold > 10%)), about INC-1 [P0] Payments on api"
    )
    on = world.settings.people.people("schedule:primary", NOW + 120)[0]
    not_by = why_person("cy", NOW + 120, [story(world)], world.settings)
    assert not_by.answer == (
        "cy was not paged at 2026-02-02 02:42 UTC about INC-1, which paged ben: no step of "
        "policy 'critical' "
        f"notified them; by the current schedules, on call was schedule:primary: {on}"
    )
    nothing = why_person("ben", NOW - 7200, [story(world)], world.settings)
    assert nothing.answer.startswith(
        "ben was not paged: no incident was open at 2026-02-02 00:40 UTC; by the current "
    )


def test_somebody_was_not_paged_about_any_open_incident() -> None:
    """Each has its own reason; of many, the newest are discussed and the others counted."""
    world = World(config(Step(after=0, notify=("role:cto",)), Step(after=600, notify=("pager",))))
    for service in ("api", "web"):
        labels = {"alertname": "Payments", "service": service}
        world.see(alert(labels=labels, fingerprint=service))
    world.deliver()
    newest, oldest = story(world, 2), story(world, 1)
    found = why_person("ana", NOW + 60, [newest, oldest], world.settings)
    why = "which paged ben: no step of policy 'critical' notified them"
    assert f" about INC-2, {why}; about INC-1, {why}; by the current" in found.answer
    many = why_person("ana", NOW + 60, [newest, *[oldest] * 6], world.settings)
    assert "; 2 older open incidents did not page them either; by the current" in many.answer


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (
            Step(after=600, notify=("contact:ana",)),
            "step 2 of policy 'critical' notifies them 10m after it began",
        ),
        (
            Step(after=60, notify=("contact:ana",), unless=Unless.ACKNOWLEDGED),
            "Step no longer needed: contact:ana",
        ),
        (
            Step(after=60, notify=("contact:ana",), when=VIP),
            "Skipped contact:ana (condition is false)",
        ),
    ],
)
def test_the_step_that_means_somebody_says_why_they_were_not_paged(step: Step, why: str) -> None:
    """It hasn't come yet, somebody had answered, or it's for other incidents."""
    world = World(config(Step(after=0, notify=("role:cto",)), step))
    world.see(alert())
    world.deliver()
    world.command(Command.ACKNOWLEDGE, by="ben")
    world.advance(120)
    found = why_person("ana", NOW + 120, [story(world)], world.settings)
    said = f"ana was not paged at 2026-02-02 02:42 UTC about INC-1, which paged ben: {why}; "
    assert found.answer.startswith(said)


def test_a_target_of_a_step_that_was_not_taken_is_no_reason() -> None:
    """Only the target that notified a person is the reason, not another with the same person."""
    world = World(
        config(
            Step(after=0, notify=("contact:ben",)),
            Step(after=0, notify=("role:cto",), when=VIP),
            Step(after=900, notify=("role:cto",)),
        )
    )
    world.see(alert())
    world.deliver()
    (page,) = [page for page in pages(story(world)) if page.address == "sms/ben"]
    assert [duty.target for duty in page.duties] == ["contact:ben"]


def test_why_nobody_was_paged_for_an_alert() -> None:
    """Its value against the threshold, or the silence; and that it joined what was open."""
    world = World(config(Step(after=0, notify=("role:cto",))))
    world.see(alert(value="0.5%"))
    said = explain(world.settings, alert(value="0.5%"), NOW)
    found = why_alert(list(world.rule_matches.values()), [], world.settings, said, NOW)
    assert found.answer == (
        "Nobody was paged for this alert: its value is below every threshold, 0.5% against > "
        "1% (rule payments)"
    )
    silence = RecurringSilence(
        "moving", parse_matchers("service=api"), TimeSpan(NOW - 60, NOW + 3600)
    )
    quiet = World(config(Step(after=0, notify=("role:cto",)), silences=(silence,)))
    quiet.see(alert())
    said = explain(quiet.settings, alert(), NOW)
    found = why_alert(list(quiet.rule_matches.values()), [], quiet.settings, said, NOW)
    assert found.answer == (
        "Nobody was paged for this alert: it's silenced, by moving until 2026-02-02 03:40 "
        "UTC (rule payments)"
    )


def test_an_alert_that_joined_says_so() -> None:
    """The explanation continues with the incident's notifications."""
    world = World(config(Step(after=0, notify=("role:cto",))))
    world.see(alert())
    world.deliver()
    world.see(alert("f2"))
    rule_match = [alert for alert in world.rule_matches.values() if alert.fingerprint == "f2"]
    found = why_alert(
        rule_match, [story(world)], world.settings, explain(world.settings, alert("f2"), NOW), NOW
    )
    assert found.answer.startswith(
        "It joined INC-1, which was already open. INC-1 [P0] Payments on api: ben paged; "
    )
    assert found.joined == 1


def test_other_rules_since_are_said() -> None:
    world = World(config(Step(after=0, notify=("role:cto",))))
    world.see(alert())
    changed = settings(rule(severity=Severity.P1), people=world.settings.people)
    assert why_incident(story(world), changed).changed


def test_a_step_that_is_not_for_the_alert_is_said_to_be_none() -> None:
    """The other steps apply; the skipped step's recipients are still listed."""
    world = config(Step(after=0, notify=("slack",)), Step(after=60, notify=("role:cto",), when=VIP))
    (outcome,) = explain(world, alert(), NOW).outcomes
    assert outcome.holds == (True, False)


def test_a_rotation_that_changed_since_changes_no_answer() -> None:
    """The duties are those of the decision: who was paged, who was not, and who was on call."""
    world = World(
        config(
            Step(after=0, notify=("schedule:primary",)),
            Step(after=60, notify=("role:cto",), unless=Unless.ACKNOWLEDGED),
        )
    )
    (on,) = world.settings.people.people("schedule:primary", NOW)
    world.see(alert())
    world.deliver()
    world.command(Command.ACKNOWLEDGE)
    other = rotation(Rotate.WEEKLY, "09:00", "cy", day=MON)
    people = People(WAYS, {"cto": ("ana", "ben", "cy")}, {"primary": schedule(other)})
    policies = {
        name: Policy("critical", (Step(after=0, notify=("contact:cy",)),))
        for name in ("critical", "high", "low")
    }
    world.settings = settings(rule(), policies=policies, people=people)
    found = account(world)
    assert (
        f"{on} paged; first at 2026-02-02 02:40 UTC over sms, as schedule:primary by layer 1"
        in found.answer
    )
    assert [(one.target, one.contact) for one in found.on_call] == [("schedule:primary", on)]
    assert found.on_call_recorded
    not_by = why_person("cy", NOW + 60, [story(world)], world.settings)
    assert not_by.answer == (
        f"cy was not paged at 2026-02-02 02:41 UTC about INC-1, which paged {on}: no step of "
        f"policy 'critical' "
        f"notified them; on call was schedule:primary: {on}"
    )


def test_a_page_that_a_limit_held_is_attributed_to_its_step() -> None:
    """The time of the decision counts, not of the delivery."""
    limited = People(WAYS, {"cto": ("ben",)}, {}, limits={"ben": Limit(1, 600.0)})
    steps = Policy("high", (Step(after=0, notify=("slack",)), Step(after=60, notify=("role:cto",))))
    router = VirtualRouter(
        settings(rule(), policies={**POLICIES, "high": steps}, people=limited), NOW
    )
    router.happen(AlertSeen(NOW, alert("f0", "5%", service="web")))
    router.run_until(NOW + 100)
    router.happen(AlertSeen(router.now, alert("f1", "5%")))
    router.run_until(NOW + 1000)
    timeline = [entry for entry in router.memory.timeline if entry.incident_id == 2]
    history = IncidentHistory(router.memory.incidents[2], timeline, ())
    (page,) = [page for page in pages(history) if page.person]
    assert (page.at, page.deliveries[0].at) == (NOW + 160, NOW + 660)
    answer = why_incident(history, router.settings).answer
    assert answer.endswith(f"held by a limit until {utc(NOW + 660)}")
    assert (page.cause and page.cause.what.value, page.is_page) == ("step_due", True)
    assert [duty.target for duty in page.duties or ()] == ["role:cto"]


def test_those_who_were_paged_before_a_person_resolved_it_stay_paged() -> None:
    """The message that it is over is no page."""
    world = World(config(Step(after=0, notify=("role:cto", "contact:ana"))))
    world.see(alert())
    world.deliver()
    world.command(Command.RESOLVE)
    world.deliver()
    found = account(world)
    assert "ana, ben paged" in found.answer
    assert [page.address for page in found.pages if page.is_page] == ["sms/ana", "sms/ben"]
    assert {page.reason and page.reason.value for page in found.pages} == {
        "opened",
        "resolved_by_person",
    }


def test_a_page_that_came_only_after_the_end_is_none() -> None:
    """The delivered message said that the incident was over."""
    world = World(config(Step(after=0, notify=("role:cto",))))
    world.see(alert())
    world.command(Command.RESOLVE)
    world.deliver()
    assert account(world).answer == (
        "Nobody was paged about INC-1 [P0] Payments on api: it was over before a page to ben "
        "was sent"
        "; notified: sms/ben"
    )


def test_a_stakeholder_is_informed_and_not_paged() -> None:
    plans = {
        severity: SeverityPlan("critical", stakeholders=("contact:ben",)) for severity in Severity
    }
    world = World(config(Step(after=0, notify=("contact:ana",)), severities=plans))
    world.see(alert())
    world.deliver()
    found = account(world)
    assert ": ana paged; first" in found.answer
    (informed,) = [page for page in found.pages if page.address == "sms/ben"]
    assert (informed.stakeholder, informed.is_page, informed.arrived) == (True, False, True)
    assert "they are a stakeholder, who is informed and not paged" in (
        why_person("ben", NOW, [story(world)], world.settings).answer
    )


def test_what_an_older_version_did_not_record_is_unknown() -> None:
    """It is not made up from the settings of today."""
    world = World(config(Step(after=0, notify=("schedule:primary",))))
    world.see(alert())
    world.deliver()
    kept = story(world)
    new = {"duties", "policy", "taken", "reason", "stakeholder"}
    older = [
        replace(entry, data={key: value for key, value in entry.data.items() if key not in new})
        for entry in kept.timeline
        if entry.what in {Reason.OPENED, Reason.DELIVERED}
    ]
    (page,) = pages(replace(kept, timeline=older))
    assert page.duties is None
    assert not why_incident(replace(kept, timeline=older), world.settings).on_call_recorded

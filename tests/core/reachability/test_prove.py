"""Proof that urgent incidents reach a person at every moment, checked against single moments."""

import os
from dataclasses import replace as with_fields
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as run
from hypothesis import strategies as st

from router.core.incident.policy import Policy, Promote, SeverityPlan, Step, Unless
from router.core.incident.settings import Settings
from router.core.oncall.business_hours import Calendar, NextBusinessDay
from router.core.oncall.recipients import ContactMethod, People
from router.core.oncall.rotation import Rotate
from router.core.oncall.schedule import Imported, Layer, Override, Restriction, Shift
from router.core.outbox.digest import MOST
from router.core.outbox.rate_limit import Limit
from router.core.reachability.findings import Finding, Proof, Verdict
from router.core.reachability.gaps import URGENT
from router.core.reachability.prove import prove
from router.core.reachability.routes import Route, lead, patience
from router.core.reachability.undecided import Known, may_prevent_page, unheard_inhibitors
from router.core.rules.manual_alert import reported
from router.core.rules.matcher import parse_matchers
from router.core.rules.rule import Rule
from router.core.suppression.inhibition import Inhibition
from router.core.suppression.recurring_silence import RecurringSilence, TimeSpan, Weekly
from router.core.text.template import compile_condition
from router.core.virtual.router import VirtualRouter, arrives
from router.core.virtual.simulation import simulate
from router.model.event import AlertSeen, Command, Commanded
from router.model.incident import Severity
from router.model.notification import Rejected
from router.model.reason import Reason
from tests import world
from tests.core.oncall.test_schedule import DAY, MON, at, rotation, schedule

P0, P1, P2, P3 = Severity
START = at("2026-03-23 12:00")
WEEK = 7 * DAY
WEEKLY = schedule(rotation(Rotate.WEEKLY, "09:00", "ana", "ben", day=MON))
WAYS = {
    "ana": (ContactMethod("sms"), ContactMethod("call", 120.0)),
    "ben": (ContactMethod("sms"),),
    "cy": (ContactMethod("mail", 0.0, frozenset({P2})),),
}
QUIET = Policy("quiet", (Step(after=0, notify=("slack",)),))
HEARD = Policy("heard", (Step(after=0, notify=("contact:ana",)),))


def config(
    policy: Policy, *others: Policy, schedules: Any = WEEKLY, rules: Any = None, **changed: Any
) -> Settings:
    """P0 has the first policy, P1 and P2 the next two; otherwise P1 reaches Ana, the rest a
    channel.
    """
    policies = [policy, *others]
    named = dict(zip((P0, P1, P2), policies, strict=False))
    plans = {
        severity: SeverityPlan(named.get(severity, HEARD if severity in URGENT else QUIET).name)
        for severity in Severity
    }
    people = People(WAYS, {"cto": ("ben",), "nobody": ()}, {"primary": schedules})
    rules = rules or (world.rule(severity=P0),)
    values: dict[str, Any] = {"severities": plans, "people": people, **changed}
    return world.settings(
        *rules, policies={one.name: one for one in (*policies, QUIET, HEARD)}, **values
    )


def steps(*steps: Step, **more: Any) -> Policy:
    return Policy("loud", steps, **more)


def failures(proof: Proof) -> list[tuple[float, float, tuple[str, ...]]]:
    return [
        ((finding.start - START) / 3600, (finding.end - START) / 3600, finding.why)
        for finding in proof.findings
    ]


def test_what_reaches_somebody_always_is_proven() -> None:
    """The result counts the intervals between hand-overs, for each deadline."""
    proof = prove(
        config(steps(Step(after=0, notify=("slack", "schedule:primary")))), START, START + 4 * WEEK
    )
    assert (proof.findings, proof.slowest, proof.verdict) == ((), 0, Verdict.PROVEN)
    assert proof.routes == (
        Route("payments", P0, P0),
        Route("", P0, P0, declared=True),
        Route("", P1, P1, declared=True),
    )
    assert 5 <= proof.intervals <= 20


def test_a_rule_with_a_policy_is_proven_by_that_policy() -> None:
    """Also an incident that a person declares and that the rule matches."""
    rules = (world.rule(severity=P1, policy="quiet"), world.rule("heard", severity=P1))
    proof = prove(config(HEARD, rules=rules), START, START + DAY)
    assert {str(route) for finding in proof.unreached for route in finding.routes} == {
        "payments (P1)",
        "declared by hand under payments (P0)",
        "declared by hand under payments (P1)",
    }


def test_a_gap_is_shown_with_its_edges_and_why() -> None:
    """Each step counts at its own time; the edges replay in `simulate`."""
    holed = schedule(*WEEKLY.layers, overrides=[Override("", START + DAY, START + 2 * DAY)])
    proof = prove(
        config(steps(Step(after=0, notify=("schedule:primary",))), schedules=holed),
        START,
        START + WEEK,
    )
    assert failures(proof) == [(24, 48, ("schedule:primary: nobody is on call",))]
    (finding,) = proof.unreached
    assert finding.trace is not None
    assert [moment.text for moment in finding.trace.moments if moment.text][1] == (
        "Nobody to notify: schedule:primary, nobody is on call"
    )


def test_a_step_before_the_gap_that_is_due_within_it() -> None:
    """The recipient must be there later: the gap moves back by the delay, and slowest is the
    delay.
    """
    holed = schedule(*WEEKLY.layers, overrides=[Override("", START + DAY, START + 2 * DAY)])
    policy = steps(Step(after=0, notify=("slack",)), Step(after=1800, notify=("schedule:primary",)))
    proof = prove(config(policy, schedules=holed), START, START + WEEK)
    assert failures(proof) == [(23.5, 47.5, ("schedule:primary: nobody is on call",))]
    assert proof.slowest == 1800


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("slack", "no step of policy 'loud' notifies a person"),
        ("contact:cy", "contact:cy: no contact method for P0"),
        ("role:nobody", "role:nobody: nobody is on call"),
    ],
)
def test_whoever_has_no_way_or_is_nobody_is_no_person_who_is_reached(target: str, why: str) -> None:
    """For all the time that is looked at, as one."""
    assert failures(prove(config(steps(Step(after=0, notify=(target,)))), START, START + WEEK)) == [
        (0, 168, (why,))
    ]


def test_a_step_under_a_condition_is_not_relied_on() -> None:
    """It's said how the condition turns out; another step makes good for it."""
    vip = compile_condition("labels.vip == 'yes'")
    policy = steps(
        Step(after=0, notify=("contact:ana",), when=vip), Step(after=60, notify=("slack",))
    )
    (finding,) = prove(config(policy), START, START + DAY).unreached
    assert finding.supposing == (("labels.vip == 'yes'", False),)
    assert (
        prove(
            config(steps(*policy.steps, Step(after=300, notify=("role:cto",)))), START, START + DAY
        ).unreached
        == ()
    )


def test_promotion_leads_to_routes_of_their_own() -> None:
    """An incident promoted from P2 to P1 to P0 is checked at each severity."""
    high = Policy("high", (Step(after=0, notify=("slack",)),), promote=Promote(P0, 7200))
    low = Policy("low", (Step(after=0, notify=("slack",)),), promote=Promote(P1, 28_800))
    settings = config(
        steps(Step(after=60, notify=("contact:ana",))), high, low, rules=(world.rule(severity=P2),)
    )
    proof = prove(settings, START, START + DAY)
    assert {route.severity for route in proof.routes} == {P0, P1}
    declared, promoted = sorted(proof.unreached, key=lambda finding: not finding.routes[0].declared)
    # The default rule's are P2, too. As a P0 it notifies; as a P1 it doesn't until promoted.
    assert promoted.routes == (Route("payments", P2, P1), Route("default", P2, P1))
    assert declared.routes == (Route("", P1, P1, declared=True),)
    assert [str(one.routes[0]) for one in (promoted, declared)] == [
        "payments (P1, promoted from P2)", "declared by hand (P1)",
    ]  # fmt: skip
    assert proof.slowest == 60


def test_who_was_told_before_it_was_promoted_hears_that_it_is() -> None:
    """So the worse severity has reached somebody, even if its own steps mean nobody."""
    high = Policy("high", (Step(after=0, notify=("contact:ana",)),), promote=Promote(P0, 7200))
    settings = config(
        steps(Step(after=0, notify=("slack",))), high, rules=(world.rule(severity=P1),)
    )
    proof = prove(settings, START, START + DAY)
    # A person who declares a P0 gets no such message.
    assert [finding.routes for finding in proof.findings] == [(Route("", P0, P0, declared=True),)]


def test_a_silence_of_all_that_a_rule_takes_keeps_it_from_everybody() -> None:
    """For as long as it lasts, minus the policy's delays."""
    window = Restriction(540, 600, frozenset({1}))
    silences = (
        RecurringSilence("window", parse_matchers("alertname=Payments"), Weekly(window, "UTC")),
    )
    policy = steps(Step(after=0, notify=("contact:ana",)), Step(after=600, notify=("role:cto",)))
    proof = prove(config(policy, silences=silences), START, START + WEEK)
    (one,) = failures(proof)
    # Tuesday 9 to 10; alerts in the last ten minutes, plus two for the contact method, are in time.
    assert (one[0], round(one[1], 3)) == (21, 21.8)
    assert one[2][0] == "silenced by window"


@pytest.mark.parametrize(
    ("rule", "silences", "labels"),
    [
        ("alertname=~'Db.*'", ["alertname=~'.+'"], {"alertname": "Db"}),
        ("alertname=~'A|B'", ["alertname=A", "alertname=B"], {"alertname": "B"}),
        ("alertname=Payments", ["env=prod", "env!=prod"], {"env": "other-env"}),
        ("alertname=Payments", ["team=''"], {"team": ""}),
        ("alertname=Payments", ["service=web"], {"service": "web"}),
        ("alertname=Payments", ["service=~'(api|web)-[0-9]+'"], {"service": "api-0"}),
    ],
)
def test_a_silence_of_some_alerts_is_shown_by_one_of_them(
    rule: str, silences: list[str], labels: dict[str, str]
) -> None:
    """Patterns, single values, complements and missing labels all work; that alert pages nobody."""
    quoted = [text.replace("'", '"') for text in (rule, *silences)]
    made = tuple(
        RecurringSilence(f"s{number}", parse_matchers(text), TimeSpan(START, START + WEEK))
        for number, text in enumerate(quoted[1:])
    )
    settings = config(
        steps(Step(after=0, notify=("contact:ana",))),
        silences=made,
        rules=(world.rule(match=quoted[0], severity=P0),),
    )
    (finding, *_) = prove(settings, START, START + DAY).findings
    assert finding.verdict is Verdict.UNREACHED
    assert dict(finding.labels).items() >= labels.items()
    shown = world.alert(labels=dict(finding.labels), starts_at=START)
    assert simulate(settings, [shown], START).reasons == (Reason.SILENCED,)


def test_a_silence_that_its_pattern_leaves_open_is_undecided() -> None:
    """No label is found that both patterns match, and neither is it certain that there is none."""
    silences = (
        RecurringSilence(
            "odd", parse_matchers('alertname=~".*[XY]{2}Z?Q"'), TimeSpan(START, START + WEEK)
        ),
    )
    rules = (world.rule(match='alertname=~"[A-W].*"', severity=P0),)
    proof = prove(
        config(steps(Step(after=0, notify=("contact:ana",))), silences=silences, rules=rules),
        START,
        START + DAY,
    )
    assert (proof.verdict, proof.unreached) == (Verdict.NOT_PROVEN, ())
    assert proof.findings[0].why == (
        "silence odd may mute some of its alerts; its patterns don't tell which",
    )


def test_a_silence_of_other_alerts_is_harmless_and_one_that_is_meant_is_allowed() -> None:
    other = (
        RecurringSilence("other", parse_matchers("alertname=Disk"), TimeSpan(START, START + WEEK)),
    )
    policy = steps(Step(after=0, notify=("contact:ana",)))
    assert prove(config(policy, silences=other), START, START + DAY).verdict is Verdict.PROVEN
    meant = config(
        policy,
        silences=(
            RecurringSilence(
                "staging", parse_matchers("env=staging"), TimeSpan(START, START + WEEK)
            ),
        ),
    )
    assert prove(meant, START, START + DAY).verdict is Verdict.UNREACHED
    proof = prove(meant, START, START + DAY, Known(allowed=frozenset({"staging"})))
    assert (proof.verdict, proof.assumes[1:]) == (
        Verdict.PROVEN, ("silence staging is meant to mute all of its alerts",),
    )  # fmt: skip


def inhibited(severity: Severity, low: tuple[str, ...]) -> Settings:
    """A P0 that is inhibited while an incident of Disk is open, which has `severity` and notifies
    `low` if a P3.
    """
    inhibition = Inhibition(parse_matchers("alertname=Payments"), parse_matchers("alertname=Disk"))
    quiet = Policy("low", (Step(after=0, notify=low),))
    plans = {
        P0: SeverityPlan("loud"),
        P1: SeverityPlan("loud"),
        P2: SeverityPlan("low"),
        P3: SeverityPlan("low"),
    }
    loud = steps(Step(after=0, notify=("contact:ana",)))
    rules = (world.rule("disk", "alertname=Disk", severity=severity), world.rule(severity=P0))
    settings = config(loud, rules=rules, severities=plans, inhibitions=(inhibition,))
    return with_fields(settings, policies={"loud": loud, "low": quiet})


def test_an_incident_that_notifies_nobody_must_not_inhibit() -> None:
    """The reason names the rule and the severity."""
    proof = prove(inhibited(P3, ("slack",)), START, START + DAY)
    why = "no step of policy 'low' notifies a person"
    nobody = f"possibly nobody is notified about that incident ({why})"
    assert [finding.why for finding in proof.findings] == [
        (f"an incident of rule 'disk' (P3) may inhibit its alerts: {nobody}",)
    ]
    assert proof.verdict is Verdict.NOT_PROVEN
    assert prove(inhibited(P3, ("contact:ana",)), START, START + DAY).verdict is Verdict.PROVEN
    assert prove(inhibited(P1, ("slack",)), START, START + DAY).verdict is Verdict.PROVEN


def test_a_throttle_may_hold_a_page_for_other_incidents() -> None:
    """It never holds a P0. If the policy allows a delay, the page is as late as possible."""
    people = People(WAYS, {"cto": ("ben",)}, {"primary": WEEKLY}, limits={"ben": Limit(1, 600.0)})
    rules = (world.rule(severity=P1),)
    ben = Step(after=0, notify=("contact:ben",))
    proof = prove(
        config(steps(ben), Policy("high", (ben,)), rules=rules, people=people), START, START + DAY
    )
    assert [(finding.verdict, finding.why) for finding in proof.findings] == [
        (
            Verdict.NOT_PROVEN,
            (
                (
                    "sms/ben: the throttle of 1 in 600 s may hold the page for other incidents "
                    "until it is too late"
                ),
            ),
        )
    ]
    assert {route.severity for route in proof.findings[0].routes} == {P1}
    patient = Policy("high", (ben, Step(after=900, notify=("slack",))))
    proof = prove(config(steps(ben), patient, rules=rules, people=people), START, START + DAY)
    assert (proof.verdict, proof.slowest) == (Verdict.PROVEN, 600)
    assert proof.assumes[1:] == (f"at most {MOST} incidents wait for a person with a throttle",)


def test_a_throttle_of_a_channel_that_wakes_somebody_may_hold_a_page() -> None:
    """As a person's throttle may."""
    slack = Step(after=0, notify=("slack",))
    rules = (world.rule(severity=P1),)
    settings = config(steps(slack), Policy("high", (slack,)), rules=rules)
    known = Known(people=frozenset({"slack"}))
    assert prove(settings, START, START + DAY, known).verdict is Verdict.PROVEN
    limited = with_fields(settings, throttles={"slack": Limit(20, 600.0)})
    finding, *_ = prove(limited, START, START + DAY, known).findings
    assert finding.why[0].startswith("slack: the throttle of 20 in 600 s may hold the page")


def test_a_rate_of_a_channel_is_shared_by_all_incidents() -> None:
    proof = prove(
        config(steps(Step(after=0, notify=("contact:ben",)))),
        START,
        START + DAY,
        Known(rates={"sms": "1 in 1m"}),
    )
    why = (
        "sms/ben: the channel sends 1 in 1m for all incidents together, so a page may wait for "
        "pages about other incidents"
    )
    assert ((why,), Verdict.NOT_PROVEN) in [
        (finding.why, finding.verdict) for finding in proof.findings
    ]


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (
            (world.rule(severity=P0, source="sentri"),),
            "rule 'payments' matches no alert: no source 'sentri' is configured",
        ),
        (
            (world.rule(match="a=1,a=2", severity=P0),),
            "rule 'payments' matches no alert: its matchers of 'a' contradict each other",
        ),
        (
            (world.rule("all", "", severity=P3, origin="a:1:1"), world.rule(severity=P0)),
            (
                "rule 'payments' matches no alert: earlier rules match all its alerts: 'all' "
                "(a:1:1); set `continue` there"
            ),
        ),
        (
            (world.rule(thresholds={"P0": "> 10%", "P1": "> 20%"}),),
            (
                "no value results in the tier P1 of rule 'payments': a worse one applies "
                "if '> 20%' holds"
            ),
        ),
    ],
)
def test_a_route_without_alerts_proves_nothing(rules: tuple[Rule, ...], why: str) -> None:
    """Alerts that the rule should match go to another rule."""
    proof = prove(
        config(steps(Step(after=0, notify=("contact:ana",))), rules=rules),
        START,
        START + DAY,
        Known(sources=frozenset({"sentry"})),
    )
    assert (why,) in [finding.why for finding in proof.findings]
    assert proof.verdict is Verdict.NOT_PROVEN


def test_a_calendar_that_was_not_read_is_not_known() -> None:
    """Nor is one beyond the time that was read."""
    for shifts, until, why in (
        (None, START + WEEK, "its imported calendar has not been read"),
        (
            (Shift("ana", START, START + WEEK),),
            START + 60,
            "its imported calendar has not been read that far ahead",
        ),
    ):
        layers = schedule(*WEEKLY.layers, Layer(Imported("cal", shifts)))
        settings = config(steps(Step(after=0, notify=("schedule:primary",))), schedules=layers)
        proof = prove(settings, START, START + DAY, Known(calendars_until=until))
        assert {finding.why for finding in proof.findings} == {(f"schedule 'primary': {why}",)}
    assert (
        prove(settings, START, START + DAY, Known(calendars_until=START + WEEK)).verdict
        is Verdict.PROVEN
    )


def test_what_makes_everything_undecided_is_said_of_every_route() -> None:
    proof = prove(
        config(steps(Step(after=0, notify=("contact:ana",)))),
        START,
        START + DAY,
        Known(reasons=("no store",)),
    )
    assert [finding.why for finding in proof.findings] == [("no store",)] * len(proof.routes)


def test_a_p0_declared_by_hand_has_routes_of_its_own() -> None:
    """Also where no rule is urgent; no silence mutes it."""
    silences = (
        RecurringSilence("all", parse_matchers('alertname=~".+"'), TimeSpan(START, START + WEEK)),
    )
    rules = (world.rule(severity=P3),)
    proof = prove(
        config(steps(Step(after=0, notify=("slack",))), rules=rules, silences=silences),
        START,
        START + DAY,
    )
    assert [(str(finding.routes[0]), finding.why) for finding in proof.findings] == [
        ("declared by hand (P0)", ("no step of policy 'loud' notifies a person",))
    ]
    heard = config(steps(Step(after=0, notify=("contact:ana",))), rules=rules, silences=silences)
    assert prove(heard, START, START + DAY).verdict is Verdict.PROVEN
    declared = reported("Payments are down", "ana", START, severity=P0)
    assert (
        next(moment.who for moment in simulate(heard, [declared], START).moments if moment.who)
        == "ana"
    )


def test_open_incidents_that_inhibit_and_that_nobody_knows_of() -> None:
    settings = inhibited(P3, ("slack",))
    router = VirtualRouter(settings, START)
    router.happen(AlertSeen(START, world.alert(labels={"alertname": "Disk"})))
    (incident,) = router.memory.incidents.values()
    assert may_prevent_page(settings, incident)
    assert list(unheard_inhibitors(settings, [incident])) == [
        "INC-1 may inhibit alerts, but nobody has been notified about it"
    ]
    assert not may_prevent_page(with_fields(settings, inhibitions=()), incident)
    router.happen(Commanded(START, 1, "ana", Command.ACKNOWLEDGE))
    assert not may_prevent_page(settings, router.memory.incidents[1])


JOINS = (
    "INC-1 is open and nobody has been notified about it, "
    "so nobody may be notified of alerts that join it"
)


def test_an_alert_that_joins_an_incident_that_nobody_knows_of() -> None:
    """The page about that incident got lost, and its policy is over; the alert starts none."""
    settings = config(
        steps(Step(after=0, notify=("contact:ben",))),
        Policy("high", (Step(after=0, notify=("contact:ben",)),)),
        rules=(world.rule(thresholds={"P0": "> 10%", "P1": "> 1%"}),),
    )
    router = VirtualRouter(settings, START, post=lambda _message, _at: Rejected("no such number"))
    router.happen(AlertSeen(START, world.alert("f1", "5%")))
    (incident,) = router.memory.incidents.values()
    assert (incident.severity, may_prevent_page(settings, incident)) == (P1, True)
    proof = prove(settings, START, START + DAY, Known(unheard=(incident,)))
    assert [(finding.verdict, finding.routes, finding.why) for finding in proof.findings] == [
        (
            Verdict.NOT_PROVEN,
            (Route("payments", P1, P1),),
            (JOINS,),
        )
    ]
    router.post = arrives
    router.run_until(START + 60)
    assert router.happen(AlertSeen(START + 60, world.alert("f2", "5%"))) == [Reason.JOINED]
    router.run_until(START + DAY)
    assert router.delivered == []
    assert router.happen(AlertSeen(router.now, world.alert("f3"))) == [Reason.SEVERITY_RAISED]
    assert {delivery.address for delivery in router.delivered} == {"sms/ben"}


def test_a_lifetime_of_another_rules_alerts_leaves_a_route_undecided() -> None:
    """The rule's own alerts are stale before Ana is notified; a declared incident may not be."""
    late = steps(Step(after=900, notify=("contact:ana",)))
    proof = prove(
        config(late, rules=(world.rule(severity=P0, expire_after=300.0),)), START, START + DAY
    )
    assert {(str(route), f.verdict) for f in proof.findings for route in f.routes} == {
        ("payments (P0)", Verdict.UNREACHED),
        ("declared by hand (P0)", Verdict.NOT_PROVEN),
    }


def silenced_source(begins: float, until: float, low: Policy) -> Settings:
    """A P0 that an incident of Disk inhibits, whose alerts a silence mutes for a time."""
    silence = RecurringSilence("night", parse_matchers("alertname=Disk"), TimeSpan(begins, until))
    settings = with_fields(inhibited(P3, ("slack",)), silences=(silence,))
    patient = steps(
        Step(after=0, notify=("contact:ana",)), Step(after=600, notify=("contact:ben",))
    )
    return with_fields(settings, policies={"loud": patient, "low": low})


def test_an_allowed_silence_must_not_delay_the_pages_of_an_incident_that_inhibits() -> None:
    """It is meant to mute Disk, but not the alerts that an open incident of Disk mutes."""
    late = Policy("low", (Step(after=300, notify=("contact:ana",)),))
    settings = silenced_source(START + 60, START + DAY, late)
    allowed = Known(allowed=frozenset({"night"}))
    why = (
        "an incident of rule 'disk' (P3) may inhibit its alerts: possibly nobody is notified "
        "about that incident (silenced by night)"
    )
    proof = prove(settings, START, START + DAY, allowed)
    assert [finding.why for finding in proof.findings] == [(why,)]
    router = VirtualRouter(settings, START)
    router.happen(AlertSeen(START, world.alert("disk", labels={"alertname": "Disk"})))
    router.run_until(START + 90)
    assert router.happen(AlertSeen(START + 90, world.alert())) == [Reason.INHIBITED]
    router.run_until(START + 3600)
    assert router.delivered == []


def test_a_muted_alert_opens_no_incident_that_could_inhibit() -> None:
    """Disk notifies at once, so its silence leaves no moment at which only Disk is muted."""
    at_once = Policy("low", (Step(after=0, notify=("contact:ana",)),))
    settings = silenced_source(START + 60, START + 7200, at_once)
    assert prove(settings, START, START + DAY).verdict is Verdict.PROVEN


def test_an_address_that_is_not_proven_is_not_relied_on() -> None:
    """Neither on its fallback: a message to a wrong number is lost without notice."""
    settings = config(steps(Step(after=0, notify=("contact:ben", "pagerduty"))))
    why = "no delivery is on record"
    lost = Known(unproven={"sms/ben": why})
    proof = prove(settings, START, START + DAY, lost)
    assert [(finding.verdict, finding.why) for finding in proof.findings] == [
        (Verdict.NOT_PROVEN, (f"sms/ben: {why}",))
    ]
    trusting = Known(frozenset({"pagerduty"}), {"sms/ben": why})
    assert prove(settings, START, START + DAY, trusting).verdict is Verdict.PROVEN
    falling = config(steps(Step(after=0, notify=("contact:ben",)), fallback=("pagerduty",)))
    assert prove(falling, START, START + DAY, trusting).verdict is Verdict.NOT_PROVEN


def test_holidays_and_the_change_of_clocks() -> None:
    """A step on the next business day meets who is on call then, and their hours are those of their
    clock.
    """
    hours = schedule(
        Layer(rotation(Rotate.DAILY, "09:00", "ana"), (Restriction(540, 1020),)),
        zone="Europe/London",
    )
    easter = frozenset({date(2026, 4, 3), date(2026, 4, 6)})
    calendar = Calendar("Europe/London", easter)
    policy = steps(
        Step(after=0, notify=("slack",)),
        Step(after=NextBusinessDay(), notify=("schedule:primary",)),
    )
    assert (
        prove(config(policy, schedules=hours, calendar=calendar), START, START + 3 * WEEK).unreached
        == ()
    )
    early = steps(
        Step(after=0, notify=("slack",)),
        Step(after=NextBusinessDay(480), notify=("schedule:primary",)),
    )
    found = failures(
        prove(config(early, schedules=hours, calendar=calendar), START, START + 3 * WEEK)
    )
    assert found == [(0, 504, ("schedule:primary: nobody is on call",))]


def test_too_many_conditions_are_undecided() -> None:
    """Rather than tried for hours."""
    policy = steps(
        *(
            Step(after=60 * n, notify=("slack",), when=compile_condition(f"labels.a == '{n}'"))
            for n in range(9)
        )
    )
    assert [finding.why for finding in prove(config(policy), START, START + DAY).findings] == [
        ("its policies have 9 conditions, more than the 8 that can be tried",)
    ]


# --- against asking about single moments

CONDITIONS = ("labels.a == 'yes'", "labels.b == 'yes'")
TARGETS = ("slack", "schedule:primary", "contact:cy", "role:nobody", "contact:ben")


@st.composite
def policies(draw: st.DrawFn, name: str, promote: Promote | None = None) -> Policy:
    # From few to reach to many, so that proofs hold about as often as they don't.
    delays = sorted(
        draw(
            st.lists(
                st.sampled_from([0, 300, 1800, 7200, 30_000]), min_size=1, max_size=3, unique=True
            )
        )
    )
    made: list[Step] = []
    for delay in delays:
        targets = draw(st.lists(st.sampled_from(TARGETS), min_size=1, max_size=2, unique=True))
        condition = draw(st.sampled_from([None, None, *CONDITIONS]))
        when = compile_condition(condition) if condition else None
        made.append(
            Step(
                after=delay, notify=tuple(targets), unless=draw(st.sampled_from(Unless)), when=when
            )
        )
    if draw(st.booleans()):
        made.append(
            Step(
                after=NextBusinessDay(draw(st.sampled_from([None, 480]))),
                notify=("schedule:primary",),
            )
        )
    return Policy(
        name, tuple(made), tuple(draw(st.sampled_from([(), ("contact:ben",)]))), promote=promote
    )


@st.composite
def settings_(draw: st.DrawFn) -> Settings:
    restrict = draw(
        st.sampled_from(
            [[], [Restriction(480, 1200)], [Restriction(1320, 360, frozenset(range(5)))]]
        )
    )
    first = START + draw(st.integers(0, int(2 * DAY)))
    overrides = [
        Override(draw(st.sampled_from(["", "ben"])), first, first + draw(st.integers(1, int(DAY))))
    ]
    kind = draw(st.sampled_from([Rotate.DAILY, Rotate.WEEKDAYS]))
    primary = schedule(
        Layer(
            rotation(kind, "09:00", "ana", draw(st.sampled_from(["ben", "cy"]))), tuple(restrict)
        ),
        overrides=overrides,
        zone="Europe/London",
    )
    quiet = START + draw(st.integers(0, int(2 * DAY)))
    silences = (
        RecurringSilence(
            "span",
            parse_matchers("alertname=Payments"),
            TimeSpan(quiet, quiet + draw(st.integers(1, int(DAY)))),
        ),
    )
    promote = Promote(P0, draw(st.sampled_from([600, 7200, 50_000])))
    rules = (world.rule(severity=P1), world.rule("other", "alertname=Other", severity=P0))
    return config(
        draw(policies("loud")),
        draw(policies("high", promote)),
        schedules=primary,
        rules=rules,
        silences=draw(st.sampled_from([(), silences])),
        calendar=Calendar("Europe/London"),
    )


def is_notified(settings: Settings, route: Route, moment: float, truths: tuple[bool, bool]) -> bool:
    """True if the full simulation of an example alert with the needed labels notifies somebody."""
    labels = {"alertname": "Payments" if route.rule == "payments" else "Other", "service": "api"}
    labels |= {name: "yes" if truth else "no" for name, truth in zip("ab", truths, strict=True)}
    found = simulate(settings, [world.alert(labels=labels, starts_at=moment)], moment)
    begins = moment if route.opens is route.severity else moment + lead(settings, route)
    raised = [one.at for one in found.moments if one.reason.value == "promoted"]
    since = min(raised, default=begins) if route.opens is not route.severity else moment
    until = patience(settings, route, moment)
    return any(one.who and since <= one.at <= until for one in found.moments)


@pytest.mark.timeout(600)
@given(data=st.data())
@run(
    max_examples=int(os.environ.get("EXAMPLES", "5")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)
def test_it_says_of_every_moment_what_happens_at_it(data: st.DataObject) -> None:
    """A proven route always notifies in time; the counterexample of any other replays without a
    page.
    """
    settings = data.draw(settings_())
    end = START + 2 * DAY
    proof = prove(settings, START, end)
    edges = [edge for finding in proof.unreached for edge in (finding.start, finding.end)]
    for route in (route for route in proof.routes if route.rule not in {"", "default"}):
        against = [finding for finding in proof.unreached if route in finding.routes]
        near = st.sampled_from(edges) if edges else st.nothing()
        moments = st.one_of(
            st.integers(int(START), int(end) - 1), near, near.map(lambda edge: edge - 1)
        )
        for moment in data.draw(st.lists(moments.map(float), min_size=2, max_size=4)):
            if not START <= moment < end:
                continue
            failing = next(
                (finding for finding in against if finding.start <= moment < finding.end), None
            )
            notified = {truths: is_notified(settings, route, moment, truths) for truths in TRUTHS}
            assert all(notified.values()) == (failing is None), (route, moment - START, notified)
            if failing is not None:
                assert not notified[_chosen(failing)]


TRUTHS = [(a, b) for a in (False, True) for b in (False, True)]


def _chosen(finding: Finding) -> tuple[bool, bool]:
    supposing = dict(finding.supposing)
    return (supposing.get(CONDITIONS[0], False), supposing.get(CONDITIONS[1], False))

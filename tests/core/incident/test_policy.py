"""The plan's severities over time: notifications until someone answers, and unresolved
incidents.
"""

from dataclasses import replace
from datetime import date

import pytest

from router.core.incident.policy import Policy, Promote, Repeat, SeverityPlan, Step, Unless
from router.core.oncall.business_hours import Calendar, NextBusinessDay
from router.core.oncall.recipients import ContactMethod, People
from router.core.rules.rule import RuleSet
from router.core.text.template import compile_condition
from router.model.alert import Alert
from router.model.incident import Severity
from router.model.reason import Reason
from tests.timeline import play
from tests.world import World, alert, rule, settings

P0, P1, P2, P3 = Severity
ACKNOWLEDGED = Unless.ACKNOWLEDGED
MINUTE, HOUR = 60.0, 3600.0

CRITICAL = Policy(
    "critical",
    (
        Step(after=0, notify=("log", "contact:ana")),
        Step(
            after=0,
            notify=("contact:ceo",),
            when=compile_condition("labels.customer_facing == 'true'"),
        ),
        Step(after=5 * MINUTE, notify=("contact:cto",), unless=ACKNOWLEDGED),
    ),
    fallback=("mail",),
    repeat=Repeat(15 * MINUTE, 2),
)
HIGH = Policy(
    "high",
    (
        Step(after=0, notify=("contact:ana",)),
        Step(after=30 * MINUTE, notify=("contact:cto",), unless=ACKNOWLEDGED),
    ),
    promote=Promote(P0, 2 * HOUR),
)
LOW = Policy("low", (Step(after=0, notify=("ticket",)),), promote=Promote(P1, 8 * HOUR))
BACKLOG = Policy(
    "backlog",
    (
        Step(after=0, notify=("ticket",)),
        Step(after=NextBusinessDay(), notify=("log",), unless=ACKNOWLEDGED),
    ),
)
PLANS = {
    P0: SeverityPlan("critical", 5 * MINUTE, update_every=15 * MINUTE),
    P1: SeverityPlan("high"),
    P2: SeverityPlan("low"),
    P3: SeverityPlan("backlog", NextBusinessDay(600)),
}
CALENDAR = Calendar(
    "Europe/London", frozenset({date(2026, 12, 25), date(2026, 12, 28), date(2027, 1, 1)})
)


def world(severity: Severity, **changed: object) -> World:
    policies = {one.name: one for one in (CRITICAL, HIGH, LOW, BACKLOG)}
    people = People(
        {name: (ContactMethod("sms"),) for name in ("ana", "cto", "ceo")},
        called={"ana lima": "ana"},
    )
    taker = rule(severity=severity)
    values = {
        "severities": PLANS,
        "policies": policies,
        "people": people,
        "calendar": CALENDAR,
        "edited": frozenset(),
    }
    return World(settings(taker, **(values | changed)))  # type: ignore[arg-type]


def test_a_p0_that_nobody_answers() -> None:
    """Each step in turn, then everybody again, twice; then everybody is notified of the lack of
    answer.
    """
    play(
        world(P0),
        """
        Mon 01-12 12:00  alert  page(log) page(sms/ana) not-for-this
        Mon 01-12 12:05         page(sms/cto) ended overdue
        Mon 01-12 12:20         again page(log) page(sms/ana) page(sms/cto)
        Mon 01-12 12:35         again page(log) page(sms/ana) page(sms/cto)
        Mon 01-12 12:50         unanswered page(log) page(sms/ana) page(sms/cto) page(mail)
        Tue 01-13 12:00  over   page(log) page(sms/ana) page(sms/cto) page(mail)
        """,
    )


def test_the_policy_of_a_rule_replaces_that_of_the_severity() -> None:
    """A P1 that only opens a ticket, as its rule says."""
    own = world(P1).settings
    taker = rule(severity=P1, policy="low")
    play(
        World(replace(own, rules=RuleSet.of([taker], own.rules.default, "2"))),
        """
        Mon 01-12 12:00  alert  page(ticket) ended
        """,
    )


def test_an_answer_ends_the_repeats_and_asks_for_updates() -> None:
    """The person in charge has to post an update every 15 minutes."""
    play(
        world(P0, edited=frozenset({"log"})),
        """
        Mon 01-12 12:00  alert  page(log) page(sms/ana) not-for-this
        Mon 01-12 12:05         page(sms/cto) ended overdue page(log)
        Mon 01-12 12:06  ack    page(log) page(sms/ana) page(sms/cto)
        Mon 01-12 12:21         update-due page(log) page(sms/ana)
        Mon 01-12 12:36         update-due page(log) page(sms/ana)
        """,
    )


def test_who_is_told_depends_on_what_it_is() -> None:
    """The CEO is notified of what customers see."""
    seen = alert(labels={"alertname": "Payments", "service": "api", "customer_facing": "true"})
    play(
        world(P0),
        """
        Mon 01-12 12:00  alert  page(log) page(sms/ana) page(sms/ceo)
        Mon 01-12 12:01  ack    page(log) page(sms/ana) page(sms/ceo)
        """,
        seen,
    )


def test_a_p1_that_is_not_resolved_in_two_hours_is_a_p0() -> None:
    """Also when somebody has answered: their answer stands, and the rest of the plan follows."""
    play(
        world(P1),
        """
        Mon 01-12 12:00  alert  page(sms/ana)
        Mon 01-12 12:10  ack    page(sms/ana)
        Mon 01-12 12:30         ended
        Mon 01-12 14:00         promoted(P0) page(sms/ana) page(log) page(sms/ana) not-for-this
        Mon 01-12 14:05         ended
        Mon 01-12 14:15         update-due page(sms/ana)
        """,
    )


def test_brief_resolves_do_not_set_the_clock_back() -> None:
    """It was open for an hour and a half, away for five minutes, and is a P0 when it has been open
    for two.
    """
    play(
        world(P1),
        """
        Mon 01-12 12:00  alert  page(sms/ana)
        Mon 01-12 12:10  ack    page(sms/ana)
        Mon 01-12 12:30         ended
        Mon 01-12 13:30  over   page(sms/ana)
        Mon 01-12 13:35  alert  page(sms/ana) page(sms/ana)
        Mon 01-12 13:36  ack    page(sms/ana)
        Mon 01-12 14:05         promoted(P0) page(sms/ana) page(log) page(sms/ana) not-for-this
        """,
    )


def test_another_incident_has_a_clock_of_its_own() -> None:
    """It was away for longer than an incident is reopened after."""
    flapping = world(P1)
    play(flapping, "Mon 01-12 12:00  alert  page(sms/ana)\nMon 01-12 12:10  over  page(sms/ana)")
    flapping.advance(601)
    flapping.see(alert(starts_at=flapping.now))
    assert flapping.incident.id == 2
    assert flapping.timers[2, "promote"] == flapping.now + 2 * HOUR


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(
            """
            Sun 03-29 00:30  alert  page(ticket) ended
            Sun 03-29 09:30         promoted(P1) page(ticket) page(sms/ana)
            Sun 03-29 10:00         page(sms/cto) ended
            """,
            id="eight hours over the start of summer time, by the clock on the wall nine",
        ),
        pytest.param(
            """
            Sun 10-25 00:30  alert  page(ticket) ended
            Sun 10-25 07:30         promoted(P1) page(ticket) page(sms/ana)
            Sun 10-25 08:00         page(sms/cto) ended
            """,
            id="over its end seven",
        ),
        pytest.param(
            """
            Thu 2026-12-31 20:00  alert  page(ticket) ended
            Fri 2027-01-01 04:00         promoted(P1) page(ticket) page(sms/ana)
            Fri 2027-01-01 04:30         page(sms/cto) ended
            Fri 2027-01-01 04:45         unanswered page(ticket) page(sms/ana) page(sms/cto)
            Fri 2027-01-01 06:00  promoted(P0) not-for-this page(ticket) page(log) page(sms/ana) \
                page(sms/ana) page(sms/cto)
            """,
            id="over New Year, all the way up",
        ),
    ],
)
def test_a_p2_that_is_not_resolved_in_eight_hours_is_a_p1(script: str) -> None:
    play(world(P2), script)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(
            """
            Fri 01-16 17:00  alert  page(ticket)
            Mon 01-19 09:00         page(log) ended
            Mon 01-19 09:15         unanswered page(ticket) page(log)
            Mon 01-19 10:00         overdue
            """,
            id="over a weekend",
        ),
        pytest.param(
            """
            Thu 12-24 17:00  alert  page(ticket)
            Tue 12-29 09:00         page(log) ended
            Tue 12-29 09:15         unanswered page(ticket) page(log)
            Tue 12-29 10:00         overdue
            """,
            id="over Christmas and Boxing Day, which was moved",
        ),
        pytest.param(
            """
            Thu 2026-12-31 23:59  alert  page(ticket)
            Mon 2027-01-04 09:00         page(log) ended
            Mon 2027-01-04 09:15         unanswered page(ticket) page(log)
            Mon 2027-01-04 10:00         overdue
            """,
            id="over New Year",
        ),
        pytest.param(
            """
            Fri 03-27 12:00  alert  page(ticket)
            Mon 03-30 09:00         page(log) ended
            """,
            id="over the start of summer time",
        ),
    ],
)
def test_a_p3_waits_for_the_next_business_day(script: str) -> None:
    play(world(P3), script)


def test_whoever_escalates_after_the_last_step_has_everybody_told_again() -> None:
    """Up to as often as the policy says, and not once more."""
    play(
        world(P0),
        """
        Mon 01-12 12:00  alert     page(log) page(sms/ana) not-for-this
        Mon 01-12 12:01  escalate  page(sms/cto) ended
        Mon 01-12 12:02  escalate  again page(log) page(sms/ana) page(sms/cto)
        Mon 01-12 12:03  escalate  again page(log) page(sms/ana) page(sms/cto)
        Mon 01-12 12:04  escalate
        Mon 01-12 12:05            overdue
        Mon 01-12 12:18            unanswered page(log) page(sms/ana) page(sms/cto) page(mail)
        """,
    )


def test_an_answer_that_is_void_leaves_the_promise_open() -> None:
    """Recipients of an escalation get the same time to respond as the first."""
    play(
        world(P0),
        """
        Mon 01-12 12:00  alert     page(log) page(sms/ana) not-for-this
        Mon 01-12 12:01  ack       page(log) page(sms/ana)
        Mon 01-12 12:05            ended
        Mon 01-12 12:10  escalate  again page(log) page(sms/ana) page(sms/cto)
        Mon 01-12 12:15            overdue
        """,
    )


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ("labels.customer_facing == 'true'", True),
        ("labels.team in ['security', 'legal']", False),
        ("labels.service.startswith('a') and annotations.value", True),
        ("labels.nothing.at.all", False),
        ("labels.service > 5", True),
    ],
)
def test_a_condition_that_fails_holds(source: str, *, holds: bool) -> None:
    """A needless page is better than a missed one. A missing label is not a failure."""
    seen: Alert = alert(labels={"customer_facing": "true", "service": "api"})
    assert (
        compile_condition(source).holds(labels=seen.labels, annotations=seen.annotations) is holds
    )


@pytest.mark.parametrize(
    "source", ["", "labels.x %}{% if labels.y", "value > 1", "secrets.x", "labels.x ==", "1 %}"]
)
def test_what_is_no_condition_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"[Ee]xpected|unexpected|line 1"):
        compile_condition(source)


def test_who_only_wants_to_know_hears_of_each_change_once() -> None:
    """The opening, what it's raised to, and the end."""
    plans = PLANS | {P1: SeverityPlan("high", stakeholders=("board", "contact:ceo"))}
    room = world(P1, severities=plans)
    room.see(alert())
    notified = [
        (queued.channel, queued.reason)
        for queued in room.queued
        if queued.channel in {"board", "sms/ceo"}
    ]
    assert notified == [("board", Reason.OPENED), ("sms/ceo", Reason.OPENED)]
    assert "board" not in room.incident.notified

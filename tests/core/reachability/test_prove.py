"""That urgent incidents reach a person at every moment, or when they don't: against asking about
moments one by one.
"""

import os
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
from router.core.oncall.schedule import Layer, Override, Restriction
from router.core.reachability.prove import Proof, Trust, Unreached, prove
from router.core.reachability.routes import Route, lead, patience
from router.core.rules.matcher import parse_matchers
from router.core.suppression.recurring_silence import RecurringSilence, TimeSpan, Weekly
from router.core.text.template import compile_condition
from router.core.virtual.simulation import simulate
from router.model.incident import Severity
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
QUIET = Policy("quiet", (Step(0, ("slack",)),))


def config(
    policy: Policy, *others: Policy, schedules: Any = WEEKLY, rules: Any = None, **changed: Any
) -> Settings:
    """P0 has the first policy, the further ones are those of P1 and P2; the rest tell a channel and
    nobody else.
    """
    policies = [policy, *others]
    named = dict(zip((P0, P1, P2), policies, strict=False))
    plans = {severity: SeverityPlan(named.get(severity, QUIET).name) for severity in Severity}
    people = People(WAYS, {"cto": ("ben",), "nobody": ()}, {"primary": schedules})
    rules = rules or (world.rule(severity=P0),)
    values: dict[str, Any] = {"severities": plans, "people": people, **changed}
    return world.settings(*rules, policies={one.name: one for one in (*policies, QUIET)}, **values)


def steps(*steps: Step, **more: Any) -> Policy:
    return Policy("loud", steps, **more)


def failures(proof: Proof) -> list[tuple[float, float, tuple[str, ...]]]:
    return [
        ((one.start - START) / 3600, (one.end - START) / 3600, one.why) for one in proof.unreached
    ]


def test_what_reaches_somebody_always_is_proven() -> None:
    """With how much was looked at: a piece from each hand-over to the next, by whichever deadline."""
    proof = prove(config(steps(Step(0, ("slack", "schedule:primary")))), START, START + 4 * WEEK)
    assert (proof.unreached, proof.slowest) == ((), 0)
    assert proof.routes == (Route("payments", P0, P0),)
    assert 5 <= proof.intervals <= 20


def test_a_gap_is_shown_with_its_edges_and_why() -> None:
    """As long as it's met; the later step at its own time, and the moments that `simulate` has for
    its beginning.
    """
    holed = schedule(*WEEKLY.layers, overrides=[Override("", START + DAY, START + 2 * DAY)])
    proof = prove(
        config(steps(Step(0, ("schedule:primary",))), schedules=holed), START, START + WEEK
    )
    assert failures(proof) == [(24, 48, ("schedule:primary: nobody is on call",))]
    (one,) = proof.unreached
    assert [moment.text for moment in one.trace.moments if moment.text][1] == (
        "Nobody to notify: schedule:primary, nobody is on call"
    )


def test_a_step_before_the_gap_that_is_due_within_it() -> None:
    """Who is told later has to be there later: the gap is moved ahead by the delay, and slowest is
    the delay.
    """
    holed = schedule(*WEEKLY.layers, overrides=[Override("", START + DAY, START + 2 * DAY)])
    policy = steps(Step(0, ("slack",)), Step(1800, ("schedule:primary",)))
    proof = prove(config(policy, schedules=holed), START, START + WEEK)
    assert failures(proof) == [(23.5, 47.5, ("schedule:primary: nobody is on call",))]
    assert proof.slowest == 1800


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("slack", "no step of policy 'loud' tells a person"),
        ("contact:cy", "contact:cy: no way to be reached for P0"),
        ("role:nobody", "role:nobody: nobody is on call"),
    ],
)
def test_whoever_has_no_way_or_is_nobody_is_no_person_who_is_reached(target: str, why: str) -> None:
    """For all the time that is looked at, as one."""
    assert failures(prove(config(steps(Step(0, (target,)))), START, START + WEEK)) == [
        (0, 168, (why,))
    ]


def test_a_step_under_a_condition_is_not_relied_on() -> None:
    """It's said how the condition turns out; another step makes good for it."""
    vip = compile_condition("labels.vip == 'yes'")
    policy = steps(Step(0, ("contact:ana",), when=vip), Step(60, ("slack",)))
    (one,) = prove(config(policy), START, START + DAY).unreached
    assert one.supposing == (("labels.vip == 'yes'", False),)
    assert (
        prove(config(steps(*policy.steps, Step(300, ("role:cto",)))), START, START + DAY).unreached
        == ()
    )


def test_promotion_leads_to_routes_of_their_own() -> None:
    """What is opened as a P2 and becomes a P1 and then a P0 is looked at as each."""
    high = Policy("high", (Step(0, ("slack",)),), promote=Promote(P0, 7200))
    low = Policy("low", (Step(0, ("slack",)),), promote=Promote(P1, 28_800))
    settings = config(
        steps(Step(60, ("contact:ana",))), high, low, rules=(world.rule(severity=P2),)
    )
    proof = prove(settings, START, START + DAY)
    assert {route.severity for route in proof.routes} == {P0, P1}
    (one,) = proof.unreached
    # The default rule's are P2, too. Once it's a P0 it's told; as a P1 it isn't, though it will be
    # one.
    assert one.routes == (Route("payments", P2, P1), Route("default", P2, P1))
    assert str(one.routes[0]) == "payments (P1, promoted from P2)"
    assert proof.slowest == 60


def test_who_was_told_before_it_was_promoted_hears_that_it_is() -> None:
    """So the worse severity has reached somebody, even if its own steps mean nobody."""
    high = Policy("high", (Step(0, ("contact:ana",)),), promote=Promote(P0, 7200))
    settings = config(steps(Step(0, ("slack",))), high, rules=(world.rule(severity=P1),))
    assert prove(settings, START, START + DAY).unreached == ()


def test_a_silence_of_all_that_a_rule_takes_keeps_it_from_everybody() -> None:
    """For as long as it goes on, less what the policy has time for; not one that takes only some of
    it.
    """
    window = Restriction(540, 600, frozenset({1}))
    silences = (
        RecurringSilence("window", parse_matchers("alertname=Payments"), Weekly(window, "UTC")),
        RecurringSilence("some", parse_matchers("service=web"), TimeSpan(START, START + WEEK)),
    )
    policy = steps(Step(0, ("contact:ana",)), Step(600, ("role:cto",)))
    proof = prove(config(policy, silences=silences), START, START + WEEK)
    (one,) = failures(proof)
    # On Tuesday from 9 until 10; what comes in the last ten minutes and the way's two is told in
    # time.
    assert (one[0], round(one[1], 3)) == (21, 21.8)
    assert one[2][0] == "silenced by window"


def test_a_channel_that_is_not_proven_is_not_relied_on() -> None:
    """Its fallback is; and one that reaches people by itself counts as a person."""
    settings = config(steps(Step(0, ("contact:ben", "pagerduty"))))
    why = "nothing was delivered over it"
    trust = Trust(unproven={"sms/ben": why})
    assert failures(prove(settings, START, START + DAY, trust)) == [(0, 24, (f"sms/ben: {why}",))]
    trusting = Trust(frozenset({"pagerduty"}), {"sms/ben": why})
    assert prove(settings, START, START + DAY, trusting).unreached == ()
    falling = config(steps(Step(0, ("contact:ben",)), fallback=("pagerduty",)))
    assert prove(falling, START, START + DAY, trusting).unreached == ()


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
    policy = steps(Step(0, ("slack",)), Step(NextBusinessDay(), ("schedule:primary",)))
    assert (
        prove(config(policy, schedules=hours, calendar=calendar), START, START + 3 * WEEK).unreached
        == ()
    )
    early = steps(Step(0, ("slack",)), Step(NextBusinessDay(480), ("schedule:primary",)))
    found = failures(
        prove(config(early, schedules=hours, calendar=calendar), START, START + 3 * WEEK)
    )
    assert found == [(0, 504, ("schedule:primary: nobody is on call",))]


def test_too_many_conditions_are_said() -> None:
    """Rather than tried for hours."""
    policy = steps(
        *(Step(60 * n, ("slack",), when=compile_condition(f"labels.a == '{n}'")) for n in range(9))
    )
    with pytest.raises(ValueError, match="have 9 conditions"):
        prove(config(policy), START, START + DAY)


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
        made.append(Step(delay, tuple(targets), draw(st.sampled_from(Unless)), when))
    if draw(st.booleans()):
        made.append(
            Step(NextBusinessDay(draw(st.sampled_from([None, 480]))), ("schedule:primary",))
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


def is_told(settings: Settings, route: Route, moment: float, truths: tuple[bool, bool]) -> bool:
    """By what the whole simulation says of an alert like any other, with labels that decide the
    conditions.
    """
    labels = {"alertname": "Payments" if route.rule == "payments" else "Other", "service": "api"}
    labels |= {name: "yes" if truth else "no" for name, truth in zip("ab", truths, strict=True)}
    found = simulate(settings, [world.alert(labels=labels, starts_at=moment)], moment)
    begins = moment if route.opens is route.severity else moment + lead(settings, route)
    raised = [one.at for one in found.moments if one.reason.value == "promoted"]
    since = min(raised, default=begins) if route.opens is not route.severity else moment
    until = patience(settings, route, moment)
    return any(one.who and since <= one.at <= until for one in found.moments)


@given(data=st.data())
@run(
    max_examples=int(os.environ.get("EXAMPLES", "5")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)
def test_it_says_of_every_moment_what_happens_at_it(data: st.DataObject) -> None:
    """If a route is proven somebody is told in time, and if it isn't the counterexample replays as
    nobody told.
    """
    settings = data.draw(settings_())
    end = START + 2 * DAY
    proof = prove(settings, START, end)
    edges = [edge for one in proof.unreached for edge in (one.start, one.end)]
    for route in (one for one in proof.routes if one.rule != "default"):
        against = [one for one in proof.unreached if route in one.routes]
        near = st.sampled_from(edges) if edges else st.nothing()
        moments = st.one_of(
            st.integers(int(START), int(end) - 1), near, near.map(lambda edge: edge - 1)
        )
        for moment in data.draw(st.lists(moments.map(float), min_size=2, max_size=4)):
            if not START <= moment < end:
                continue
            failing = next((one for one in against if one.start <= moment < one.end), None)
            told = {truths: is_told(settings, route, moment, truths) for truths in TRUTHS}
            assert all(told.values()) == (failing is None), (route, moment - START, told)
            if failing is not None:
                assert not told[_chosen(failing)]


TRUTHS = [(a, b) for a in (False, True) for b in (False, True)]


def _chosen(one: Unreached) -> tuple[bool, bool]:
    supposing = dict(one.supposing)
    return (supposing.get(CONDITIONS[0], False), supposing.get(CONDITIONS[1], False))

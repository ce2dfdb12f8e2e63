"""The proof is never more optimistic than the daemon's core, for random configs and alerts.

`EXAMPLES=500` tries more of them.
"""

import os
from collections.abc import Collection, Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, note
from hypothesis import settings as run
from hypothesis import strategies as st

from router.core.incident.policy import Policy, Promote, SeverityPlan, Step, Unless
from router.core.incident.settings import Settings
from router.core.oncall.recipients import ContactMethod, People
from router.core.oncall.rotation import Rotate
from router.core.oncall.schedule import Imported, Layer, Override, Restriction, Schedule, Shift
from router.core.outbox.rate_limit import Limit
from router.core.reachability.findings import Finding, Proof, Verdict
from router.core.reachability.prove import prove
from router.core.reachability.routes import Route, patience
from router.core.reachability.undecided import Known
from router.core.rules.manual_alert import reported
from router.core.rules.matcher import Matcher, MatchOp
from router.core.rules.rule import Rule, SeverityFrom, judge
from router.core.suppression.inhibition import Inhibition
from router.core.suppression.recurring_silence import RecurringSilence, TimeSpan, Weekly
from router.core.text.template import compile_condition
from router.core.virtual.example_alert import example_alert
from router.core.virtual.router import VirtualRouter
from router.model.alert import Alert
from router.model.event import AlertSeen
from router.model.incident import Severity
from router.model.notification import person_of
from router.model.reason import Reason
from tests import world
from tests.core.oncall.test_schedule import DAY, at, rotation, schedule

START = at("2026-03-23 12:00")
END = START + DAY
HELD = 60.0
"""Seconds after which an alert that nothing mutes joins a muted incident."""

VALUES = {
    "alertname": ("Db", "DbDown", "Disk", "Other"),
    "env": ("", "prod", "staging"),
    "team": ("", "a"),
    "service": ("", "api", "web"),
}
PATTERNS = {
    "alertname": ("Db.*", "D.+", ".+", "Db|Disk"),
    "env": (".*", "p.*", "prod|staging"),
    "team": (".+",),
}
TARGETS = ("slack", "schedule:primary", "contact:ana", "contact:ben", "role:nobody", "contact:cy")
VIP = compile_condition("labels.team == 'a'")


@st.composite
def matchers(draw: st.DrawFn, most: int = 2) -> tuple[Matcher, ...]:
    found = []
    for name in draw(
        st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=most, unique=True)
    ):
        op = draw(st.sampled_from(MatchOp))
        patterns = (
            PATTERNS.get(name, (".+",))
            if op in {MatchOp.MATCHES, MatchOp.NOT_MATCHES}
            else VALUES[name]
        )
        found.append(Matcher(name, op, draw(st.sampled_from(patterns))))
    return tuple(found)


@st.composite
def policies(draw: st.DrawFn, name: str, promote: Promote | None = None) -> Policy:
    delays = sorted(
        draw(st.lists(st.sampled_from([0, 60, 900, 7200]), min_size=1, max_size=3, unique=True))
    )
    steps = []
    for delay in delays:
        targets = draw(st.lists(st.sampled_from(TARGETS), min_size=1, max_size=2, unique=True))
        when = draw(st.sampled_from([None, None, None, VIP]))
        steps.append(
            Step(
                after=delay, notify=tuple(targets), unless=draw(st.sampled_from(Unless)), when=when
            )
        )
    return Policy(
        name, tuple(steps), draw(st.sampled_from([(), ("contact:ben",)])), promote=promote
    )


@st.composite
def rules(draw: st.DrawFn, name: str) -> Rule:
    tiers = draw(
        st.sampled_from([{}, {}, {"P0": "> 10%", "P1": "> 1%"}, {"P1": "> 1%", "P3": "> 0.1%"}])
    )
    graded = {"thresholds": tiers} if tiers else {"severity": draw(st.sampled_from(Severity))}
    if not tiers and draw(st.integers(0, 3)) == 0:
        graded["severity_from"] = SeverityFrom(
            label="env", map={"prod": Severity.P0, "staging": Severity.P2}
        )
    return world.rule(
        name,
        "",
        **graded,
        matchers=draw(matchers()),
        source=draw(st.sampled_from(["", "", "", "alertmanager", "sentri"])),
        continues=draw(st.sampled_from([False, False, True])),
        expire_after=draw(st.sampled_from([None, None, None, 300.0])),
        group_by=tuple(draw(st.sets(st.sampled_from(["service", "env"])))),
    )


@st.composite
def silences(draw: st.DrawFn, name: str) -> RecurringSilence:
    begins = START + draw(st.integers(-3600, int(DAY)))
    span = TimeSpan(begins, begins + draw(st.sampled_from([60, 3600, DAY])))
    nightly = Weekly(Restriction(1320, draw(st.sampled_from([360, 1380]))), "Europe/London")
    return RecurringSilence(name, draw(matchers()), draw(st.sampled_from([span, nightly])))


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    hours = draw(st.sampled_from([(), (), (Restriction(480, 1200),)]))
    first = Layer(
        rotation(draw(st.sampled_from([Rotate.DAILY, Rotate.WEEKDAYS])), "09:00", "ana", "ben"),
        hours,
    )
    shift = Shift("ben", START + 3600, START + 7200)
    imported = draw(
        st.sampled_from([(), (), (Layer(Imported("c", (shift,))),), (Layer(Imported("c", None)),)])
    )
    gap = Override("", START + draw(st.integers(0, int(DAY))), START + DAY)
    return schedule(
        first, *imported, overrides=draw(st.sampled_from([[], [gap]])), zone="Europe/London"
    )


@st.composite
def settings_(draw: st.DrawFn) -> Settings:
    """Few things that keep a page from people, or proofs would never hold."""
    ways = {
        "ana": (ContactMethod("sms"), ContactMethod("call", 120.0)),
        "ben": (ContactMethod("sms"),),
        "cy": (ContactMethod("mail", 0.0, frozenset({Severity.P2})),),
    }
    limits = draw(
        st.sampled_from(
            [{}, {}, {"ben": Limit(1, 1800.0)}, {"ana": Limit(1, 30.0), "ben": Limit(2, 600.0)}]
        )
    )
    people = People(ways, {"nobody": ()}, {"primary": draw(schedules())}, limits=limits)
    promote = draw(
        st.sampled_from([None, Promote(Severity.P0, 600.0), Promote(Severity.P0, 10_000.0)])
    )
    made = [draw(rules(f"r{number}")) for number in range(draw(st.integers(1, 3)))]
    inhibition = Inhibition(
        draw(matchers()), draw(matchers()), draw(st.sampled_from(["", "r0"])), ("env",)
    )
    return world.settings(
        *made,
        policies={
            one.name: one
            for one in (draw(policies("p0")), draw(policies("p1", promote)), draw(policies("low")))
        },
        severities={
            Severity.P0: SeverityPlan("p0"),
            Severity.P1: SeverityPlan("p1"),
            Severity.P2: SeverityPlan("low"),
            Severity.P3: SeverityPlan("low"),
        },
        people=people,
        silences=tuple(
            draw(silences(f"s{number}")) for number in range(draw(st.sampled_from([0, 0, 0, 1, 2])))
        ),
        inhibitions=draw(st.sampled_from([(), (), (inhibition,)])),
    )


_NUMBERS = count()


@st.composite
def alerts(draw: st.DrawFn, seen_at: float) -> Alert:
    labels = {name: draw(st.sampled_from(values)) for name, values in VALUES.items()}
    labels = {name: value for name, value in labels.items() if value}
    if draw(st.integers(0, 5)) == 0:
        return reported(
            "Db", "ana", seen_at, severity=draw(st.sampled_from(Severity)), labels=labels
        )
    value = draw(st.sampled_from(["20%", "5%", "0.5%", "unknown"]))
    return world.alert(f"f{next(_NUMBERS)}", value, labels=labels, starts_at=seen_at)


# --- what the daemon does


def opened(settings: Settings, alert: Alert) -> Iterator[Route]:
    """The urgent routes that the alert takes itself."""
    for rule in settings.rules.matching_rules(alert):
        severity = judge(rule, alert).severity
        if severity in {Severity.P0, Severity.P1}:
            yield (
                Route("", severity, severity, declared=True)
                if alert.by
                else Route(rule.name, severity, severity)
            )


def is_notified(
    router: VirtualRouter, incident_id: int, until: float, unproven: frozenset[str]
) -> bool:
    """True if a person has received a message about the incident by then."""
    return any(
        delivery.at <= until and person_of(delivery.address) and delivery.address not in unproven
        for delivery in router.delivered
        if incident_id in {delivery.incident.id, *(other.id for other in delivery.also)}
    )


def is_heard(
    router: VirtualRouter, alert: Alert, route: Route, moment: float, unproven: frozenset[str]
) -> bool:
    """True if the alert's own incident, or one that inhibits it, notified a person in time."""
    until = patience(router.settings, route, moment)
    named = list(router.memory.rule_matches.get(alert.fingerprint, {}).values())
    for match in named:
        if not route.declared and match.rule != route.rule:
            continue
        joined = (
            match.incident_id is not None
            and router.memory.incidents[match.incident_id].opened_at < moment
        )
        if match.incident_id is not None and is_notified(
            router, match.incident_id, until + (HELD if joined else 0), unproven
        ):
            return True
        if match.reason is Reason.INHIBITED:
            causes = [
                incident
                for incident in router.memory.incidents.values()
                if any(inhibition.is_source(incident) for inhibition in router.settings.inhibitions)
            ]
            return any(is_notified(router, cause.id, until, unproven) for cause in causes)
    return False


def against(proof: Proof, route: Route, moment: float) -> list[Finding]:
    return [
        finding
        for finding in proof.findings
        if route in finding.routes and finding.start <= moment < finding.end
    ]


def joins_unproven(
    router: VirtualRouter, proof: Proof, alert: Alert, earlier: Collection[int]
) -> bool:
    """Check if it joined an open incident that isn't proven itself, perhaps of a worse severity."""
    matches = router.memory.rule_matches.get(alert.fingerprint, {}).values()
    joined = {match.rule for match in matches if match.incident_id in earlier}
    return any(
        route.rule in {*joined, ""}
        for finding in proof.findings
        for route in finding.routes
        if joined
    )


@pytest.mark.timeout(1200)
@given(data=st.data())
@run(
    max_examples=int(os.environ.get("EXAMPLES", "50")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)
def test_where_it_says_proven_somebody_is_notified(data: st.DataObject) -> None:
    """With any earlier alerts, over working addresses."""
    settings = data.draw(settings_())
    unproven = data.draw(
        st.sampled_from([frozenset[str](), frozenset({"sms/ben"}), frozenset({"sms/ana"})])
    )
    known = Known(
        unproven=dict.fromkeys(unproven, "never"), sources=frozenset({"alertmanager", "sentry"})
    )
    proof = prove(settings, START, END, known)
    edges = sorted(
        {
            edge
            for finding in proof.findings
            for edge in (finding.start, finding.end - 1)
            if START <= edge < END
        }
    )
    for _ in range(8):
        moment = float(
            data.draw(st.sampled_from([*edges, START]) | st.integers(int(START), int(END) - 1))
        )
        router = VirtualRouter(settings, START - 4000)
        for before in sorted(
            data.draw(st.lists(st.sampled_from([0, 1, 30, 100, 1000, 3000]), max_size=3)),
            reverse=True,
        ):
            router.run_until(moment - before)
            router.happen(AlertSeen(router.now, data.draw(alerts(router.now))))
        router.run_until(moment)
        alert = data.draw(alerts(moment))
        earlier = frozenset(router.memory.incidents)
        is_new = alert.fingerprint not in router.memory.rule_matches
        router.happen(AlertSeen(moment, alert))
        router.run_until(moment + 3 * DAY)
        for route in opened(settings, alert) if is_new else ():
            note(f"{route} at {moment - START}: {against(proof, route, moment)}")
            assert (
                against(proof, route, moment)
                or joins_unproven(router, proof, alert, earlier)
                or is_heard(router, alert, route, moment, unproven)
            )


@pytest.mark.timeout(1200)
@given(data=st.data())
@run(
    max_examples=int(os.environ.get("EXAMPLES", "50")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)
def test_where_it_says_unreached_nobody_is_notified(data: st.DataObject) -> None:
    """For the alert in the counterexample, or else the rule's example."""
    settings = data.draw(settings_())
    known = Known(sources=frozenset({"alertmanager", "sentry"}))
    rules_ = {rule.name: rule for rule in (*settings.rules.rules, settings.rules.default)}
    for finding in prove(settings, START, END, known).of(Verdict.UNREACHED):
        route = finding.routes[0]
        if route.opens is not route.severity:
            continue
        alert = _shown(settings, rules_, route, finding)
        if alert is None:
            continue
        router = VirtualRouter(settings, finding.start)
        router.happen(AlertSeen(finding.start, alert))
        router.run_until(finding.start + DAY)
        note(f"{finding}")
        assert not is_heard(router, alert, route, finding.start, frozenset())


def _shown(
    settings: Settings, rules_: dict[str, Rule], route: Route, finding: Finding
) -> Alert | None:
    labels = dict(finding.labels)
    if any(truth != (labels.get("team") == "a") for _, truth in finding.supposing):
        return None
    if route.declared:
        return reported("Db", "ana", finding.start, severity=route.opens)
    try:
        made = example_alert(
            settings.rules, rules_[route.rule], route.opens, labels, finding.start
        ).alert
    except ValueError:
        return None
    matching = all(
        made.labels.get("team") == "a" if truth else made.labels.get("team") != "a"
        for _, truth in finding.supposing
    )
    return made if matching else None

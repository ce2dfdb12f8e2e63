"""Proves that urgent incidents reach a person at every moment of some weeks, or shows moments at which they don't.

The law: a route is a rule, the severity that it opens an incident with, and the severity (P0 or P1) that the incident
has then or is promoted to. A route is proven if, at whichever moment an alert comes and however the conditions of the
steps turn out, somebody is told over a way of theirs before the time of that severity's policy is over.

What happens at a moment is asked of the virtual router, so there's no second opinion here on what the daemon does. And
not every moment has to be asked about: what is decided depends on the clock only by who is on call, which windows and
business days are on, and which silences. Between two moments at which any of that changes for a deadline of the route,
the answer is the same for all of them. So the time is split there, and each piece is asked about once.

Not looked at: inhibition, and silences that take only some of what a rule takes. All times are UTC epoch seconds.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace as with_fields
from datetime import datetime, time
from itertools import pairwise, product

from msgspec import Struct
from msgspec.structs import replace

from router.core.business import NextBusinessDay
from router.core.coverage import URGENT
from router.core.escalation import PATIENCE
from router.core.policy import Policy, Step
from router.core.rule import Rule, RuleSet
from router.core.schedule import changes
from router.core.settings import Settings
from router.core.shadow import implies
from router.core.silence import Silence
from router.core.simulation import Simulation, simulate
from router.core.specimen import specimen
from router.core.suspect import Deploys
from router.core.template import Condition, compile_condition
from router.core.virtual import Told, VirtualRouter
from router.core.wall import DAY, instant, wall
from router.model.alert import Alert, AlertStatus
from router.model.event import AlertSeen
from router.model.incident import Severity
from router.model.notification import Notification, Rejected, Result, Sent, person_of
from router.model.reason import Reason

MOST_CONDITIONS = 8
"""How many different conditions the policies of one route may have: each doubles what is asked."""

Truths = dict[str, bool]
"""How conditions turn out, by their text."""

_CONSTANT = {truth: compile_condition(str(truth).lower()).compiled for truth in (True, False)}


class Route(Struct, frozen=True, order=True):
    """`rule` opens an incident as `opens`, which is `severity` then or is promoted to it."""

    rule: str
    opens: Severity
    severity: Severity

    def __str__(self) -> str:
        promoted = "" if self.opens is self.severity else f", promoted from {self.opens}"
        return f"{self.rule} ({self.severity}{promoted})"


class Unreached(Struct, frozen=True):
    """Nobody is told in time of what comes from `start` until `end`, of these routes.

    `supposing` says how the conditions of steps turn out for it. `trace` is what `simulate` says of `start`.
    """

    routes: tuple[Route, ...]
    start: float
    end: float
    why: tuple[str, ...]
    supposing: tuple[tuple[str, bool], ...]
    trace: Simulation

    @property
    def cause(self) -> tuple[object, ...]:
        """What several of them at different times may have in common."""
        return self.routes, self.why, self.supposing


class Proof(Struct, frozen=True):
    """It holds if there's nothing in `unreached`. `intervals` is how many pieces of time were asked about.

    `slowest` is the longest that it takes until somebody is told, in seconds, where somebody is.
    """

    start: float
    end: float
    routes: tuple[Route, ...]
    intervals: int
    slowest: float
    unreached: tuple[Unreached, ...]


class Trust(Struct, frozen=True):
    """What is known beside the settings. `people` are channels that reach a person by themselves, as PagerDuty's does.

    `unproven` are the addresses that can't be relied on, each with why.
    """

    people: frozenset[str] = frozenset()
    unproven: Mapping[str, str] = {}

    def post(self, message: Notification, _at: float) -> Result:
        """What comes of a message."""
        why = self.unproven.get(message.channel)
        return Rejected(why) if why else Sent()

    def reaches(self, address: str) -> bool:
        return bool(person_of(address)) or address in self.people


NOTHING_KNOWN = Trust()


def prove(settings: Settings, start: float, end: float, trust: Trust = NOTHING_KNOWN) -> Proof:
    """Look at every urgent route, from `start` until `end`.

    Raises: ValueError, if the policies of a route have more conditions than can be looked at.
    """
    found = list(routes(settings))
    pieces, slowest, unreached = 0, 0.0, []
    for case in _cases(settings, found):
        edges = [*case.edges(start, end, relied=not trust.unproven), end]
        worlds = list(case.worlds())
        pieces += len(edges) - 1
        for piece in pairwise(edges):
            late, failure = case.ask(piece, worlds, trust)
            slowest = max(slowest, late)
            if failure is not None:
                unreached.append(failure)
    return Proof(start, end, tuple(found), pieces, slowest, tuple(_joined(unreached)))


def routes(settings: Settings) -> Iterator[Route]:
    """All that can be urgent, in the order of the rules, the default last."""
    for rule in (*settings.rules.rules, settings.rules.default):
        if rule.heartbeat:
            continue  # its alerts open nothing
        for opens in [severity for severity, _ in rule.thresholds] or [rule.severity]:
            for severity in _promotions(settings, opens):
                if severity in URGENT:
                    yield Route(rule.name, opens, severity)


def _promotions(settings: Settings, severity: Severity) -> Iterator[Severity]:
    """This severity, and those that the incident is promoted to one after the other."""
    yield severity
    promote = settings.policy(severity).promote
    if promote and promote.to.worse_than(severity):
        yield from _promotions(settings, promote.to)


# --- routes that come to the same


class _Case(Struct, frozen=True):
    """Routes of which the same is decided, since all that differs is the rule. `settings` are those of one of them."""

    routes: tuple[Route, ...]
    settings: Settings
    alert: Alert

    def ask(
        self, piece: tuple[float, float], worlds: Sequence[tuple[Truths, Settings]], trust: Trust
    ) -> tuple[float, Unreached | None]:
        """How long it takes at the most until somebody is told; and how it comes about that nobody is, if so."""
        start, end = piece
        slowest, route = 0.0, self.routes[0]
        for truths, settings in worlds:
            router, told = first_told(settings, self.alert, start, route, trust)
            if told is None:
                why = tuple(dict.fromkeys(_why(router, start, route, trust))) or (
                    "nobody is told in its policy's time",
                )
                trace = simulate(settings, [replace(self.alert, starts_at=start)], start, post=trust.post)
                return slowest, Unreached(self.routes, start, end, why, tuple(truths.items()), trace)
            slowest = max(slowest, told.at - start - lead(settings, route))
            if all(entry.what is not Reason.CONDITION_FAILED for entry in router.memory.timeline):
                break  # nobody has asked yet how the conditions turn out
        return slowest, None

    def worlds(self) -> Iterator[tuple[Truths, Settings]]:
        """Each way in which the conditions of the steps may turn out, and the settings then: first that none holds.

        Raises: ValueError.
        """
        route = self.routes[0]
        policies = [self.settings.policy(severity) for severity in _promotions(self.settings, route.opens)]
        conditions = dict.fromkeys(step.when.source for policy in policies for step in policy.steps if step.when)
        if len(conditions) > MOST_CONDITIONS:
            raise ValueError(
                f"the policies of {route} have {len(conditions)} conditions, more than {MOST_CONDITIONS} can't be tried"
            )
        for turns in product((False, True), repeat=len(conditions)):
            truths = dict(zip(conditions, turns, strict=True))
            yield truths, supposed(self.settings, truths)

    def edges(self, start: float, end: float, *, relied: bool) -> list[float]:
        """The moments from `start` until `end` at which the answer may change, to the second.

        `relied`: no message fails, and so nobody else is told then instead.
        """
        route, calendar = self.routes[0], self.settings.calendar
        stages = list(_stages(self.settings, route.opens))
        ways = _ways(self.settings)
        own = self.settings.policy(route.severity)
        in_time = math.inf if _business(own) else lead(self.settings, route) + max(_fixed(own)) + max(ways)
        deadlines = {begun + after + pause for begun, one in stages for after in _fixed(one) for pause in _pauses(one)}
        deadlines = {deadline for deadline in deadlines if deadline <= in_time}
        told = {deadline + way for deadline in deadlines for way in ways}
        last = end + max(told)
        silenced = {edge for one in self.settings.silences for edge in one.when.edges(start, last)}
        days = set(_midnights(self.settings, start, last)) if any(_business(one) for _, one in stages) else set()
        # What comes so long after the alert meets what comes at a time of the clock, or the end of the policy's time:
        # which of them is first, and whether it's in time, may be otherwise before, at and after that second.
        meeting = {edge + way - after for edge in silenced for way in ways for after in told}
        meeting |= {edge + after - in_time for edge in silenced for after in told if in_time < math.inf}
        business: set[float] = set()
        begins = {begun for begun, _ in stages}
        for begun, one in stages:
            times = {calendar.after(delay, day) for delay in _business(one) for day in days}
            business |= times
            # Before the incident has the severity, it matters only whom it has told until it's promoted.
            early = begun < lead(self.settings, route)
            others = begins | {begun + after for after in _fixed(one)} if early else told | begins
            waits = {pause + way for pause in _pauses(one) for way in ways}
            meeting |= {time + wait - after for time in times for wait in waits for after in others}
        last = max({last, *business, *silenced}) + max(told)
        turns = {turn for one in self.settings.people.schedules.values() for turn in changes(one, start, last)}
        found = {turn - deadline for turn in turns | silenced for deadline in (deadlines if relied else told)}
        found |= {day - begun for day in days for begun in begins}
        found |= meeting | {moment + 1 for moment in meeting}
        return sorted({start, *(edge for edge in map(_second, found) if start < edge < end)})


def _cases(settings: Settings, found: Collection[Route]) -> Iterator[_Case]:
    rules = {rule.name: rule for rule in (*settings.rules.rules, settings.rules.default)}
    alike: dict[object, list[Route]] = {}
    for route in found:
        silences = tuple(one.name for one in _silences(settings, rules[route.rule]))
        alike.setdefault((route.opens, route.severity, silences), []).append(route)
    for those in alike.values():
        rule, opens = rules[those[0].rule], those[0].opens
        yield _Case(tuple(those), alone(settings, rule, opens), _alert(settings, rule, opens))


def _silences(settings: Settings, rule: Rule) -> Iterator[Silence]:
    """Those that take all that the rule takes."""
    return (one for one in settings.silences if implies(rule.matchers, one.matchers))


def alone(settings: Settings, rule: Rule, severity: Severity) -> Settings:
    """`settings` by which every alert is one of `rule` and that severity, and whoever is told is so to answer."""
    only = replace(
        rule, matchers=(), source="", thresholds=(), severity=severity, count_over=None, continues=False, public=False
    )
    return with_fields(
        settings,
        rules=RuleSet.of((), only, settings.rules.revision),
        severities={key: replace(plan, stakeholders=()) for key, plan in settings.severities.items()},
        silences=tuple(replace(one, matchers=()) for one in _silences(settings, rule)),
        inhibitions=(),
        deployments=Deploys(),
    )


def supposed(settings: Settings, truths: Truths) -> Settings:
    """`settings` in which these conditions turn out so, whatever the alert."""
    policies = {
        name: replace(policy, steps=tuple(_supposed(step, truths) for step in policy.steps))
        for name, policy in settings.policies.items()
    }
    return with_fields(settings, policies=policies)


def _supposed(step: Step, truths: Truths) -> Step:
    if step.when is None or step.when.source not in truths:
        return step
    return replace(step, when=Condition(step.when.source, _CONSTANT[truths[step.when.source]]))


def _alert(settings: Settings, rule: Rule, severity: Severity) -> Alert:
    """One to show it by: the rule takes whatever comes."""
    try:
        return specimen(settings.rules, rule, severity, {}, 0.0).alert
    except ValueError:
        return Alert(rule.source or "alertmanager", rule.name, AlertStatus.FIRING, {"alertname": rule.name}, {}, 0.0)


# --- what happens at a moment


def first_told(
    settings: Settings, alert: Alert, at: float, route: Route, trust: Trust
) -> tuple[VirtualRouter, Told | None]:
    """The first message of the route that reaches a person in time, if one does, when the alert comes at `at`."""
    router = VirtualRouter(settings, at, trust.post)
    router.happen(AlertSeen(at, replace(alert, starts_at=at)))
    until = patience(settings, route, at)
    seen = 0
    while True:
        for one in router.told[seen:]:
            if trust.reaches(one.address) and not route.severity.worse_than(one.incident.severity):
                return router, one
        seen = len(router.told)
        due = router.next_due
        if due is None or due > until:
            return router, None
        router.run_until(due)


def lead(settings: Settings, route: Route) -> float:
    """How many seconds after its opening the incident has the severity."""
    severities = list(_promotions(settings, route.opens))
    return [begun for begun, _ in _stages(settings, route.opens)][severities.index(route.severity)]


def patience(settings: Settings, route: Route, at: float) -> float:
    """Until when somebody must have been told of what is opened at `at`: the policy's last step, and the last way."""
    since = at + lead(settings, route)
    steps = [settings.calendar.after(step.after, since) for step in settings.policy(route.severity).steps]
    return max(steps, default=since) + max(_ways(settings))


def _ways(settings: Settings) -> set[float]:
    return {0.0, *(way.after for ways in settings.people.contacts.values() for way in ways)}


def _why(router: VirtualRouter, at: float, route: Route, trust: Trust) -> Iterator[str]:
    """What stood in the way."""
    settings = router.settings
    for silence in settings.silences:
        if silence.when.end_at(at) is not None:
            yield f"silenced by {silence.name}"
    policy = settings.policy(route.severity)
    for entry in router.memory.timeline:
        if entry.what is Reason.NOBODY_REACHED:
            yield f"{entry.data['target']}: {entry.data['why']}"
        elif entry.what is Reason.DELIVERY_FAILED and trust.reaches(entry.data["channel"]):
            yield f"{entry.data['channel']}: {entry.data['error']}"
        elif entry.what is Reason.SILENCED:
            yield f"silenced by {entry.data['name']}"
        elif entry.what is Reason.CONDITION_FAILED:
            yield f"a step of policy '{policy.name}' is only for some incidents"
    if not any(_means_people(step.notify, trust) for step in policy.steps):
        yield f"no step of policy '{policy.name}' tells a person"


def _means_people(targets: Collection[str], trust: Trust) -> bool:
    return any(":" in target or target in trust.people for target in targets)


# --- when the answer may change


def _stages(settings: Settings, severity: Severity) -> Iterator[tuple[float, Policy]]:
    """The policies of an incident that is opened with this severity, each with after how many seconds it begins."""
    begun = 0.0
    for each in _promotions(settings, severity):
        policy = settings.policy(each)
        yield begun, policy
        begun += policy.promote.after if policy.promote else 0.0


def _fixed(policy: Policy) -> set[float]:
    return {0.0, *(step.after for step in policy.steps if not isinstance(step.after, NextBusinessDay))}


def _pauses(policy: Policy) -> set[float]:
    """How long after the end of its steps everybody is told again, and that nobody has answered."""
    if policy.repeat is None:
        return {0.0, PATIENCE}
    return {time * policy.repeat.every for time in range(policy.repeat.times + 2)}


def _business(policy: Policy) -> list[NextBusinessDay]:
    return [step.after for step in policy.steps if isinstance(step.after, NextBusinessDay)]


def _midnights(settings: Settings, start: float, end: float) -> Iterator[float]:
    """Each beginning of a day of the company's, from before `start` until after `end`."""
    zone = settings.calendar.time_zone
    day = datetime.combine(wall(start, zone).date(), time()) - DAY
    while (midnight := instant(day, zone)) <= end:
        yield midnight
        day += DAY


def _second(moment: float) -> float:
    return float(math.ceil(moment))


def _joined(unreached: Collection[Unreached]) -> list[Unreached]:
    """Those that are one after the other and for the same cause are one. The earliest first."""
    found: list[Unreached] = []
    for one in unreached:
        last = found[-1] if found else None
        if last and last.end == one.start and last.cause == one.cause:
            found[-1] = replace(last, end=one.end)
        else:
            found.append(one)
    return sorted(found, key=lambda one: (one.start, one.routes))

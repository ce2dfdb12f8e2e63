"""Proves that urgent incidents reach a person at every moment of some weeks, or shows moments at
which they don't.

The law: a route is a rule, the severity that it opens an incident with, and the severity (P0 or P1)
that the incident has then or is promoted to. A route is proven if, at whichever moment an alert
comes and however the conditions of the steps turn out, somebody is told over a way of theirs before
the time of that severity's policy is over.

What happens at a moment is asked of the virtual router, so there's no second opinion here on what
the daemon does. And
not every moment has to be asked about: what is decided depends on the clock only by who is on call,
which windows and business days are on, and which silences. Between two moments at which any of that
changes for a deadline of the route, the answer is the same for all of them. So the time is split
there, and each piece is asked about once.

Not looked at: inhibition, and silences that take only some of what a rule takes. All times are UTC
epoch seconds.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace as with_fields
from itertools import pairwise, product

from msgspec import Struct
from msgspec.structs import replace

from router.core.deployments.suspect import Deploys
from router.core.incident.policy import Step
from router.core.incident.settings import Settings
from router.core.reachability.intervals import edges
from router.core.reachability.routes import Route, lead, patience, promotions, routes
from router.core.rules.lint import implies
from router.core.rules.rule import Rule, RuleSet
from router.core.suppression.recurring_silence import RecurringSilence
from router.core.text.template import Condition, compile_condition
from router.core.virtual.example_alert import example_alert
from router.core.virtual.router import VirtualDelivery, VirtualRouter
from router.core.virtual.simulation import Simulation, simulate
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


class Unreached(Struct, frozen=True):
    """Nobody is told in time of what comes from `start` until `end`, of these routes.

    `supposing` says how the conditions of steps turn out for it. `trace` is what `simulate` says of
    `start`.
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
    """It holds if there's nothing in `unreached`. `intervals` is how many pieces of time were asked
    about.

    `slowest` is the longest that it takes until somebody is told, in seconds, where somebody is.
    """

    start: float
    end: float
    routes: tuple[Route, ...]
    intervals: int
    slowest: float
    unreached: tuple[Unreached, ...]


class Trust(Struct, frozen=True):
    """What is known beside the settings. `people` are channels that reach a person by themselves,
    as PagerDuty's does.

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
        cuts = [*edges(case.settings, case.routes[0], start, end, relied=not trust.unproven), end]
        worlds = list(case.worlds())
        pieces += len(cuts) - 1
        for piece in pairwise(cuts):
            late, failure = case.ask(piece, worlds, trust)
            slowest = max(slowest, late)
            if failure is not None:
                unreached.append(failure)
    return Proof(start, end, tuple(found), pieces, slowest, tuple(_joined(unreached)))


# --- routes that come to the same


class _Case(Struct, frozen=True):
    """Routes of which the same is decided, since all that differs is the rule.

    `settings` are those of one of them.
    """

    routes: tuple[Route, ...]
    settings: Settings
    alert: Alert

    def ask(
        self, piece: tuple[float, float], worlds: Sequence[tuple[Truths, Settings]], trust: Trust
    ) -> tuple[float, Unreached | None]:
        """How long it takes at the most until somebody is told; and how it comes about that nobody
        is, if so.
        """
        start, end = piece
        slowest, route = 0.0, self.routes[0]
        for truths, settings in worlds:
            router, told = first_told(settings, self.alert, start, route, trust)
            if told is None:
                why = tuple(dict.fromkeys(_why(router, start, route, trust))) or (
                    "nobody is told in its policy's time",
                )
                trace = simulate(
                    settings, [replace(self.alert, starts_at=start)], start, post=trust.post
                )
                return slowest, Unreached(
                    self.routes, start, end, why, tuple(truths.items()), trace
                )
            slowest = max(slowest, told.at - start - lead(settings, route))
            if all(entry.what is not Reason.CONDITION_FAILED for entry in router.memory.timeline):
                break  # nobody has asked yet how the conditions turn out
        return slowest, None

    def worlds(self) -> Iterator[tuple[Truths, Settings]]:
        """Each way in which the conditions of the steps may turn out, and the settings then: first
        that none holds.

        Raises: ValueError.
        """
        route = self.routes[0]
        policies = [
            self.settings.policy(severity) for severity in promotions(self.settings, route.opens)
        ]
        conditions = dict.fromkeys(
            step.when.source for policy in policies for step in policy.steps if step.when
        )
        if len(conditions) > MOST_CONDITIONS:
            raise ValueError(
                f"the policies of {route} have {len(conditions)} conditions, more than {MOST_CONDITIONS} can't be tried"
            )
        for turns in product((False, True), repeat=len(conditions)):
            truths = dict(zip(conditions, turns, strict=True))
            yield truths, supposed(self.settings, truths)


def _cases(settings: Settings, found: Collection[Route]) -> Iterator[_Case]:
    rules = {rule.name: rule for rule in (*settings.rules.rules, settings.rules.default)}
    alike: dict[object, list[Route]] = {}
    for route in found:
        silences = tuple(one.name for one in _silences(settings, rules[route.rule]))
        alike.setdefault((route.opens, route.severity, silences), []).append(route)
    for those in alike.values():
        rule, opens = rules[those[0].rule], those[0].opens
        yield _Case(tuple(those), alone(settings, rule, opens), _alert(settings, rule, opens))


def _silences(settings: Settings, rule: Rule) -> Iterator[RecurringSilence]:
    """Those that take all that the rule takes."""
    return (one for one in settings.silences if implies(rule.matchers, one.matchers))


def alone(settings: Settings, rule: Rule, severity: Severity) -> Settings:
    """`settings` by which every alert is one of `rule` and that severity, and whoever is told is so
    to answer.
    """
    only = replace(
        rule,
        matchers=(),
        source="",
        thresholds=(),
        severity=severity,
        count_over=None,
        continues=False,
        public=False,
    )
    return with_fields(
        settings,
        rules=RuleSet.of((), only, settings.rules.revision),
        severities={
            key: replace(plan, stakeholders=()) for key, plan in settings.severities.items()
        },
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
        return example_alert(settings.rules, rule, severity, {}, 0.0).alert
    except ValueError:
        return Alert(
            rule.source or "alertmanager",
            rule.name,
            AlertStatus.FIRING,
            {"alertname": rule.name},
            {},
            0.0,
        )


# --- what happens at a moment


def first_told(
    settings: Settings, alert: Alert, at: float, route: Route, trust: Trust
) -> tuple[VirtualRouter, VirtualDelivery | None]:
    """The first message of the route that reaches a person in time, if one does, when the alert
    comes at `at`.
    """
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

"""Worlds: variants of the settings in which routes are simulated.

A world assumes everything that a proof can't know about an alert: the outcomes of the steps'
conditions, and the silences that mute the alert. All times are UTC epoch seconds.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace as with_fields
from itertools import product

from msgspec import Struct
from msgspec.structs import replace

from router.core.deployments.suspect import Deploys
from router.core.incident.policy import Step
from router.core.incident.settings import Settings
from router.core.reachability.routes import Route, patience, stages
from router.core.reachability.undecided import Known
from router.core.reachability.witness import witness
from router.core.rules.rule import Rule, RuleSet
from router.core.suppression.recurring_silence import RecurringSilence
from router.core.text.template import Condition, compile_condition
from router.core.virtual.router import VirtualDelivery, VirtualRouter
from router.model.alert import Alert, AlertStatus
from router.model.event import AlertSeen
from router.model.incident import Severity
from router.model.reason import Reason

_CONSTANT = {truth: compile_condition(str(truth).lower()).compiled for truth in (True, False)}


class Case(Struct, frozen=True):
    """Routes that differ only in their rule, so the result is the same. `settings` are one route's.

    `silences` may mute some of the alerts. `certain` are the names of those that mute all.
    `inhibits`: the routes' incidents inhibit other alerts. Only moments at which no silence mutes
    the alert count, because a muted alert opens no incident.
    """

    routes: tuple[Route, ...]
    settings: Settings
    alert: Alert
    silences: tuple[RecurringSilence, ...]
    certain: frozenset[str]
    inhibits: bool = False

    def counts(self, at: float, silences: Sequence[RecurringSilence]) -> bool:
        """Check if the moment counts for an alert that these silences mute."""
        return not (self.inhibits and any(silence.when.is_active(at) for silence in silences))


class World(Struct, frozen=True):
    truths: Mapping[str, bool]
    silences: tuple[RecurringSilence, ...]
    settings: Settings


def conditions_of(case: Case) -> list[str]:
    settings = case.settings
    policies = [policy for _, policy in stages(settings, case.routes[0])]
    return list(
        dict.fromkeys(step.when.source for policy in policies for step in policy.steps if step.when)
    )


def active(case: Case, start: float, until: float) -> list[RecurringSilence]:
    """The silences that are active at some time between `start` and `until`."""
    return [
        silence
        for silence in case.silences
        if silence.when.end_at(start) is not None
        or any(start < edge <= until for edge in silence.when.edges(start, until))
    ]


def choices(
    case: Case, silences: Sequence[RecurringSilence]
) -> Iterator[tuple[RecurringSilence, ...]]:
    """Each set of silences that may mute an alert. Silences of every alert are in all sets."""
    partly = [silence for silence in silences if silence.name not in case.certain]
    for taken in product((False, True), repeat=len(partly)):
        names = {
            rule.name for rule, is_taken in zip(partly, taken, strict=True) if is_taken
        } | case.certain
        yield tuple(silence for silence in silences if silence.name in names)


def worlds(
    case: Case, conditions: Sequence[str], silences: tuple[RecurringSilence, ...]
) -> Iterator[World]:
    """A world for each combination of outcomes of the conditions, first with all false."""
    muted = tuple(replace(silence, matchers=()) for silence in silences)
    for outcomes in product((False, True), repeat=len(conditions)):
        truths = dict(zip(conditions, outcomes, strict=True))
        yield World(truths, silences, with_fields(supposed(case.settings, truths), silences=muted))


def stale_after(settings: Settings, rule: Rule | None) -> float | None:
    """Seconds after which a firing alert of the rule (None: a person's) may be stale.

    Pages stop then. None if the alerts can't become stale.
    """
    if rule is None:
        own = (rule.expire_after for rule in (*settings.rules.rules, settings.rules.default))
        return min((seconds for seconds in own if seconds is not None), default=None)
    if rule.expire_after is not None:
        return rule.expire_after
    named = settings.expire_after
    of_sources = [named[rule.source]] if rule.source in named else []
    return min(of_sources or ([] if rule.source else named.values()), default=None)


def alone(
    settings: Settings,
    rule: Rule,
    severity: Severity,
    silences: Sequence[RecurringSilence] = (),
    *,
    stale: float | None = None,
) -> Settings:
    """`settings`, but every alert matches `rule` with that severity, and without stakeholders."""
    only = replace(
        rule,
        matchers=(),
        source="",
        thresholds=(),
        severity=severity,
        count_over=None,
        continues=False,
        public=False,
        heartbeat="",
        ignored=(),
        ignores=False,
        severity_from=None,
        expire_after=stale,
    )
    return with_fields(
        settings,
        rules=RuleSet.of((), only, settings.rules.revision),
        severities={
            key: replace(plan, stakeholders=()) for key, plan in settings.severities.items()
        },
        people=with_fields(settings.people, limits={}),
        throttles={},
        silences=tuple(replace(silence, matchers=()) for silence in silences),
        inhibitions=(),
        deployments=Deploys(),
    )


def supposed(settings: Settings, truths: Mapping[str, bool]) -> Settings:
    """`settings`, but the conditions have these outcomes for every alert."""
    policies = {
        name: replace(policy, steps=tuple(_supposed(step, truths) for step in policy.steps))
        for name, policy in settings.policies.items()
    }
    return with_fields(settings, policies=policies)


def _supposed(step: Step, truths: Mapping[str, bool]) -> Step:
    if step.when is None or step.when.source not in truths:
        return step
    return replace(step, when=Condition(step.when.source, _CONSTANT[truths[step.when.source]]))


def example(settings: Settings, rule: Rule, severity: Severity) -> Alert:
    """An example alert; in these settings the rule matches every alert."""
    found = witness(settings, rule, severity, ())
    return found or Alert(
        rule.source or "alertmanager",
        rule.name,
        AlertStatus.FIRING,
        {"alertname": rule.name},
        {},
        0.0,
    )


# --- simulation at one moment


def messages(
    settings: Settings, alert: Alert, at: float, route: Route, known: Known
) -> Iterator[tuple[VirtualRouter, VirtualDelivery]]:
    """The route's messages to a person before its policy ends, for an alert at `at`, by arrival."""
    router = VirtualRouter(settings, at)
    router.happen(AlertSeen(at, replace(alert, starts_at=at)))
    until = patience(settings, route, at)
    seen = 0
    while True:
        new = router.delivered[seen:]
        seen = len(router.delivered)
        for delivery in new:
            if known.reaches(delivery.address) and not route.severity.worse_than(
                delivery.incident.severity
            ):
                yield router, delivery
        due = router.next_due
        if due is None or due > until:
            return
        router.run_until(due)


def played(settings: Settings, alert: Alert, at: float, route: Route) -> VirtualRouter:
    """The router after the alert's policy has ended."""
    router = VirtualRouter(settings, at)
    router.happen(AlertSeen(at, replace(alert, starts_at=at)))
    router.run_until(patience(settings, route, at))
    return router


def why_nobody(
    router: VirtualRouter, at: float, route: Route, world: World, known: Known
) -> Iterator[str]:
    """The reasons why nobody is paged."""
    for silence in world.silences:
        if silence.when.end_at(at) is not None:
            yield f"silenced by {silence.name}"
    policy = router.settings.policy(route.severity, route.rule)
    for entry in router.memory.timeline:
        if entry.what is Reason.NOBODY_REACHED:
            yield f"{entry.data['target']}: {entry.data['why']}"
        elif entry.what is Reason.SILENCED:
            yield f"silenced by {entry.data['name']}"
        elif entry.what is Reason.CONDITION_FAILED:
            yield f"a step of policy '{policy.name}' is only for some incidents"
    if not any(_means_people(step.notify, known) for step in policy.steps):
        yield f"no step of policy '{policy.name}' notifies a person"


def _means_people(targets: Collection[str], known: Known) -> bool:
    return any(":" in target or target in known.people for target in targets)

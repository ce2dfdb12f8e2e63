"""Proves that urgent incidents reach a person at every moment, or shows when and why not.

A route is a rule (or a person who declares an incident), the severity that the incident opens with,
and the urgent severity, P0 or P1, that it has then or is promoted to.

Invariant: a route is proven only if somebody receives a message over a personal contact method
before the policy of the urgent severity ends. This must hold for every alert of the route, at any
time, and for any outcome of the conditions of steps. A route that can't be decided is not proven.

The virtual router gives the answer for one moment, so the daemon's logic isn't repeated here. Not
every moment has to be tried, because decisions depend on the time only through on-call people,
business days and silences. Between the times when one of these changes for a deadline of the route,
the answer stays the same. So each of these intervals is tried once, in every world: for every
outcome of the conditions, and every choice of the silences that may mute an alert of the rule. In
the worst world, messages to unproven addresses get lost, and throttles delay messages as long as
they can.

All times are UTC epoch seconds.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace as with_fields
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from router.core.incident.settings import Settings
from router.core.outbox.digest import MOST, PREEMPTS
from router.core.reachability.findings import Finding, Proof, Verdict, joined
from router.core.reachability.intervals import edges
from router.core.reachability.routes import Route, lead, patience, routes
from router.core.reachability.undecided import (
    NOTHING_KNOWN,
    Known,
    inhibiting_rules,
    muting_silences,
    reasons,
)
from router.core.reachability.witness import witness
from router.core.reachability.worlds import (
    Case,
    World,
    active,
    alone,
    choices,
    conditions_of,
    example,
    messages,
    played,
    stale_after,
    why_nobody,
    worlds,
)
from router.core.rules.lint import implies
from router.core.rules.rule import Rule
from router.core.rules.severities import opened_as
from router.core.suppression.recurring_silence import RecurringSilence
from router.model.alert import Alert
from router.model.reason import Reason

MOST_CONDITIONS = 8
MOST_SILENCES = 4
"""Maximum conditions or silences of one route: each doubles the number of worlds to try."""


def prove(settings: Settings, start: float, end: float, known: Known = NOTHING_KNOWN) -> Proof:
    """Try every urgent route, from `start` until `end`."""
    found = tuple(routes(settings))
    prover = _Prover(settings, start, end, known)
    findings = [*prover.undecided(found)]
    intervals, slowest = 0, 0.0
    for case in prover.cases(found):
        tried = prover.tried(case)
        intervals += tried.intervals
        slowest = max(slowest, tried.slowest)
        findings += tried.findings
    return Proof(
        start,
        end,
        found,
        intervals,
        slowest,
        tuple(joined(findings)),
        tuple(_assumptions(settings, known)),
    )


def _assumptions(settings: Settings, known: Known) -> Iterator[str]:
    yield (
        "an alert that joins an open incident needs no page of its own, because somebody "
        "was notified about that incident or acknowledged it, even at a milder severity"
    )
    for channel in sorted(known.people):
        yield f"channel {channel} reaches a person"
    for name in sorted(known.allowed):
        yield f"silence {name} is meant to mute all of its alerts"
    if settings.inhibitions:
        yield (
            "an inhibited alert needs no page of its own, "
            "because somebody is notified about the incident that inhibits it, or declared it"
        )
    if settings.people.limits or known.people & settings.throttles.keys():
        yield f"at most {MOST} incidents wait for a person with a throttle"


# --- routes with the same answer


class _Tried(Struct, frozen=True):
    intervals: int
    slowest: float
    findings: tuple[Finding, ...]


class _Prover:
    """Tries the routes over a period. Routes that must have the same answer are tried once."""

    def __init__(self, settings: Settings, start: float, end: float, known: Known) -> None:
        self._settings = with_fields(
            settings,
            silences=tuple(
                silence for silence in settings.silences if silence.name not in known.allowed
            ),
        )
        # An allowed silence may delay the pages of an incident that inhibits other alerts.
        self._with_allowed = settings
        self._start = start
        self._end = end
        self._known = known
        self._rules = {rule.name: rule for rule in (*settings.rules.rules, settings.rules.default)}
        self._tried: dict[object, _Tried] = {}
        limits = (*settings.people.limits.values(), *settings.throttles.values())
        self._holds = frozenset(limit.per for limit in limits)

    def undecided(self, found: Sequence[Route]) -> Iterator[Finding]:
        """Find the routes that can't be decided at any time."""
        for route in found:
            why = [*reasons(self._settings, route, self._rule(route), self._end, self._known)]
            why += [] if route.declared else self._inhibitions(route)
            yield from (
                Finding((route,), Verdict.NOT_PROVEN, self._start, self._end, (address,))
                for address in dict.fromkeys(why)
            )

    def cases(self, found: Collection[Route]) -> Iterator[Case]:
        alike: dict[object, list[Route]] = {}
        for route in found:
            alike.setdefault(self._kind(route), []).append(route)
        for of_kind in alike.values():
            yield self._case(of_kind)

    def _case(self, of_kind: Sequence[Route], *, inhibits: bool = False) -> Case:
        first = of_kind[0]
        rule = self._rule(first)
        silences = self._silences(first, inhibits=inhibits)
        certain = frozenset(
            silence.name for silence in silences if implies(rule.matchers, silence.matchers)
        )
        return Case(
            tuple(of_kind),
            alone(
                self._settings,
                rule,
                first.opens,
                silences,
                stale=stale_after(self._settings, None if first.declared else rule),
            ),
            example(self._settings, rule, first.opens),
            silences,
            certain,
            inhibits,
        )

    def _kind(self, route: Route, *, inhibits: bool = False) -> object:
        rule = self._rule(route)
        silences = self._silences(route, inhibits=inhibits)
        certain = tuple(implies(rule.matchers, silence.matchers) for silence in silences)
        # If a silence mutes only some alerts, the example alert must be of the same rule.
        rule_name = "" if all(certain) else rule.name
        # A limit of another rule or of a source may not apply to every alert of the route.
        stale = stale_after(self._settings, None if route.declared else rule), rule.expire_after
        names = tuple(silence.name for silence in silences)
        cause = (*names, inhibits)
        return route.opens, route.severity, cause, certain, rule_name, stale, rule.policy

    def _rule(self, route: Route) -> Rule:
        """The rule of the route; the default rule for a declared incident without a rule."""
        return self._rules[route.rule] if route.rule else self._settings.rules.default

    def _silences(self, route: Route, *, inhibits: bool) -> tuple[RecurringSilence, ...]:
        """The silences that may mute an alert of the route.

        An incident that a person declares is never muted.
        """
        if route.declared:
            return ()
        settings = self._with_allowed if inhibits else self._settings
        return muting_silences(settings, self._rule(route))

    # --- inhibition

    def _inhibitions(self, route: Route) -> Iterator[str]:
        """Inhibiting incidents about which possibly nobody is notified in time."""
        within = patience(self._settings, route, self._start) - self._start
        for rule in inhibiting_rules(self._settings, self._rule(route)):
            for opens in opened_as(rule):
                if why := self._unheard(Route(rule.name, opens, opens), rule, within):
                    source = f"an incident of rule '{rule.name}' ({opens})"
                    yield f"{source} may inhibit its alerts: {why}"

    def _unheard(self, source: Route, rule: Rule, within: float) -> str:
        why = next(reasons(self._settings, source, rule, self._end, self._known), "")
        if why:
            return why
        tried = self.tried(self._case([source], inhibits=True))
        if tried.findings:
            why = ", ".join(tried.findings[0].why)
            return f"possibly nobody is notified about that incident ({why})"
        if tried.slowest > within:
            return "the notification about that incident may be too late"
        return ""

    # --- over time

    def tried(self, case: Case) -> _Tried:
        kind = self._kind(case.routes[0], inhibits=case.inhibits)
        if kind not in self._tried:
            self._tried[kind] = self._try(case)
        found = self._tried[kind]
        return replace(
            found,
            findings=tuple(replace(finding, routes=case.routes) for finding in found.findings),
        )

    def _try(self, case: Case) -> _Tried:
        conditions = conditions_of(case)
        if len(conditions) > MOST_CONDITIONS:
            why = (
                f"its policies have {len(conditions)} conditions, "
                f"more than the {MOST_CONDITIONS} that can be tried"
            )
            found = Finding(case.routes, Verdict.NOT_PROVEN, self._start, self._end, (why,))
            return _Tried(0, 0.0, (found,))
        always = tuple(silence for silence in case.silences if silence.name in case.certain)
        findings: list[Finding] = []
        intervals, slowest = 0, 0.0
        for interval in self._intervals(case, always):
            if not case.counts(interval[0], always):
                continue
            late, failing = self._ask(case, conditions, interval, always)
            slowest = max(slowest, late)
            findings += failing
            intervals += 1
        if len(always) < len(case.silences):
            late, failing = self._muted(case, conditions)
            slowest = max(slowest, late)
            findings += failing
        return _Tried(intervals, slowest, tuple(findings))

    def _intervals(
        self, case: Case, silences: tuple[RecurringSilence, ...]
    ) -> Iterator[tuple[float, float]]:
        settings = with_fields(case.settings, silences=silences)
        cuts = edges(settings, case.routes[0], self._start, self._end, holds=self._holds)
        return pairwise([*cuts, self._end])

    def _muted(self, case: Case, conditions: Sequence[str]) -> tuple[float, list[Finding]]:
        """Try the route with silences that mute some of the alerts.

        After a choice of silences has failed once, it isn't tried at later times.
        """
        slowest = 0.0
        findings: list[Finding] = []
        failed: set[frozenset[str]] = set()
        for start, _ in self._intervals(case, case.silences):
            on = active(case, start, patience(case.settings, case.routes[0], start))
            partly = [
                recurring_silence
                for recurring_silence in on
                if recurring_silence.name not in case.certain
            ]
            if len(partly) > MOST_SILENCES:
                why = (
                    f"{len(partly)} silences may mute its alerts, "
                    f"more than the {MOST_SILENCES} that can be tried"
                )
                finding = Finding(case.routes, Verdict.NOT_PROVEN, start, self._end, (why,))
                return slowest, [*findings, finding]
            for chosen in choices(case, on):
                names = (
                    frozenset(recurring_silence.name for recurring_silence in chosen) - case.certain
                )
                if not names or any(before <= names for before in failed):
                    continue
                if not case.counts(start, chosen):
                    continue
                late, failing = self._ask(case, conditions, (start, self._end), chosen)
                slowest = max(slowest, late)
                if failing:
                    failed.add(names)
                    findings += failing
        return slowest, findings

    def _ask(
        self,
        case: Case,
        conditions: Sequence[str],
        interval: tuple[float, float],
        silences: tuple[RecurringSilence, ...],
    ) -> tuple[float, list[Finding]]:
        """The longest time until somebody is notified, or the failing case."""
        start, _ = interval
        slowest, route = 0.0, case.routes[0]
        for world in worlds(case, conditions, silences):
            notified, unconditional = self._first_notified(world, case.alert, start, route)
            if notified is None:
                return slowest, [self._finding(case, world, interval)]
            slowest = max(slowest, notified - start - lead(world.settings, route))
            if unconditional:
                break  # no step was skipped by a condition, so other outcomes don't matter
        return slowest, []

    def _first_notified(
        self, world: World, alert: Alert, start: float, route: Route
    ) -> tuple[float | None, bool]:
        """The first reliable message's arrival, and whether all conditions were true until then."""
        until = patience(world.settings, route, start)
        notified, last = None, None
        for router, message in messages(world.settings, alert, start, route, self._known):
            last = router
            limit = self._settings.limit_of(message.address)
            held = 0.0 if limit is None or message.incident.severity is PREEMPTS else limit.per
            if not self._known.doubt(message.address) and message.at + held <= until:
                notified = min(message.at + held, notified or until)
            if notified is not None and message.at >= notified:
                break
        entries = last.memory.timeline if last else ()
        return notified, all(entry.what is not Reason.CONDITION_FAILED for entry in entries)

    def _finding(self, case: Case, world: World, interval: tuple[float, float]) -> Finding:
        """UNREACHED if an example alert notifies nobody even with perfect delivery."""
        start, end = interval
        route = case.routes[0]
        supposing = tuple(world.truths.items())
        first = next(messages(world.settings, case.alert, start, route, self._known), None)
        if first is not None:
            why = tuple(dict.fromkeys(self._doubts(world, case.alert, start, route)))
            return Finding(case.routes, Verdict.NOT_PROVEN, start, end, why, supposing)
        full = played(world.settings, case.alert, start, route)
        why = tuple(dict.fromkeys(why_nobody(full, start, route, world, self._known)))
        why = why or ("nobody is notified before its policy ends",)
        partly = [silence for silence in world.silences if silence.name not in case.certain]
        shown = (
            witness(self._settings, self._rule(route), route.opens, partly)
            if partly
            else case.alert
        )
        if shown is None:
            doubt = ", ".join(recurring_silence.name for recurring_silence in partly)
            reason = f"silence {doubt} may mute some of its alerts; its patterns don't tell which"
            return Finding(case.routes, Verdict.NOT_PROVEN, start, end, (reason,), supposing)
        if (stale := case.settings.rules.default.expire_after) != self._rule(route).expire_after:
            # This is the shortest time of several rules or sources, so it may not apply to every
            # alert.
            reason = f"its alerts may be stale {stale:.0f} s after a report, and then page nobody"
            return Finding(case.routes, Verdict.NOT_PROVEN, start, end, (*why, reason), supposing)
        labels = tuple(sorted(shown.labels.items())) if partly else ()
        scene = world.settings, case.alert
        return Finding(case.routes, Verdict.UNREACHED, start, end, why, supposing, labels, scene)

    def _doubts(self, world: World, alert: Alert, start: float, route: Route) -> Iterator[str]:
        """The reasons why the messages in time are unreliable."""
        for _, message in messages(world.settings, alert, start, route, self._known):
            if why := self._known.doubt(message.address):
                yield why
            elif limit := self._settings.limit_of(message.address):
                yield (
                    f"{message.address}: the throttle of {limit.count} in {limit.per:.0f} s "
                    "may hold the page "
                    "for other incidents until it is too late"
                )

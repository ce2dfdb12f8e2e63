"""Inputs of a proof in addition to the settings, and reasons why a route can't be decided.

Invariant: anything that could prevent a page and isn't known to be harmless is a reason, and one
reason is enough for a route to be not proven.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from router.core.incident.policy import Policy
from router.core.incident.settings import Settings
from router.core.oncall.schedule import Imported, Schedule
from router.core.reachability.gaps import URGENT
from router.core.reachability.routes import Route, stages
from router.core.rules.heartbeat import SOURCE as HEARTBEAT
from router.core.rules.lint import idle_tiers, implies, may_match, takes_nothing
from router.core.rules.rule import Rule
from router.core.suppression.inhibition import Inhibition
from router.core.suppression.recurring_silence import RecurringSilence
from router.model.incident import Incident
from router.model.notification import channel_of, person_of


class Known(Struct, frozen=True):
    """Facts that the settings don't contain.

    people: channels that reach a person directly, as PagerDuty does.
    unproven: unreliable addresses, each with the reason.
    rates: the channels with a limit for all their messages together, as text.
    sources: the names of the configured sources; None if unknown: then every name is accepted.
    calendars_until: until when imported calendars were read, in UTC epoch seconds.
    reasons: obstacles for every route, such as an unreadable store.
    allowed: silences that are meant to mute all alerts of a rule.
    unheard: open incidents about which no person knows.
    """

    people: frozenset[str] = frozenset()
    unproven: Mapping[str, str] = {}
    rates: Mapping[str, str] = {}
    sources: frozenset[str] | None = None
    calendars_until: float = math.inf
    reasons: tuple[str, ...] = ()
    allowed: frozenset[str] = frozenset()
    unheard: tuple[Incident, ...] = ()

    def reaches(self, address: str) -> bool:
        """Check if a message to the address reaches a person."""
        return bool(person_of(address)) or address in self.people

    def doubt(self, address: str) -> str:
        """The reason why a message to the address may not arrive in time; "" if it does."""
        if why := self.unproven.get(address):
            return f"{address}: {why}"
        if rate := self.rates.get(channel_of(address)):
            return (
                f"{address}: the channel sends {rate} for all incidents together, "
                "so a page may wait for pages about other incidents"
            )
        return ""


NOTHING_KNOWN = Known()


def reasons(
    settings: Settings, route: Route, rule: Rule, end: float, known: Known
) -> Iterator[str]:
    """The reasons why the route can't be decided until `end` (UTC epoch seconds)."""
    yield from known.reasons
    if not route.declared:
        yield from _of_rule(settings, route, rule, known)
    names = {name for _, policy in stages(settings, route) for name in _schedules(policy)}
    for name in sorted(names):
        yield from _of_calendars(settings.people.schedules[name], end, known)


def _of_rule(settings: Settings, route: Route, rule: Rule, known: Known) -> Iterator[str]:
    # The default rule and those of missed heartbeats exist for alerts that the other rules leave.
    left_over = rule.source == HEARTBEAT or rule not in settings.rules.rules
    if not left_over and (why := takes_nothing(rule, _earlier(settings, rule), known.sources)):
        yield f"rule '{rule.name}' matches no alert: {why}"
    if route.opens in (idle := idle_tiers(rule)):
        yield idle[route.opens]
    yield from _joins(route, known.unheard)


def _schedules(policy: Policy) -> Iterator[str]:
    targets = (target for step in policy.steps for target in step.notify)
    for target in (*targets, *policy.fallback):
        kind, _, name = target.partition(":")
        if kind == "schedule":
            yield name


def _of_calendars(schedule: Schedule, end: float, known: Known) -> Iterator[str]:
    imported = [layer.turns for layer in schedule.layers if isinstance(layer.turns, Imported)]
    if not imported:
        return
    if not schedule.known:
        yield f"schedule '{schedule.name}': its imported calendar has not been read"
    elif end > known.calendars_until:
        yield f"schedule '{schedule.name}': its imported calendar has not been read that far ahead"


# --- inhibition


def inhibiting_rules(settings: Settings, rule: Rule) -> Iterator[Rule]:
    """The rules whose incidents may inhibit an alert of `rule`, each once."""
    candidates = (*settings.rules.rules, settings.rules.default)
    targeting = [
        inhibition
        for inhibition in settings.inhibitions
        if may_match(rule, inhibition.target, _earlier(settings, rule))
    ]
    for position, candidate in enumerate(candidates if targeting else ()):
        earlier = candidates[:position]
        if not candidate.heartbeat and any(
            _may_inhibit(inhibition, candidate, earlier, rule) for inhibition in targeting
        ):
            yield candidate


def muting_silences(settings: Settings, rule: Rule) -> tuple[RecurringSilence, ...]:
    """The silences that may mute an alert of the rule."""
    earlier = _earlier(settings, rule)
    return tuple(
        silence for silence in settings.silences if may_match(rule, silence.matchers, earlier)
    )


def _earlier(settings: Settings, rule: Rule) -> Sequence[Rule]:
    rules = settings.rules.rules
    return rules[: rules.index(rule)] if rule in rules else rules


def _may_inhibit(
    inhibition: Inhibition, source: Rule, earlier: Sequence[Rule], target: Rule
) -> bool:
    if inhibition.rule not in {"", source.name}:
        return False
    if not may_match(source, inhibition.source, earlier):
        return False
    # If each alert is both source and target, they don't inhibit each other.
    both = not inhibition.rule and implies(target.matchers, inhibition.source)
    return not (both and implies(source.matchers, inhibition.target))


# --- open incidents


def may_prevent_page(settings: Settings, incident: Incident) -> bool:
    """Check if another alert may stay without a page because of this incident.

    It does if the alert joins it, or is inhibited by it. A person who acknowledged it knows of it.
    """
    is_real = not (incident.drill or incident.canary)
    is_relevant = incident.severity in URGENT or settings.is_inhibitor(incident)
    return incident.is_open and incident.acknowledged_at is None and is_real and is_relevant


def unheard_inhibitors(settings: Settings, unheard: Iterable[Incident]) -> Iterator[str]:
    """The reasons why these open incidents, about which no person knows, may prevent a page."""
    for incident in unheard:
        if settings.is_inhibitor(incident):
            yield f"{incident.name} may inhibit alerts, but nobody has been notified about it"


def _joins(route: Route, incidents: Iterable[Incident]) -> Iterator[str]:
    """The open incidents that an alert may join without a page, although no person knows of them.

    A severity that is worse than the incident's starts its policy over.
    """
    for incident in incidents:
        if (
            incident.rule == route.rule
            and incident.severity in URGENT
            and not route.opens.worse_than(incident.severity)
        ):
            yield (
                f"{incident.name} is open and nobody has been notified about it, "
                "so nobody may be notified of alerts that join it"
            )

"""Routes to a P0 or a P1, with the start and end of each severity's policy."""

from collections.abc import Iterator

from msgspec import Struct

from router.core.incident.policy import Policy
from router.core.incident.settings import Settings
from router.core.reachability.gaps import URGENT
from router.core.rules.severities import opened_as
from router.model.incident import Severity


class Route(Struct, frozen=True, order=True):
    """A way to an urgent incident: `rule` opens it as `opens`, or promotes it to `severity`.

    `declared`: a person declares the incident with that severity; `rule` is "", or a rule with a
    policy of its own that may match it.
    """

    rule: str
    opens: Severity
    severity: Severity
    declared: bool = False

    def __str__(self) -> str:
        promoted = "" if self.opens is self.severity else f", promoted from {self.opens}"
        declared = f"declared by hand{self.rule and f' under {self.rule}'}"
        return f"{declared if self.declared else self.rule} ({self.severity}{promoted})"


def routes(settings: Settings) -> Iterator[Route]:
    """All routes to an urgent severity: of the rules in order, the default rule, and people."""
    for rule in (*settings.rules.rules, settings.rules.default):
        for opens in opened_as(rule):
            yield from _urgent(settings, rule.name, opens)
    own = [rule.name for rule in settings.rules.rules if rule.policy]
    for name in ("", *own):
        for opens in URGENT:
            yield from _urgent(settings, name, opens, declared=True)


def _urgent(
    settings: Settings, rule: str, opens: Severity, *, declared: bool = False
) -> Iterator[Route]:
    for severity in promotions(settings, opens, rule):
        if severity in URGENT:
            yield Route(rule, opens, severity, declared=declared)


def promotions(settings: Settings, severity: Severity, rule: str) -> Iterator[Severity]:
    """This severity, and those of successive promotions, under the rule ("" for none)."""
    yield severity
    promote = settings.policy(severity, rule).promote
    if promote and promote.to.worse_than(severity):
        yield from promotions(settings, promote.to, rule)


def stages(settings: Settings, route: Route) -> Iterator[tuple[float, Policy]]:
    """Each policy of an incident of the route, with the seconds from its opening to the policy."""
    begun = 0.0
    for each in promotions(settings, route.opens, route.rule):
        policy = settings.policy(each, route.rule)
        yield begun, policy
        begun += policy.promote.after if policy.promote else 0.0


def lead(settings: Settings, route: Route) -> float:
    """Seconds from the opening of the incident until it has the route's severity."""
    severities = list(promotions(settings, route.opens, route.rule))
    return [begun for begun, _ in stages(settings, route)][severities.index(route.severity)]


def patience(settings: Settings, route: Route, at: float) -> float:
    """When the policy has ended for an alert at `at`: with the last step's last contact method."""
    since = at + lead(settings, route)
    policy = settings.policy(route.severity, route.rule)
    steps = [settings.calendar.after(step.after, since) for step in policy.steps]
    return max(steps, default=since) + max(way_delays(settings))


def way_delays(settings: Settings) -> set[float]:
    """The delays in seconds of all contact methods."""
    return {0.0, *(way.after for ways in settings.people.contacts.values() for way in ways)}

"""Routes to a P0 or a P1, with the start and end of each severity's policy."""

from collections.abc import Iterator

from msgspec import Struct

from router.core.incident.policy import Policy
from router.core.incident.settings import Settings
from router.core.reachability.gaps import URGENT
from router.core.rules.severities import opened_as
from router.model.incident import Severity


class Route(Struct, frozen=True, order=True):
    """`rule` opens an incident as `opens`, which is `severity` then, or is promoted to it.

    `by_hand`: a person declares the incident with that severity, and `rule` is "".
    """

    rule: str
    opens: Severity
    severity: Severity
    by_hand: bool = False

    def __str__(self) -> str:
        promoted = "" if self.opens is self.severity else f", promoted from {self.opens}"
        return f"{'declared by hand' if self.by_hand else self.rule} ({self.severity}{promoted})"


def routes(settings: Settings) -> Iterator[Route]:
    """All routes to an urgent severity: of the rules in order, the default rule, and people."""
    for rule in (*settings.rules.rules, settings.rules.default):
        for opens in opened_as(rule):
            yield from _urgent(settings, rule.name, opens)
    for opens in URGENT:
        yield from _urgent(settings, "", opens)


def _urgent(settings: Settings, rule: str, opens: Severity) -> Iterator[Route]:
    for severity in promotions(settings, opens):
        if severity in URGENT:
            yield Route(rule, opens, severity, by_hand=not rule)


def promotions(settings: Settings, severity: Severity) -> Iterator[Severity]:
    """This severity, and the later ones of successive promotions."""
    yield severity
    promote = settings.policy(severity).promote
    if promote and promote.to.worse_than(severity):
        yield from promotions(settings, promote.to)


def stages(settings: Settings, severity: Severity) -> Iterator[tuple[float, Policy]]:
    """The policies of an incident opened with this severity, and the seconds until each."""
    begun = 0.0
    for each in promotions(settings, severity):
        policy = settings.policy(each)
        yield begun, policy
        begun += policy.promote.after if policy.promote else 0.0


def lead(settings: Settings, route: Route) -> float:
    """Seconds from the opening of the incident until it has the route's severity."""
    severities = list(promotions(settings, route.opens))
    return [begun for begun, _ in stages(settings, route.opens)][severities.index(route.severity)]


def patience(settings: Settings, route: Route, at: float) -> float:
    """The latest useful page for an alert at `at`: the last step's last contact method."""
    since = at + lead(settings, route)
    steps = [
        settings.calendar.after(step.after, since) for step in settings.policy(route.severity).steps
    ]
    return max(steps, default=since) + max(way_delays(settings))


def way_delays(settings: Settings) -> set[float]:
    """The delays in seconds of all contact methods."""
    return {0.0, *(way.after for ways in settings.people.contacts.values() for way in ways)}

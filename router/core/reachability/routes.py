"""Routes: by which rule an incident comes to be a P0 or a P1, and when its severity's policy begins
and ends.
"""

from collections.abc import Iterator

from msgspec import Struct

from router.core.incident.policy import Policy
from router.core.incident.settings import Settings
from router.core.reachability.gaps import URGENT
from router.model.incident import Severity


class Route(Struct, frozen=True, order=True):
    """`rule` opens an incident as `opens`, which is `severity` then or is promoted to it."""

    rule: str
    opens: Severity
    severity: Severity

    def __str__(self) -> str:
        promoted = "" if self.opens is self.severity else f", promoted from {self.opens}"
        return f"{self.rule} ({self.severity}{promoted})"


def routes(settings: Settings) -> Iterator[Route]:
    """All that can be urgent, in the order of the rules, the default last."""
    for rule in (*settings.rules.rules, settings.rules.default):
        if rule.heartbeat:
            continue  # its alerts open nothing
        for opens in [severity for severity, _ in rule.thresholds] or [rule.severity]:
            for severity in promotions(settings, opens):
                if severity in URGENT:
                    yield Route(rule.name, opens, severity)


def promotions(settings: Settings, severity: Severity) -> Iterator[Severity]:
    """This severity, and those that the incident is promoted to one after the other."""
    yield severity
    promote = settings.policy(severity).promote
    if promote and promote.to.worse_than(severity):
        yield from promotions(settings, promote.to)


def stages(settings: Settings, severity: Severity) -> Iterator[tuple[float, Policy]]:
    """The policies of an incident that is opened with this severity, each with after how many
    seconds it begins.
    """
    begun = 0.0
    for each in promotions(settings, severity):
        policy = settings.policy(each)
        yield begun, policy
        begun += policy.promote.after if policy.promote else 0.0


def lead(settings: Settings, route: Route) -> float:
    """How many seconds after its opening the incident has the severity."""
    severities = list(promotions(settings, route.opens))
    return [begun for begun, _ in stages(settings, route.opens)][severities.index(route.severity)]


def patience(settings: Settings, route: Route, at: float) -> float:
    """Until when somebody must have been told of what is opened at `at`: the policy's last step,
    and the last way.
    """
    since = at + lead(settings, route)
    steps = [
        settings.calendar.after(step.after, since) for step in settings.policy(route.severity).steps
    ]
    return max(steps, default=since) + max(way_delays(settings))


def way_delays(settings: Settings) -> set[float]:
    """After how many seconds people want to be reached over their ways."""
    return {0.0, *(way.after for ways in settings.people.contacts.values() for way in ways)}

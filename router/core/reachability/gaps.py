"""On-call gaps of the coming week, in the schedules that urgent incidents depend on."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from router.core.incident.policy import Policy
from router.core.incident.settings import Settings
from router.core.oncall.schedule import Gap, gaps
from router.core.rules.severities import opened_as
from router.model.incident import Severity

AHEAD = 604_800.0
"""Seconds to look ahead: long enough to find somebody."""

URGENT = (Severity.P0, Severity.P1)


class Uncovered(Struct, frozen=True):
    """Gaps in a schedule that `policy` notifies of incidents of that severity."""

    schedule: str
    severity: Severity
    policy: str
    gaps: tuple[Gap, ...]

    @property
    def why(self) -> str:
        policy = f"policy '{self.policy}' of {self.severity}"
        return f"nobody is on call in schedule '{self.schedule}', which {policy} notifies"


def coming_gaps(settings: Settings, at: float) -> dict[str, tuple[Gap, ...]]:
    """The gaps of each schedule in the week that begins at `at` (UTC epoch seconds)."""
    schedules = settings.people.schedules
    return {name: gaps(schedule, at, at + AHEAD) for name, schedule in schedules.items()}


def uncovered(settings: Settings, coming: Mapping[str, tuple[Gap, ...]]) -> tuple[Uncovered, ...]:
    """The `coming` gaps that affect an urgent incident: each schedule once, worst severity first.

    A schedule with an external calendar that hasn't been read yet is left out.
    """
    found: dict[str, Uncovered] = {}
    for severity, policy in _urgent(settings):
        targets = {target for step in policy.steps for target in step.notify} | {*policy.fallback}
        for target in sorted(targets):
            kind, _, name = target.partition(":")
            if kind == "schedule" and coming[name] and settings.people.schedules[name].known:
                found.setdefault(name, Uncovered(name, severity, policy.name, coming[name]))
    return tuple(found.values())


def _urgent(settings: Settings) -> Iterator[tuple[Severity, Policy]]:
    """The policies of urgent severities, then those of rules that open urgent incidents."""
    for severity in URGENT:
        yield severity, settings.policies[settings.severities[severity].policy]
    for rule in (*settings.rules.rules, settings.rules.default):
        for severity in sorted(opened_as(rule)):
            if rule.policy and severity in URGENT:
                yield severity, settings.policies[rule.policy]

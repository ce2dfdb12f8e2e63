"""Whether somebody is on call in the coming week, by the schedules that the worst incidents depend
on.
"""

from collections.abc import Mapping

from msgspec import Struct

from router.core.incident.settings import Settings
from router.core.oncall.schedule import Gap, gaps
from router.model.incident import Severity

AHEAD = 604_800.0
"""Seconds that are looked ahead: long enough for somebody to be found."""

URGENT = (Severity.P0, Severity.P1)


class Uncovered(Struct, frozen=True):
    """Nobody is on call in `schedule` then, though `policy` tells it of incidents of that severity."""

    schedule: str
    severity: Severity
    policy: str
    gaps: tuple[Gap, ...]

    @property
    def why(self) -> str:
        return f"nobody is on call in schedule '{self.schedule}', which policy '{self.policy}' of {self.severity} tells"


def coming_gaps(settings: Settings, at: float) -> dict[str, tuple[Gap, ...]]:
    """Of each schedule, in the week that begins at `at` (UTC epoch seconds)."""
    return {
        name: gaps(schedule, at, at + AHEAD) for name, schedule in settings.people.schedules.items()
    }


def uncovered(settings: Settings, coming: Mapping[str, tuple[Gap, ...]]) -> tuple[Uncovered, ...]:
    """Those of the `coming` gaps that an urgent incident would meet: each schedule once, the worst
    severity first.

    A schedule with a calendar that hasn't been seen isn't among them, since who is on call isn't
    known.
    """
    found: dict[str, Uncovered] = {}
    for severity in URGENT:
        policy = settings.policy(severity)
        targets = {target for step in policy.steps for target in step.notify} | {*policy.fallback}
        for target in sorted(targets):
            kind, _, name = target.partition(":")
            if kind == "schedule" and coming[name] and settings.people.schedules[name].known:
                found.setdefault(name, Uncovered(name, severity, policy.name, coming[name]))
    return tuple(found.values())

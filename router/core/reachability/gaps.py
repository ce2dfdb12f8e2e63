"""Gaps that urgent incidents fall into: times without a person on call, people without a method."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from msgspec import Struct

from router.core.incident.policy import Policy
from router.core.incident.settings import Settings
from router.core.oncall.recipients import People
from router.core.oncall.rotation import Rotation
from router.core.oncall.schedule import Gap, gaps
from router.core.rules.severities import opened_as
from router.model.incident import Severity

AHEAD = 604_800.0
"""Seconds to look ahead: long enough to find somebody."""

URGENT = (Severity.P0, Severity.P1)


class Uncovered(Struct, frozen=True):
    """Gaps in a schedule that `policy` notifies about incidents of that severity."""

    schedule: str
    severity: Severity
    policy: str
    gaps: tuple[Gap, ...]

    @property
    def why(self) -> str:
        policy = f"policy '{self.policy}' of {self.severity}"
        return f"nobody is on call in schedule '{self.schedule}', which {policy} notifies"


class Unreachable(Struct, frozen=True):
    """A contact to whom `policy` should send incidents of that severity, but can't."""

    contact: str
    target: str
    severity: Severity
    policy: str

    @property
    def why(self) -> str:
        by = "" if self.target == f"contact:{self.contact}" else f" ({self.target})"
        return (
            f"policy '{self.policy}' of {self.severity} notifies '{self.contact}'{by}, "
            f"who has no contact method for {self.severity}"
        )


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
        for target in _targets(policy):
            kind, _, name = target.partition(":")
            if kind == "schedule" and coming[name] and settings.people.schedules[name].known:
                found.setdefault(name, Uncovered(name, severity, policy.name, coming[name]))
    return tuple(found.values())


def unreachable(settings: Settings) -> tuple[Unreachable, ...]:
    """The contacts who cannot be notified of an urgent incident: each once, worst severity first.

    Those whom only an external calendar names are left out.
    """
    found: dict[str, Unreachable] = {}
    for severity, policy in _urgent(settings):
        for target in _targets(policy):
            for contact in _members(settings.people, target):
                methods = settings.people.contacts[contact]
                if not any(severity in method.severities for method in methods):
                    found.setdefault(contact, Unreachable(contact, target, severity, policy.name))
    return tuple(found.values())


def _targets(policy: Policy) -> list[str]:
    return sorted({target for step in policy.steps for target in step.notify} | {*policy.fallback})


def _members(people: People, target: str) -> Iterable[str]:
    """The contacts whom the target may notify at some time."""
    kind, _, name = target.partition(":")
    match kind:
        case "contact":
            return (name,)
        case "role":
            return people.roles[name]
        case "schedule":
            schedule = people.schedules[name]
            turns = (layer.turns for layer in schedule.layers)
            rotations = [turn.contacts for turn in turns if isinstance(turn, Rotation)]
            overrides = [override.contact for override in schedule.overrides if override.contact]
            return dict.fromkeys((*chain.from_iterable(rotations), *overrides))
    return ()


def _urgent(settings: Settings) -> Iterator[tuple[Severity, Policy]]:
    """The policies of urgent severities, then those of rules that open urgent incidents."""
    for severity in URGENT:
        yield severity, settings.policies[settings.severities[severity].policy]
    for rule in (*settings.rules.rules, settings.rules.default):
        for severity in sorted(opened_as(rule)):
            if rule.policy and severity in URGENT:
                yield severity, settings.policies[rule.policy]

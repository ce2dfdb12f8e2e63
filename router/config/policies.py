"""What happens over time, in the config: severities and policies."""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from router.config.company import Wait
from router.config.fields import Duration
from router.core.incident.policy import Policy, Promote, Repeat, SeverityPlan, Step, Unless
from router.core.oncall.business_hours import NextBusinessDay
from router.core.text.template import Condition
from router.model.incident import Severity


class Target(Struct, frozen=True):
    """Whom a step notifies.

    Written `channel:NAME`, `contact:NAME`, `role:NAME` or `schedule:NAME`.
    """

    kind: Literal["channel", "contact", "role", "schedule"]
    name: str

    @property
    def told(self) -> str:
        """As the core is told: a channel by its bare name."""
        return self.name if self.kind == "channel" else f"{self.kind}:{self.name}"


def parse_target(text: str) -> Target:
    """Raises: ValueError."""
    match text.partition(":"):
        case ("channel" | "contact" | "role" | "schedule") as kind, ":", name if name:
            return Target(kind, name)
    raise ValueError(
        f"expected channel:NAME, contact:NAME, role:NAME or schedule:NAME, found '{text}'"
    )


class SeverityDocument(Struct, frozen=True, kw_only=True):
    """How soon somebody responds, the policy that sees to it, and who only wants to know how it
    stands.
    """

    policy: str
    respond_within: Wait | None = None
    update_every: Duration | None = None
    stakeholders: list[Target] = []


class StepDocument(Struct, frozen=True, kw_only=True):
    """Tell these, this long after the start, unless somebody has answered by then, and only `when`
    that holds.
    """

    notify: list[Target]
    after: Wait = Wait(0.0)
    unless: Unless = Unless.RESOLVED
    when: Condition | None = None

    def __post_init__(self) -> None:
        if not self.notify:
            raise ValueError("notify is empty: the step would tell nobody")


class RepeatDocument(Struct, frozen=True, kw_only=True):
    """Once all steps are taken, tell all of them again, so many times."""

    every: Duration
    times: int
    unless: Unless = Unless.ACKNOWLEDGED

    def __post_init__(self) -> None:
        if self.every < SHORTEST or self.times < 1:
            raise ValueError(
                f"expected to repeat at least once, and every {SHORTEST:.0f}s or less often"
            )


SHORTEST = 60.0
"""Seconds between two repeats at least: less gives nobody the time to answer."""


class PromoteDocument(Struct, frozen=True, kw_only=True):
    """Make it a worse severity once it has been open for so long."""

    to: Severity
    after: Duration
    unless: Unless = Unless.RESOLVED


class PolicyDocument(Struct, frozen=True, kw_only=True):
    """Steps over time, what follows them, and whom to tell when one of their channels takes no
    message.
    """

    steps: list[StepDocument]
    fallback: list[Target] = []
    repeat: RepeatDocument | None = None
    promote: PromoteDocument | None = None

    def __post_init__(self) -> None:
        if not self.steps:
            raise ValueError(
                "steps is empty: the policy would tell nobody; a channel of type console tells the log"
            )


def policies(documents: Mapping[str, PolicyDocument]) -> dict[str, Policy]:
    """As the core is told, by name."""
    return {name: _policy(name, document) for name, document in documents.items()}


def severities(documents: Mapping[Severity, SeverityDocument]) -> dict[Severity, SeverityPlan]:
    return {
        severity: SeverityPlan(
            plan.policy, plan.respond_within, plan.update_every, _told(plan.stakeholders)
        )
        for severity, plan in documents.items()
    }


def _policy(name: str, document: PolicyDocument) -> Policy:
    repeat, promote = document.repeat, document.promote
    steps = [
        Step(step.after, _told(step.notify), step.unless, step.when) for step in document.steps
    ]
    return Policy(
        name,
        tuple(sorted(steps, key=_order)),
        _told(document.fallback),
        Repeat(repeat.every, repeat.times, repeat.unless) if repeat else None,
        Promote(promote.to, promote.after, promote.unless) if promote else None,
    )


def _order(step: Step) -> tuple[bool, float]:
    """In order of time: the next business day is after all that is measured in hours."""
    if isinstance(step.after, NextBusinessDay):
        return True, step.after.minute or 0.0
    return False, step.after


def _told(targets: Sequence[Target]) -> tuple[str, ...]:
    return tuple(target.told for target in targets)

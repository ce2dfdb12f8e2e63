"""Policies over time: steps and their targets, repetitions, and promotion."""

from enum import StrEnum
from typing import NewType

from msgspec import Struct

from router.core.oncall.business_hours import Delay
from router.core.text.template import Condition
from router.model.incident import Severity
from router.model.scalars import Duration, Key

Target = NewType("Target", str)
"""A channel by its name, or `contact:NAME`, `role:NAME` or `schedule:NAME`."""


def split_target(target: str) -> tuple[str, str]:
    """The kind of a target (`channel`, `contact`, `role` or `schedule`), and its name."""
    kind, colon, name = target.partition(":")
    return (kind, name) if colon else ("channel", target)


class Unless(StrEnum):
    """The state of an incident that makes a step unnecessary. A closed incident takes no step."""

    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Step(Struct, frozen=True, kw_only=True):
    """Notify targets `after` the policy's start, unless the incident is then as `unless` says.

    `when`: a condition. The step is skipped for incidents for which it's false.
    """

    notify: tuple[Target, ...]
    after: Delay = 0.0
    unless: Unless = Unless.RESOLVED
    when: Condition | None = None


class Repeat(Struct, frozen=True):
    """After the last step, notify the targets of all steps again, `times` times."""

    every: Duration
    times: int
    unless: Unless = Unless.ACKNOWLEDGED


class Promote(Struct, frozen=True):
    """Raise the severity to `to` after the incident has been open at its severity for this long."""

    to: Severity
    after: Duration
    unless: Unless = Unless.RESOLVED


class Policy(Struct, frozen=True):
    """Steps over time, later repeats and promotion, and targets for a failed channel."""

    name: Key
    steps: tuple[Step, ...]
    fallback: tuple[Target, ...] = ()
    repeat: Repeat | None = None
    promote: Promote | None = None


class SeverityPlan(Struct, frozen=True):
    """A severity's policy, response time, and stakeholders.

    `respond_within`: time until somebody acknowledges. `update_every`: seconds between updates to
    stakeholders. `stakeholders`: notified at the opening, at each change of status, and at the end.
    """

    policy: str
    respond_within: Delay | None = None
    update_every: Duration | None = None
    stakeholders: tuple[Target, ...] = ()

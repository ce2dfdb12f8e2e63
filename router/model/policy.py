"""What a severity does over time."""

from enum import StrEnum

from msgspec import Struct


class Unless(StrEnum):
    """What makes a step unnecessary by the time it's due. A closed incident always does."""

    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Step(Struct, frozen=True):
    """Tell the targets `notify`, `after` seconds from the start of the policy, unless somebody has answered by then.

    A target is the name of a channel, or `contact:NAME`, `role:NAME` or `schedule:NAME`.
    """

    after: float
    notify: tuple[str, ...]
    unless: Unless = Unless.RESOLVED


class Policy(Struct, frozen=True):
    """Steps in order of time, and the targets to tell when one of theirs doesn't take messages."""

    name: str
    steps: tuple[Step, ...]
    fallback: tuple[str, ...] = ()


class SeverityPlan(Struct, frozen=True):
    """What the plan promises for a severity: how soon somebody responds (seconds), and the policy that sees to it."""

    policy: str
    respond_within: float | None = None

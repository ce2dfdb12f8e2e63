"""What a severity does over time: whom to tell when, how often again, and when it becomes a worse
one.
"""

from enum import StrEnum

from msgspec import Struct

from router.core.oncall.business_hours import Delay
from router.core.text.template import Condition
from router.model.incident import Severity


class Unless(StrEnum):
    """What makes something unnecessary by the time it's due. A closed incident always does."""

    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Step(Struct, frozen=True):
    """Tell the targets `notify`, `after` the start of the policy, unless somebody has answered by
    then.

    A target is the name of a channel, or `contact:NAME`, `role:NAME` or `schedule:NAME`. Only an
    incident for which `when` holds takes the step.
    """

    after: Delay
    notify: tuple[str, ...]
    unless: Unless = Unless.RESOLVED
    when: Condition | None = None


class Repeat(Struct, frozen=True):
    """Once all steps are taken: tell all their targets again every `every` seconds, so many
    `times`.
    """

    every: float
    times: int
    unless: Unless = Unless.ACKNOWLEDGED


class Promote(Struct, frozen=True):
    """Raise the severity to `to` once the incident has been open for `after` seconds with the
    present one.
    """

    to: Severity
    after: float
    unless: Unless = Unless.RESOLVED


class Policy(Struct, frozen=True):
    """Steps in order of time, what follows them, and the targets to tell when one of theirs takes
    no messages.
    """

    name: str
    steps: tuple[Step, ...]
    fallback: tuple[str, ...] = ()
    repeat: Repeat | None = None
    promote: Promote | None = None

    @property
    def wants_answer(self) -> bool:
        """Does it wait for somebody to acknowledge? A ticket's policy, say, doesn't."""
        return self.repeat is not None or any(
            step.unless is Unless.ACKNOWLEDGED for step in self.steps
        )


class SeverityPlan(Struct, frozen=True):
    """What the plan promises for a severity, and the policy that sees to it.

    `respond_within`: how soon somebody acknowledges. `update_every`: how often those who wait want
    to hear from whoever is on it, in seconds. `stakeholders`: targets that are told at the opening,
    each change of status, and the end.
    """

    policy: str
    respond_within: Delay | None = None
    update_every: float | None = None
    stakeholders: tuple[str, ...] = ()

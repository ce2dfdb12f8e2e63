"""A drill: its plan, what is expected of people, and its progress."""

from enum import StrEnum

from msgspec import Struct

LONGEST = 86_400.0
"""Maximum seconds of a drill."""

MAX_NAME = 40
"""Maximum characters of a scenario's name, which is part of the drill's id."""


class Kind(StrEnum):
    """The kind of a step: an action of the router, or an expectation."""

    ALERT = "alert"
    """An alert fires, and goes through the rules and channels like a real one."""
    DELIVERED = "delivered"
    """Every queued message arrives."""
    ACKNOWLEDGED = "acknowledged"
    PRACTISED = "practised"
    """An action is requested and approved; in a drill it ends at the dry run."""
    COMMUNICATED = "communicated"
    """People review the texts, and confirm them."""
    REVIEWED = "reviewed"
    """People go through a checklist, and confirm each item."""
    RESOLVED = "resolved"


TICKED = (Kind.COMMUNICATED, Kind.REVIEWED)
"""Steps that only a person can mark as done."""


class PosedAlert(Struct, frozen=True, forbid_unknown_fields=True):
    """An alert as `source` would report it. With `to`, only these addresses are notified."""

    labels: dict[str, str]
    annotations: dict[str, str] = {}
    source: str = "alertmanager"
    to: tuple[str, ...] = ()


class DrillStep(Struct, frozen=True, forbid_unknown_fields=True):
    """A step of a drill: an alert `at` seconds after the start, or an expectation from then on.

    `within` is in seconds. One of the targets `by` must acknowledge; anybody may if it is empty.
    `action` is the action to practise. `items` are the checklist, or the addresses at which a
    message must arrive; empty there for all notified addresses.
    """

    kind: Kind
    name: str
    at: float = 0.0
    within: float = LONGEST
    alert: PosedAlert | None = None
    by: tuple[str, ...] = ()
    action: str = ""
    items: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.kind is Kind.ALERT) != (self.alert is not None):
            raise ValueError("`alert` belongs to steps of the kind 'alert', and only to those")


class DrillPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """A scenario. Its drill ends once everything is done, or after `time_out` seconds.

    `proof`: it only tests addresses, and involves no people.
    """

    name: str
    steps: tuple[DrillStep, ...]
    time_out: float
    description: str = ""
    proof: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.time_out <= LONGEST:
            raise ValueError(f"time_out: expected more than 0s, and at most {LONGEST / 3600:.0f}h")
        if (
            not self.name
            or len(self.name) > MAX_NAME
            or not all(char.isalnum() or char in "-_" for char in self.name)
        ):
            raise ValueError(
                f"the name of a drill has at most {MAX_NAME} letters, digits, '-' and '_'"
            )
        if not any(step.kind is Kind.ALERT for step in self.steps):
            raise ValueError("a drill needs at least one step with an alert")


class Tick(Struct, frozen=True):
    """A person has done an item of a step. Both numbers count from 0."""

    step: int
    item: int
    by: str
    at: float


class Ending(StrEnum):
    COMPLETED = "completed"
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"


class Drill(Struct, frozen=True):
    """One drill, from its start (UTC epoch seconds). The plan is a copy made at the start.

    `fired` are the numbers of the steps whose alert was submitted, `keys` the keys of the resulting
    incidents. `over`: all of them are closed.
    """

    id: str
    plan: DrillPlan
    by: str
    started_at: float
    fired: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()
    ticks: tuple[Tick, ...] = ()
    ended_at: float | None = None
    ending: Ending | None = None
    ended_by: str = ""
    over: bool = False

    @property
    def is_running(self) -> bool:
        return self.ended_at is None

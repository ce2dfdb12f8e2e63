"""A drill: what is played, what is expected of people, and how far it is."""

from enum import StrEnum

from msgspec import Struct

LONGEST = 86_400.0
"""Seconds that a drill may last: one that goes on for longer is forgotten, not run."""

MAX_NAME = 40
"""Characters of a scenario's name, of which the drill's id is made."""


class Kind(StrEnum):
    """What a step of a drill is: something that the router does, or something that's expected."""

    ALERT = "alert"
    """An alert fires, and goes through the rules and channels like a real one."""
    DELIVERED = "delivered"
    """Everybody who is owed a message gets it."""
    ACKNOWLEDGED = "acknowledged"
    PRACTISED = "practised"
    """An action is asked for and approved, which in a drill ends at its dry run."""
    COMMUNICATED = "communicated"
    """People look at what would be said, and tick it off."""
    REVIEWED = "reviewed"
    """People go through a list, and tick it off."""
    RESOLVED = "resolved"


TICKED = (Kind.COMMUNICATED, Kind.REVIEWED)
"""What nobody but a person can say is done."""


class PosedAlert(Struct, frozen=True, forbid_unknown_fields=True):
    """An alert as `source` would report it; with `to`, one that only those addresses are told of."""

    labels: dict[str, str]
    annotations: dict[str, str] = {}
    source: str = "alertmanager"
    to: tuple[str, ...] = ()


class DrillStep(Struct, frozen=True, forbid_unknown_fields=True):
    """An alert fires `at` seconds after the start, or something is expected from then on, `within`
    so many seconds.

    `by` are the targets of whom one must acknowledge; anybody may if it's empty. `action` is what
    is practised. `items` are what is ticked off, or the addresses that a message must arrive at;
    empty there for all who were told.
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
            raise ValueError("an alert goes with the kind 'alert', and only with that")


class DrillPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """A scenario. A drill of it ends by itself once all is met, or after `time_out` seconds.

    `proof`: it only proves that addresses work, and is no drill of people.
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
                f"the name of a drill is made of at most {MAX_NAME} letters, digits, '-' and '_'"
            )
        if not any(step.kind is Kind.ALERT for step in self.steps):
            raise ValueError("a drill needs at least one step with an alert")


class Tick(Struct, frozen=True):
    """A person has done the item of that number, of the step of that number. Both count from 0."""

    step: int
    item: int
    by: str
    at: float


class Ending(StrEnum):
    COMPLETED = "completed"
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"


class Drill(Struct, frozen=True):
    """One drill, from its start (UTC seconds) on. The plan is as it was then.

    `fired` are the numbers of the steps whose alert the rules have had, `keys` those of the
    incidents they came to. `over`: nothing of it is left open.
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

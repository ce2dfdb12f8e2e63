"""An alert, and its match with a rule."""

from enum import StrEnum

from msgspec import Struct

from router.model.incident import Severity
from router.model.reason import Reason


class AlertStatus(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"


DRILL = "drill"
"""The source of alerts that aren't real."""

MARK = "[DRILL] "
"""The prefix of the titles of their incidents."""


class Alert(Struct, frozen=True, gc=False):
    """One firing or resolved condition, as a receiver decoded it.

    fingerprint: identifies the condition over all its repetitions.
    starts_at: 0 if the source gives no time; then it is when the alert first arrived.
    event_id: identifies one occurrence at a source that reports events (Sentry), so that a repeated
        request has no second effect; "" at a source that repeats states.
    by: the person who reported it, with the `severity` that they gave; "" and None for a machine.
    drill: for the source DRILL, the name of the drill; `stands_for` is then the source that rules
        compare instead.
    to: for a canary, the only addresses to notify, whatever rules and policies say.
    is_state: the alert reports a state, so equal content after another state is no repetition.
    group_as: replaces the label `alertname` in the keys of incidents, for a name that varies.
    """

    source: str
    fingerprint: str
    status: AlertStatus
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: float
    ends_at: float | None = None
    url: str = ""
    event_id: str = ""
    by: str = ""
    severity: Severity | None = None
    drill: str = ""
    stands_for: str = ""
    to: tuple[str, ...] = ()
    is_state: bool = False
    group_as: str = ""

    @property
    def is_drill(self) -> bool:
        return self.source == DRILL


class RuleMatch(Struct, frozen=True, gc=False):
    """The match of one rule with one alert: the memory that tells a repeat from news.

    `digest` is of the alert's content and of the rules in force, so a repeat is recognised without
    reading the alert; "" if the next report is to be looked at in any case. `incident_id` is the
    incident the alert joined, which counts it as long as it fires; `severity` the tier that held
    when last seen, None under every threshold. `starts_at` is when the present firing began,
    `ended_at` when the last one ended as its source reported it. `value` is the last measured value
    in base units. `longest_gap` is the longest time between two reports of a firing, in seconds.
    """

    fingerprint: str
    rule: str
    digest: str
    status: AlertStatus
    reason: Reason
    starts_at: float
    last_seen: float
    incident_id: int | None = None
    severity: Severity | None = None
    value: float | None = None
    ended_at: float | None = None
    longest_gap: float = 0.0

    @property
    def counted(self) -> bool:
        """It is one of the firing alerts of its incident."""
        return self.incident_id is not None and self.status is AlertStatus.FIRING

"""An alert, and its match with a rule."""

from enum import StrEnum

from msgspec import Struct

from router.model.incident import Severity
from router.model.reason import Reason


class AlertStatus(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"


class Lifetime(StrEnum):
    """How a firing alert ends if nobody reports its end."""

    OPEN = ""
    """It never ends by itself."""
    TIMEOUT = "timeout"
    """At `ends_at`, a while after its last report."""
    END = "end"
    """At `ends_at`, which its source gave. A report with an earlier end is ignored."""


DRILL = "drill"
"""The source of drill alerts, which aren't real."""

MARK = "[DRILL] "
"""The prefix of the titles of drill incidents."""


class Alert(Struct, frozen=True, gc=False, omit_defaults=True):
    """One firing or resolved condition, as a receiver decoded it.

    fingerprint: identifies the condition across all its reports.
    starts_at: 0 if the source gives no time; it's then set to when the alert first arrived.
    event_id: identifies one occurrence at a source that reports events (Sentry), so that a repeated
        request has no second effect; "" at a source that repeats states.
    by: the person who reported it, with the `severity` that they gave; "" and None for a machine.
    drill: for the source DRILL, the name of the drill; rules then compare `stands_for` as the
        source.
    to: for a canary, the only addresses to notify, regardless of rules and policies.
    is_state: the alert reports a state, so the same content after another state is a new report.
    group_as: replaces the label `alertname` in the keys of incidents, for a name that varies.
    lifetime: says whether a firing alert ends at `ends_at` without another report.
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
    lifetime: Lifetime = Lifetime.OPEN

    @property
    def is_drill(self) -> bool:
        return self.source == DRILL


class RuleMatch(Struct, frozen=True, gc=False):
    """The match of one rule with one alert, which tells a repeat from a change.

    `digest` is a hash of the alert's content and the active rules, so that a repeat is recognized
    without reading the alert; "" if the next report must be evaluated. `incident_id` is the
    incident that the alert joined and is counted in while it fires. `severity` is the latest tier,
    None under all thresholds. `starts_at` is when the current firing began; `ended_at` is when the
    last firing ended according to its source, or when a firing alert with a lifetime ends. `value`
    is the last measured value in base units. `longest_gap` is the longest time between two reports
    of a firing, in seconds.
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
        """Return whether it's one of its incident's firing alerts."""
        return self.incident_id is not None and self.status is AlertStatus.FIRING

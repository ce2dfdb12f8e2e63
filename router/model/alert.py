"""An alert, and what a rule made of it."""

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
"""What the titles of their incidents begin with."""


class Alert(Struct, frozen=True, gc=False):
    """One firing or resolved condition, as a receiver decoded it.

    `fingerprint` identifies the condition over all its repeats. `event_id` identifies one
    occurrence at a source that reports events (Sentry), so that a replayed request has no second
    effect; "" at a source that repeats states. `is_state`: the alert reports a state, so the same
    content is no replay after another state came in between. `starts_at` is 0 if the source gives
    no time: then it is when the alert first arrived. `by` is the person who reported it, and
    `severity` what they say it is; "" and None where a machine did.

    Of the source DRILL: `drill` is the drill that it's of, and `stands_for` the source that the
    rules take it for. With `to` it's a canary: these addresses are told of it, whatever rules and
    policies say, and nobody else.
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

    @property
    def is_drill(self) -> bool:
        return self.source == DRILL


class RuleMatch(Struct, frozen=True, gc=False):
    """What one rule made of one alert: the memory that tells a repeat from news.

    `digest` is of the alert's content and of the rules in force, so a repeat is recognised without
    reading the alert. `incident_id` is the incident the alert joined, which counts it as long as it
    fires; `severity` the tier that held when last seen, None under every threshold.
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

    @property
    def counted(self) -> bool:
        """Does it hold its incident open?"""
        return self.incident_id is not None and self.status is AlertStatus.FIRING

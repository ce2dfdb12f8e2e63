"""An incident: what people respond to."""

from enum import StrEnum

from msgspec import Struct

from router.model.action import ActionRequest
from router.model.deployment import Deployment
from router.model.postmortem import Item
from router.model.reason import Reason


class Severity(StrEnum):
    """P0 is the worst, and the first in order."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"

    def worse_than(self, other: "Severity") -> bool:
        return self < other


class Status(StrEnum):
    """The plan's words."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    FALSE_POSITIVE = "false_positive"
    MERGED = "merged"


OPEN = (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING)


class Measured(Struct, frozen=True, gc=False):
    """A measured value: in base units, as it was written, the threshold compared with, and when
    (UTC seconds).
    """

    value: float
    read: str
    threshold: str
    at: float


class Incident(Struct, frozen=True, gc=False):
    """The present state of one incident; its past is the timeline. `version` counts the writes of
    it.

    `title` is of the alert that set the severity; `first_title` the one it opened with, "" if
    that's the same. `key` is the rule's name and the grouping labels, like
    `payment-failures{service="api"}`; at most one incident of a key is open at a time. `firing`
    counts the alerts that hold it open, `alerts` all that ever joined it. `quiet_since` is when the
    last of them cleared. `told` are the channels, and people over channels (`sms/ana`), that have
    been owed a message, who are therefore owed the end of the story. `policy_since` is when the
    policy in force started (at the opening, a reopening or a rise in severity) and `step` the index
    of its step that comes next; `repeats` is how often all of them have been taken again since.
    `reaching` are the further ways to reach people: when (UTC seconds) which address is told,
    unless somebody has acknowledged by then. `actions` are the latest requests to run an action.
    `onset` is when its first alert began to fire, and `suspect` the deployment before it that may
    be the cause. `severity_since` is when the severity's clock started in this life of the
    incident, and `spent` the seconds that it
    has run in earlier ones: a brief resolve doesn't set it back.
    `news_at` is when a person last said something about it. `public_title` is what the public knows
    it as, since `published_at`; "" while they know nothing of it. `public_text` and
    `public_status` are those of the latest update. `announced_at` is when its end
    was announced to customers. A `drill` isn't real, and never public; a `canary` is one by which
    only its own addresses are told, and no policy. `muted` says what holds back its pages, if
    anything does: the reason (silenced, inhibited), and the name of the silence or the incident.
    `postmortem_due` is when its post-mortem is to be there, None while none is called for;
    `postmortem_shared_at` when it was shared last. `items` are the action items that come of it.
    `measured` is the worst value that an alert of it had in this life. `snoozed_until` is when a
    snooze ends that a person set. `stale_since` is when the last report of an alert came, once all
    of its alerts are stale. `merged_into` is the incident that took over its alerts, 0 if none did;
    `related` are the ids of linked incidents. `escalated_at` and `escalated_by` are about the last
    time that a person escalated it. `dated` is when the newest that's known was done at another
    service (UTC seconds), by what it's about, as in `Commanded.dated`.
    """

    id: int
    key: str
    rule: str
    source: str
    title: str
    severity: Severity
    status: Status
    opened_at: float
    updated_at: float
    version: int = 0
    first_title: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    url: str = ""
    runbook: str = ""
    component: str = ""
    firing: int = 0
    alerts: int = 0
    quiet_since: float | None = None
    acknowledged_at: float | None = None
    acknowledged_by: str = ""
    lead: str = ""
    closed_at: float | None = None
    closed_by: str = ""
    reopened: int = 0
    policy_since: float = 0.0
    step: int = 0
    told: tuple[str, ...] = ()
    repeats: int = 0
    reaching: tuple[tuple[float, str], ...] = ()
    actions: tuple[ActionRequest, ...] = ()
    severity_since: float = 0.0
    spent: float = 0.0
    news_at: float = 0.0
    public_title: str = ""
    published_at: float | None = None
    announced_at: float | None = None
    drill: bool = False
    canary: bool = False
    onset: float = 0.0
    suspect: Deployment | None = None
    muted: tuple[Reason, str] | None = None
    postmortem_due: float | None = None
    postmortem_shared_at: float | None = None
    items: tuple[Item, ...] = ()
    dated: dict[str, float] = {}
    measured: Measured | None = None
    snoozed_until: float | None = None
    stale_since: float | None = None
    merged_into: int = 0
    related: tuple[int, ...] = ()
    escalated_at: float | None = None
    escalated_by: str = ""
    public_text: str = ""
    public_status: Status | None = None

    @property
    def name(self) -> str:
        """The short id that people say and type, like `INC-142`."""
        return f"INC-{self.id}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

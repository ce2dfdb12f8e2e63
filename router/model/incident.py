"""An incident, which people respond to."""

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
    """The status, in the plan's words."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    FALSE_POSITIVE = "false_positive"
    MERGED = "merged"


OPEN = (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING)


class Measured(Struct, frozen=True, gc=False):
    """A measured value in base units, as written, with its threshold and time (UTC seconds)."""

    value: float
    read: str
    threshold: str
    at: float


class Incident(Struct, frozen=True, gc=False):
    """The present state of one incident; its past is the timeline.

    key: the rule's name and the grouping labels, like `payment-failures{service="api"}`. At most
    one
        incident of a key is open at a time.
    title: by the alert that set the severity; `first_title` the one at the opening, "" if the same.
    version: counts the writes.
    firing, alerts: the alerts that keep it open, and all that ever joined it.
    quiet_since: when the last of them was resolved.
    reopened: counts the lives of the incident, from 0.
    policy_since: when the present policy started; `step` is the index of its next step, and
    `repeats`
        how often all steps ran again.
    told: the addresses (`slack`, `sms/ana`) that were notified, which are also notified of the end.
    reaching: the next contact methods: when (UTC seconds) which address is notified, unless
    somebody
        acknowledges before.
    actions: the latest requests to run an action.
    severity_since: when the severity's clock started in this life, and `spent` the seconds that it
    ran
        in earlier lives, so that a short resolve doesn't reset it.
    news_at: when a person last gave an update.
    public_title: its title on the status page, since `published_at`; "" while it isn't public.
        `public_text` and `public_status` are those of the latest update.
    announced_at: when customers were mailed about its end.
    drill: not real, and never public.
    canary: notifies its own addresses only, by no policy.
    onset: when its first alert started to fire; `suspect` is a deployment before it that may be the
        cause.
    muted: the reason that holds back its pages (silenced, inhibited, snoozed), and the name of the
        silence, the incident or the person.
    postmortem_due: when its post-mortem is due, None without one; `postmortem_shared_at` is when it
    was
        last shared, and `items` are its action items.
    measured: the worst value that an alert had in this life.
    snoozed_until: the end of a snooze.
    stale_since: the time of the last report, once all its alerts are stale.
    merged_into: the incident that took over its alerts, 0 for none; `related` are linked incidents.
    escalated_at, escalated_by: the last escalation by a person.
    dated: the time of the newest known change at another service, by its subject
    (`Commanded.dated`).
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

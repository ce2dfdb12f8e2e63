"""An incident: a problem that people respond to."""

from enum import StrEnum

from msgspec import Struct, field

from router.model.action import ActionRequest
from router.model.deployment import Deployment
from router.model.postmortem import Item
from router.model.reason import Reason


class Severity(StrEnum):
    """Severities, the worst first. P0 is the worst."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"

    def worse_than(self, other: "Severity") -> bool:
        return self < other


class Status(StrEnum):
    """The states of an incident, in the plan's words; `merged` is part of another incident."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    FALSE_POSITIVE = "false_positive"
    MERGED = "merged"


OPEN = (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING)


LEAD = "lead"
ROLES = (LEAD, "communications", "operations", "scribe")
"""The usual roles of responders. Other roles are possible, too."""


class Measured(Struct, frozen=True, gc=False):
    """A measured value in base units, as written, with its threshold and time (UTC seconds)."""

    value: float
    read: str
    threshold: str
    at: float


class Incident(Struct, frozen=True, gc=False, omit_defaults=True):
    """The current state of one incident; its past is the timeline. Times are UTC seconds.

    version: counts its writes.
    title: of the alert that set the severity. first_title: the title at the opening, "" if the
    same.
    key: the rule's name and the grouping labels, like `payment-failures{service="api"}`. At most
        one incident with a key is open at a time.
    firing: the number of its firing alerts, even after a person closed it. alerts: the number of
        all alerts that ever joined it.
    quiet_since: when the last firing alert resolved.
    notified: channels, and people over channels (`sms/ana`), that were notified. They are also
        notified of the end.
    policy_since: when the policy started: at the opening, a reopening or a severity change.
    step: the index of the policy's next step. repeats: how often all steps have been repeated.
    reaching: the addresses to notify, and when, unless somebody acknowledges earlier.
    actions: the latest requests to run an action. items: the action items of the post-mortem.
    onset: when its first alert began to fire. suspect: the deployment that may be the cause.
    severity_since: when the severity was set, or the incident reopened. spent: earlier seconds at
        this severity, which a brief resolve doesn't reset.
    news_at: the last update from a person.
    public_title, published_at, public_text, public_status: the public updates; "" before the first.
    announced_at: when customers were mailed that it's over.
    drill: it isn't real, and never public. canary: no policy applies, and only its own addresses
        are notified.
    muted: the reason why its pages are delayed, and the name of the silence, incident or person.
    postmortem_due: the deadline of its post-mortem, if it needs one. postmortem_shared_at: when it
        was last shared.
    changes: the latest times at which its alerts cleared or fired again. flapping_since: when these
        became too frequent; None if it doesn't flap.
    dated: the newest change at another service, by subject, as in `Commanded.dated`.
    measured: the worst value of its alerts since the last reopening.
    snoozed_until: the end of a snooze. stale_since: the last report, once all its alerts are stale.
    merged_into: the incident that took over its alerts, or 0. related: linked incidents.
    escalated_at, escalated_by: the last escalation by a person.
    roles: the people with other roles than lead, by role.
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
    notified: tuple[str, ...] = field(name="told", default=())  # the name in a store
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
    changes: tuple[float, ...] = ()
    flapping_since: float | None = None
    roles: dict[str, str] = {}

    @property
    def name(self) -> str:
        """The short id that people say and type, like `INC-142`."""
        return f"INC-{self.id}"

    @property
    def assigned(self) -> dict[str, str]:
        """The people with a role, the lead first."""
        return ({LEAD: self.lead} if self.lead else {}) | self.roles

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

"""Events: the core's inputs, each with its time.

They're tagged, so that the history can store them.
"""

from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from router.model.action import Ran
from router.model.alert import Alert
from router.model.deployment import Deployment
from router.model.incident import Severity, Status
from router.model.notification import Attempt, Notification
from router.model.reason import Reason
from router.model.record import Record


class AlertSeen(Struct, frozen=True, gc=False, tag="alert"):
    """A source reported an alert: for the first time, again, or as resolved."""

    at: float
    alert: Alert


class Command(StrEnum):
    ACKNOWLEDGE = "ack"
    UNACKNOWLEDGE = "unack"
    SNOOZE = "snooze"
    ESCALATE = "escalate"
    RESOLVE = "resolve"
    FALSE_POSITIVE = "false_positive"
    REOPEN = "reopen"
    MERGE = "merge"
    LINK = "link"
    NOTE = "note"
    SEVERITY = "severity"
    ASSIGN = "assign"
    STATUS = "status"
    PUBLISH = "publish"
    ANNOUNCE = "announce"


class Commanded(Struct, frozen=True, tag="command"):
    """A person's command on an incident.

    text: the note, the new lead, or the public text.
    title: the public title, or the subject of the mail to customers.
    severity, status: the new ones.
    receipt: identifies the request, so that repeating it has no second effect; "" if it's never
        repeated.
    reopened: the count of reopenings (`Incident.reopened`) to which the command applies; None: the
        current count.
    via: the channel in whose thread a note was written, which doesn't get it again.
    dated: for a change at another service, the subject and the time (UTC seconds): a webhook that
        was delivered late must not undo a newer change.
    until: the end of a snooze (UTC seconds).
    other: the incident to merge into, or to link with.
    role: the role that a person is assigned; "" means the lead.
    """

    at: float
    incident_id: int
    by: str
    command: Command
    text: str = ""
    severity: Severity | None = None
    receipt: str = ""
    reopened: int | None = None
    status: Status | None = None
    title: str = ""
    via: str = ""
    dated: tuple[str, float] | None = None
    until: float | None = None
    other: int = 0
    role: str = ""


class TimerDue(Struct, frozen=True, tag="timer"):
    """A deadline is due. `due_at` shows if the timer was set again since it was claimed."""

    at: float
    incident_id: int
    name: str
    due_at: float


class DeliverySettled(Struct, frozen=True, tag="settled"):
    """The result of an attempt at a message: `notification` is the row as it was leased.

    seen_entry: the id of the newest timeline entry in the message.
    jitter: in [0, 1), randomizes the time of the next attempt.
    held: the seconds for which a rate limit delayed it.
    bundle: the ids of all incidents in the message, the main one first; () for a single incident.
    taken_at: when it was claimed.
    """

    at: float
    notification: Notification
    attempts: tuple[Attempt, ...]
    seen_entry: int = field(name="told", default=0)  # the name in a stored history
    jitter: float = 0.0
    held: float = 0.0
    bundle: tuple[int, ...] = ()
    taken_at: float = 0.0


class Undelivered(Struct, frozen=True, tag="undelivered"):
    """A service reports that a message it had accepted didn't arrive, and why.

    `channel` is the address of the message; `receipt` is as in `Commanded`.
    """

    at: float
    incident_id: int
    channel: str
    error: str
    receipt: str


class Resent(Struct, frozen=True, tag="resent"):
    """A person asked to send a message again, even if it was given up."""

    at: float
    incident_id: int
    channel: str
    by: str


class Recorded(Struct, frozen=True, tag="recorded"):
    """Something to record on an incident's timeline without a decision: `what`, with `data`.

    `records` are documents to write in the same transaction. If one was changed since it was read,
    the whole event fails with `ports.StaleRecord`. `receipt` is as in `Commanded`.
    """

    at: float
    incident_id: int
    what: Reason
    by: str = ""
    data: dict[str, Any] = {}
    records: tuple[Record, ...] = ()
    receipt: str = ""


class ActionRequested(Struct, frozen=True, tag="action_requested"):
    """A person requests an action, or asks to undo the request `undoes`.

    `parameters` have been checked against the action; `key` and `digest` are as in `ActionRequest`.
    """

    at: float
    incident_id: int
    by: str
    key: str
    action: str
    digest: str
    parameters: dict[str, str] = {}
    undoes: int = 0


class Deployed(Struct, frozen=True, tag="deployed"):
    """A deployment was reported while the incident is open."""

    at: float
    incident_id: int
    deployment: Deployment


class PostMortemShared(Struct, frozen=True, tag="postmortem_shared"):
    """A person shared the post-mortem, with its summary; or `waived` it, with a reason."""

    at: float
    incident_id: int
    by: str
    summary: str = ""
    waived: str = ""


class ItemPut(Struct, frozen=True, tag="item"):
    """A person adds an action item (`number` is 0, `due_at` is set), or changes an item's fields.

    Fields that aren't given keep their value. `key` is as in `Item`.
    """

    at: float
    incident_id: int
    by: str
    number: int = 0
    text: str | None = None
    owner: str | None = None
    due_at: float | None = None
    done: bool | None = None
    key: str = ""


class ActionDecision(StrEnum):
    APPROVE = "approve"
    DECLINE = "decline"
    CONFIRM = "confirm"


class ActionAnswered(Struct, frozen=True, tag="action_answered"):
    """A person approves or declines a request, or confirms a guide's next step with `text`."""

    at: float
    incident_id: int
    by: str
    number: int
    answer: ActionDecision
    text: str = ""


class ActionRan(Struct, frozen=True, tag="action_ran"):
    """The dry run or the run of a request has ended."""

    at: float
    incident_id: int
    number: int
    ran: Ran


class SilencesChanged(Struct, frozen=True, tag="silences"):
    """Silences or inhibitions changed, so muted alerts must be checked again."""

    at: float


ActionEvent = ActionRequested | ActionAnswered | ActionRan
AroundEvent = Recorded | Deployed | SilencesChanged
FollowUp = PostMortemShared | ItemPut
MessageEvent = DeliverySettled | Undelivered | Resent
Event = AlertSeen | Commanded | TimerDue | MessageEvent | ActionEvent | AroundEvent | FollowUp

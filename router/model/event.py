"""Events: all input of the core, each with its time.

They are tagged, so that the store can keep a history of them.
"""

from enum import StrEnum
from typing import Any

from msgspec import Struct

from router.model.action import Ran
from router.model.alert import Alert
from router.model.deployment import Deployment
from router.model.incident import Severity, Status
from router.model.notification import Attempt, Notification
from router.model.reason import Reason
from router.model.record import Record


class AlertSeen(Struct, frozen=True, gc=False, tag="alert"):
    """A source reported an alert: firing, again, or resolved."""

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

    text: the note, the new lead, or the text to publish.
    severity, status: the new ones.
    receipt: the same for a repeated request, which then has no second effect; "" if none repeats.
    reopened: the life of the incident that is meant, as `Incident.reopened` counts them; None for
        the present one.
    title: the public title, or the subject of the mail to customers.
    via: the channel in whose thread a note was written, which isn't notified of it again.
    dated: for a change at another service, its subject and its time (UTC seconds). Services repeat
        late reports, which must not undo newer changes.
    until: the end of a snooze (UTC seconds).
    other: the id of the incident to merge into, or to link with.
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


class TimerDue(Struct, frozen=True, tag="timer"):
    """A deadline has passed. `due_at` tells the claimed timer from one that was set since."""

    at: float
    incident_id: int
    name: str
    due_at: float


class DeliverySettled(Struct, frozen=True, tag="settled"):
    """An attempt to deliver a message is over. `notification` is its row as it was leased.

    told: the id of the newest timeline entry in the message.
    jitter: in [0, 1), spreads the next attempt.
    held: the seconds for which a limit delayed it.
    bundle: the ids of all incidents in the message, its own first; () for one alone.
    taken_at: the time of the lease.
    """

    at: float
    notification: Notification
    attempts: tuple[Attempt, ...]
    told: int = 0
    jitter: float = 0.0
    held: float = 0.0
    bundle: tuple[int, ...] = ()
    taken_at: float = 0.0


class Undelivered(Struct, frozen=True, tag="undelivered"):
    """A service that accepted a message reports that it did not arrive.

    `channel` is the address of the message; `receipt` as in `Commanded`.
    """

    at: float
    incident_id: int
    channel: str
    error: str
    receipt: str


class Resent(Struct, frozen=True, tag="resent"):
    """A person had a message sent again, given up or not."""

    at: float
    incident_id: int
    channel: str
    by: str


class Recorded(Struct, frozen=True, tag="recorded"):
    """A change that the core has no part in: `what` goes on the timeline, with `data`.

    `records` are the documents with its state, written in the same transaction. If another writer
    changed one since it was read, the whole event fails with `StaleRecord`. `receipt` as in
    `Commanded`.
    """

    at: float
    incident_id: int
    what: Reason
    by: str = ""
    data: dict[str, Any] = {}
    records: tuple[Record, ...] = ()
    receipt: str = ""


class ActionRequested(Struct, frozen=True, tag="action_requested"):
    """A person requested an action, or with `undoes` the undoing of that request.

    `parameters` are checked; `key` and `digest` are those of `ActionRequest`.
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
    """A person shared the post-mortem, with its summary."""

    at: float
    incident_id: int
    by: str
    summary: str = ""


class ItemPut(Struct, frozen=True, tag="item"):
    """A person added an action item (`number` 0, with `due_at`), or changed the given fields of
    one.

    `key` is that of `Item`.
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
    """A person approved or declined a request, or typed the words (`text`) of a guide's next
    step.
    """

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
    """Silences or inhibitions changed: muted alerts and incidents are checked again."""

    at: float


ActionEvent = ActionRequested | ActionAnswered | ActionRan
AroundEvent = Recorded | Deployed | SilencesChanged
FollowUp = PostMortemShared | ItemPut
MessageEvent = DeliverySettled | Undelivered | Resent
Event = AlertSeen | Commanded | TimerDue | MessageEvent | ActionEvent | AroundEvent | FollowUp

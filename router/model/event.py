"""What can happen. Everything the core decides on comes through one of these, and the time is in
it.

They're tagged, so that the store can keep a history of them.
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
    """A source reported an alert: for the first time, again, or as over."""

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
    """A person did something to an incident.

    `text` is the note, who is to lead, or the words for the public; `title` the public title, or
    the subject of the mail that announces it; `severity` and `status` those set.

    `receipt` is the same when the same request comes again, which then has no second effect; ""
    where none can. `reopened` says which life of the incident is meant, as `Incident.reopened`
    counts them; None for the present one. `via` is the channel in whose message's thread a note was
    written, which isn't told of it there again. `dated` is for what was done at another service:
    what it's about, and when that was (UTC seconds). Services repeat late what they couldn't tell
    in time, and it must not undo what was done there since. `until` is when a snooze ends (UTC
    seconds). `other` is the id of the incident to merge into, or to link with.
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
    """A deadline has come. `due_at` tells the timer that was claimed from one set since."""

    at: float
    incident_id: int
    name: str
    due_at: float


class DeliverySettled(Struct, frozen=True, tag="settled"):
    """A sender is done with a notification for now: `notification` is the row as it was leased.

    `told` is the id of the newest timeline entry in the message; `jitter`, in [0, 1), spreads the
    next try. `held` are the seconds for which a limit let it wait. `bundle` are the ids of all
    incidents that the message was about, the first of them most of all; () where it was about this
    one alone. `taken_at` is when it was claimed.
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
    """A service that had taken a message says that it didn't arrive, and why.

    `channel` is the address that the message was owed to; `receipt` is as that of `Commanded`.
    """

    at: float
    incident_id: int
    channel: str
    error: str
    receipt: str


class Resent(Struct, frozen=True, tag="resent"):
    """A person wants a message sent again, dead-lettered or not."""

    at: float
    incident_id: int
    channel: str
    by: str


class Recorded(Struct, frozen=True, tag="recorded"):
    """Something happened around an incident that the core has no say in: `what` goes on its
    timeline, with `data`.

    `records` are the documents that hold the state of it, written in the same transaction; one that
    somebody else wrote since it was read makes the whole event fail with `ports.Stale`. `receipt`
    is as that of `Commanded`.
    """

    at: float
    incident_id: int
    what: Reason
    by: str = ""
    data: dict[str, Any] = {}
    records: tuple[Record, ...] = ()
    receipt: str = ""


class ActionRequested(Struct, frozen=True, tag="action_requested"):
    """A person wants the action run against the incident, or with `undoes` that request taken back.

    `parameters` have been checked against the action; `key` and `digest` are those of
    `ActionRequest`.
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
    """Somebody tells of a deployment while the incident is open."""

    at: float
    incident_id: int
    deployment: Deployment


class PostMortemShared(Struct, frozen=True, tag="postmortem_shared"):
    """A person shares the incident's post-mortem, whose summary is given, with the channels that
    are for it.
    """

    at: float
    incident_id: int
    by: str
    summary: str = ""


class ItemPut(Struct, frozen=True, tag="item"):
    """A person adds an action item (`number` 0: with a `due_at`), or changes of the one of that
    number what is given.

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
    """A person approves or declines the request, or types the words (`text`) of a guide's next
    step.
    """

    at: float
    incident_id: int
    by: str
    number: int
    answer: ActionDecision
    text: str = ""


class ActionRan(Struct, frozen=True, tag="action_ran"):
    """The request's dry run, or its run, has ended."""

    at: float
    incident_id: int
    number: int
    ran: Ran


class SilencesChanged(Struct, frozen=True, tag="silences"):
    """Silences or inhibitions aren't what they were: what they keep quiet is looked at again."""

    at: float


ActionEvent = ActionRequested | ActionAnswered | ActionRan
AroundEvent = Recorded | Deployed | SilencesChanged
FollowUp = PostMortemShared | ItemPut
MessageEvent = DeliverySettled | Undelivered | Resent
Event = AlertSeen | Commanded | TimerDue | MessageEvent | ActionEvent | AroundEvent | FollowUp

"""A row of the outbox, the message that a sender gets, and the sender's result."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from router.model.alert import Alert
from router.model.decision import Entry
from router.model.incident import Incident
from router.model.outbox import OutboxKind
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having


def channel_of(address: str) -> str:
    """The channel of an address: `sms` both for `sms` and for Ana's `sms/ana`."""
    return address.partition("/")[0]


def person_of(address: str) -> str:
    """The person of an address; "" for a channel's own address."""
    return address.partition("/")[2]


_STAKEHOLDERS = having(Trait.STAKEHOLDERS)
"""Reasons for messages to stakeholders. Other messages ask for an answer."""


def is_for_stakeholder(incident: Incident, address: str, reason: Reason) -> bool:
    """Check if the message is for a stakeholder, who is only informed about the incident."""
    return reason in _STAKEHOLDERS and address not in incident.notified


class NotificationState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"


class Notification(Struct, frozen=True, gc=False):
    """A row of the outbox. Its key is (kind, incident, subject, address).

    `channel` is the address, like `slack` or `sms/ana`. A new message about an incident replaces
    the pending one to the same address. Messages are rendered when sent, from the incident's
    current state.

    seq: counts the messages so far.
    lease: the holder during an attempt. An expired lease means a crash during the attempt.
    ref: the sender's latest handle, such as a Slack timestamp.
    seen_entry: the id of the newest timeline entry that the address has seen.
    tried: the `seq` at the latest claim.
    uncertain: the `seq` of the oldest message that may still arrive, or may have arrived since the
        last delivery; 0 for none.
    uncertain_until: until when that message or a newer message may still arrive, in UTC seconds.
    progress: the sender's state for the next attempt at this message.
    may_have_arrived: an attempt since the last delivery may have arrived.
    """

    incident_id: int
    channel: str
    seq: int
    state: NotificationState
    reason: Reason
    queued_at: float = field(name="owed_at")  # this and "told": the names in a stored history
    due_at: float
    attempts: int = 0
    sent: int = 0
    ref: str = ""
    seen_entry: int = field(name="told", default=0)
    lease: str = ""
    lease_until: float = 0.0
    fallen_back: bool = False
    error: str = ""
    may_be_doubled: bool = False
    kind: OutboxKind = OutboxKind.INCIDENT
    subject: str = ""
    tried: int = 0
    uncertain: int = 0
    uncertain_until: float = 0.0
    progress: str = ""
    may_have_arrived: bool = False

    @property
    def is_done(self) -> bool:
        """Return whether the message is sent or dead."""
        return self.state is not NotificationState.PENDING

    @property
    def key(self) -> "Key":
        return self.kind, self.incident_id, self.subject, self.channel


Key = tuple[OutboxKind, int, str, str]
"""The key of a row: kind, incident, subject, address."""


class OtherIncident(Struct, frozen=True):
    """A further incident in a bundle, and the URL of its page."""

    incident: Incident
    url: str


class Message(Struct, frozen=True):
    """The sender's input for one message to one channel about one incident.

    channel: the address, like `slack` or `sms/ana`.
    seq: stays the same when the message is retried; with the incident's id, an idempotency key.
    sent: how many messages about this incident the channel has received.
    timeline: oldest first.
    seen_entry: the id of the newest entry that the channel has seen.
    alerts: a sample of the firing alerts; `incident.firing` is their number.
    elsewhere: (name, URL) of the config's links.
    to: a person's address in the channel, such as a telephone number; "" for the channel's own.
    time_zone: the recipient's; UTC if unknown.
    postmortem: its URL, once it is due or written; else "".
    link: returns a URL that runs a `Command`, for one mailbox or, with "", for many readers; None
        if there is no key to sign it.
    picture: a chart as PNG, or b"".
    other_incidents: further incidents of a bundle, the worst first.
    list_url: the page that lists exactly the incidents of the bundle; "" without one.
    for_stakeholder: the recipient was never paged, and isn't asked for an answer.
    next_update: when the next update is promised.
    draft: the text that waits to be published on the status page.
    write: renders the template of this name; None for the packaged templates.
    mentions: people's user ids in the channel's service, by contact.
    attempt: counts the attempts at this message from 1.
    uncertain: the `seq` of an earlier message, or of this one, that may still arrive; 0 for none.
    may_be_doubled: an attempt since the last delivery may have arrived, with this or an older state
        of the incident.
    progress: the `progress` of the last attempt at this message.
    """

    incident: Incident
    channel: str
    seq: int
    reason: Reason
    at: float
    sent: int = 0
    ref: str = ""
    timeline: tuple[Entry, ...] = ()
    seen_entry: int = 0
    alerts: tuple[Alert, ...] = ()
    url: str = ""
    elsewhere: tuple[tuple[str, str], ...] = ()
    company: str = ""
    to: str = ""
    time_zone: str = "UTC"
    postmortem: str = ""
    link: Callable[[str, str], str] | None = None
    picture: bytes = b""
    other_incidents: tuple[OtherIncident, ...] = ()
    list_url: str = ""
    for_stakeholder: bool = False
    next_update: float | None = None
    support_email: str = ""
    draft: str = ""
    write: Callable[[str, Mapping[str, Any]], str] | None = None
    mentions: Mapping[str, str] = {}
    attempt: int = 1
    uncertain: int = 0
    may_be_doubled: bool = False
    progress: str = ""

    @property
    def unseen_entries(self) -> tuple[Entry, ...]:
        """Entries of the timeline that the channel has not seen."""
        return tuple(entry for entry in self.timeline if entry.id > self.seen_entry)


class Sent(Struct, frozen=True, tag="sent"):
    """The service has accepted the message.

    ref: its handle, for later updates; "" keeps the previous one.
    silent: there was nothing to send, so the service wasn't called.
    """

    ref: str = ""
    silent: bool = False


class Retry(Struct, frozen=True, tag="retry"):
    """Not sent, but worth a retry: after `after` seconds, if the service asked to wait.

    may_have_arrived: the service may still process this attempt, even after later ones. It
        recognizes repeated messages.
    progress: the sender's state for the next attempt, as `Message.progress`.
    """

    reason: str
    after: float | None = None
    may_have_arrived: bool = False
    progress: str = ""


class Rejected(Struct, frozen=True, tag="rejected"):
    """Not sent, and a retry won't help. `address`: the server rejected the address itself."""

    reason: str
    address: bool = False


class Uncertain(Struct, frozen=True, tag="uncertain"):
    """It may have arrived, and the service supports no idempotency key.

    It's sent again, marked as a possible duplicate. `progress` is as in `Retry`.
    """

    reason: str
    progress: str = ""


Result = Sent | Retry | Rejected | Uncertain


class Attempt(Struct, frozen=True):
    """One delivery attempt: when it ended, how long it took (seconds), and its result.

    arrives_within: seconds for which the service may still process an attempt that got no answer.
    """

    at: float
    took: float
    result: Result
    arrives_within: float = 60.0

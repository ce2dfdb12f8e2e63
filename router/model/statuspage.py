"""The public status page, and the mails to its subscribers."""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import force_setattr

from router.model.decision import Entry
from router.model.incident import Incident
from router.model.scalars import DayStart


class ComponentState(StrEnum):
    """The state of a component, in Statuspage's words."""

    OPERATIONAL = "operational"
    MAINTENANCE = "under_maintenance"
    DEGRADED = "degraded_performance"
    PARTIAL = "partial_outage"
    MAJOR = "major_outage"

    @property
    def rank(self) -> int:
        """Rank of the state; higher is worse."""
        return list(ComponentState).index(self)


class Component(Struct, frozen=True):
    """A part of the service on the status page. Rules name it by `name`; customers see `title`.

    `since` is its first day on the page, which shows nothing for earlier days.
    """

    name: str
    title: str = ""
    description: str = ""
    group: str = ""
    since: DayStart | None = None

    def __post_init__(self) -> None:
        if not self.title:
            force_setattr(self, "title", self.name)


class StatusPlan(Struct, frozen=True):
    """The configured page. `url` is its public address; `history` is in seconds."""

    title: str
    url: str
    components: tuple[Component, ...] = ()
    history: float = 90 * 86_400.0
    zone: str = "UTC"


class Maintenance(Struct, frozen=True):
    """Announced, public maintenance. It ends at `ends_at`, unless a person ends it earlier.

    `cancelled`: it was ended before it began, so the page doesn't show it.
    """

    id: str
    title: str
    text: str
    starts_at: float
    ends_at: float
    created_at: float
    updated_at: float
    components: tuple[str, ...] = ()
    cancelled: bool = False


class Published(Struct, frozen=True):
    """An incident, and its published timeline entries, oldest first. Nothing else is public."""

    incident: Incident
    entries: tuple[Entry, ...]


class Subscriber(Struct, frozen=True):
    """A person who asked for updates by e-mail.

    Until they confirm, they only get the request to confirm.
    `refused` counts the mails in a row for which the address was rejected.
    """

    address: str
    asked_at: float
    confirmed_at: float | None = None
    refused: int = 0


class MailKind(StrEnum):
    """The reason for a mail to a subscriber."""

    CONFIRM = "confirm"
    ALREADY = "already"
    UPDATE = "update"
    ANNOUNCEMENT = "announcement"
    MAINTENANCE = "maintenance"


class QueuedMail(Struct, frozen=True):
    """A queued mail to one subscriber.

    `entry_id` is the timeline entry of an `UPDATE` or `ANNOUNCEMENT`.
    """

    kind: MailKind
    subscriber: str
    queued_at: float
    incident_id: int = 0
    entry_id: int = 0


class PublicMail(Struct, frozen=True):
    """A mail to a person outside the company.

    name: determines the Message-ID, which stays the same when the mail is sent again.
    thread: the same for all mails about one incident.
    unsubscribe: the URL for a POST (RFC 8058).
    """

    to: str
    subject: str
    text: str
    name: str
    at: float
    thread: str = ""
    unsubscribe: str = ""

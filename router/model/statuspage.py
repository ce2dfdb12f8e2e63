"""What the public status page is made from, beside what was published of incidents."""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import force_setattr

from router.model.decision import Entry
from router.model.incident import Incident
from router.model.scalars import DayStart


class ComponentState(StrEnum):
    """How a component is, in Statuspage's words."""

    OPERATIONAL = "operational"
    MAINTENANCE = "under_maintenance"
    DEGRADED = "degraded_performance"
    PARTIAL = "partial_outage"
    MAJOR = "major_outage"

    @property
    def rank(self) -> int:
        """The worse the higher."""
        return list(ComponentState).index(self)


class Component(Struct, frozen=True):
    """A part of the service on the status page. Rules name it by `name`; customers see `title`.

    `since`: its first day on the page. Nothing is claimed about the days before.
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
    """What the config says of the page.

    `url` is where the public finds it; `history` is in seconds.
    """

    title: str
    url: str
    components: tuple[Component, ...] = ()
    history: float = 90 * 86_400.0


class Maintenance(Struct, frozen=True):
    """Work that was announced.

    All of it is public. It ends at `ends_at`, unless a person ends it before.
    """

    id: str
    title: str
    text: str
    starts_at: float
    ends_at: float
    created_at: float
    updated_at: float
    components: tuple[str, ...] = ()


class Published(Struct, frozen=True):
    """An incident, and the entries of its timeline that were published, oldest first.

    Nothing else of it is public.
    """

    incident: Incident
    entries: tuple[Entry, ...]


class Subscriber(Struct, frozen=True):
    """Somebody who wants to hear by e-mail.

    Nothing is sent to them before they've confirmed, but the question.
    """

    address: str
    asked_at: float
    confirmed_at: float | None = None


class MailKind(StrEnum):
    """Why a subscriber is owed a mail."""

    CONFIRM = "confirm"
    ALREADY = "already"
    UPDATE = "update"
    ANNOUNCEMENT = "announcement"


class OwedMail(Struct, frozen=True):
    """What a mail to one subscriber is about.

    `entry_id` is the timeline entry of an `UPDATE` or `ANNOUNCEMENT`.
    """

    kind: MailKind
    subscriber: str
    owed_at: float
    incident_id: int = 0
    entry_id: int = 0


class PublicMail(Struct, frozen=True):
    """A mail to somebody outside. `name` makes its Message-ID, the same when it's sent again.

    `thread` is what mails of one incident have in common; `unsubscribe` the URL that takes a POST
    (RFC 8058).
    """

    to: str
    subject: str
    text: str
    name: str
    at: float
    thread: str = ""
    unsubscribe: str = ""

"""What would be said of an incident as it is, by every template. A draft is made anew whenever
somebody looks.

Nothing of it is public: what a person approves is a command, `publish` or `announce`, that carries
the words they saw.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from router.core.incident.settings import Settings
from router.core.messages.render import content, to_stakeholders
from router.core.messages.templates import CUSTOMERS, INTERNAL, STAKEHOLDERS, UPDATE, unpublished
from router.model.decision import Entry
from router.model.event import Command
from router.model.incident import Incident, Status
from router.model.notification import Message
from router.model.reason import Reason


class Draft(Struct, frozen=True):
    """What the template `name` says. `approves` is the command that tells the public, if there's a
    way to tell them.

    `waits`: it's a person's turn to say it, or not to.
    """

    name: str
    subject: str
    text: str
    approves: Command | None = None
    waits: bool = False


def drafts(  # noqa: PLR0913 - what each of the templates is made from
    incident: Incident,
    timeline: Sequence[Entry],
    settings: Settings,
    at: float,
    *,
    zone: str = "",
    url: str = "",
) -> tuple[Draft, ...]:
    """All of the incident. `zone` is the clock of who will read it, the company's where that's
    unknown.

    There's no mail to customers before the incident is resolved.
    """
    return tuple(_drafts(incident, timeline, settings, at, zone, url))


def _drafts(  # noqa: PLR0913, PLR0917 - as above
    incident: Incident,
    timeline: Sequence[Entry],
    settings: Settings,
    at: float,
    zone: str,
    url: str,
) -> Iterator[Draft]:
    wording = settings.wording
    message = Message(
        incident,
        channel="",
        seq=0,
        reason=Reason.OPENED,
        at=at,
        timeline=tuple(timeline),
        url=url,
        company=wording.company,
        support_email=wording.support_email,
        time_zone=zone or wording.zone,
        next_update=wording.next_update(incident, at),
        write=wording.write,
    )
    inside = content(message)
    yield Draft(INTERNAL, inside.subject, inside.text)
    told = to_stakeholders(message)
    yield Draft(STAKEHOLDERS, told.subject, told.text)
    public = wording.update(incident, at)
    publish = Command.PUBLISH if settings.public else None
    title = incident.public_title or public.subject
    yield Draft(
        UPDATE,
        title,
        public.text,
        publish,
        bool(settings.public) and unpublished(incident, timeline),
    )
    if incident.status is Status.RESOLVED:
        mail = wording.to_customers(incident, timeline, at, zone)
        waits = bool(settings.customers) and not incident.drill and incident.announced_at is None
        yield Draft(
            CUSTOMERS,
            mail.subject,
            mail.text,
            Command.ANNOUNCE if settings.customers else None,
            waits,
        )

"""Previews of every message template, rendered from the incident's current state.

Previews publish nothing: a person approves with the command `publish` or `announce`, which
contains the text that they saw.
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
    """The rendered template `name`. `approves` is the command that makes it public, if any.

    `waits`: it needs a person's approval now.
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
    """Return all previews. `zone` is the reader's time zone; without it, the company's.

    There is no mail to customers before the incident is resolved.
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
    stakeholder_mail = to_stakeholders(message)
    yield Draft(STAKEHOLDERS, stakeholder_mail.subject, stakeholder_mail.text)
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

"""Builds a sender's message: the incident's current state, and further parts."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace

from router.chart import ImageFormat
from router.core.messages.context_links import links, usable, window
from router.core.messages.signed_links import Links
from router.core.messages.summary import address
from router.core.messages.templates import Wording, unpublished
from router.core.text.template import Template
from router.model.alert import Alert
from router.model.decision import Entry
from router.model.incident import Incident
from router.model.notification import (
    Message,
    Notification,
    OtherIncident,
    is_for_stakeholder,
    person_of,
)
from router.ports.clock import Clock
from router.ports.errors import NoChart
from router.ports.services import Charts
from router.ports.store import AlertRow

PICTURE = 0.5
"""Maximum seconds that a message waits for its chart."""

DRAFTS = 500
"""Maximum cached drafts of public updates, shared by the messages of all channels."""

Stored = tuple[Incident, Sequence[Entry], Sequence[AlertRow]]
"""An incident, its latest timeline (oldest first), and a sample of its firing alerts."""


@dataclass(frozen=True, slots=True)
class Words:
    """Settings for the parts of messages that don't come from the incident.

    links: makes signed links to buttons; None without a key.
    elsewhere: links into other services (name, template).
    time_zones: by contact.
    mentions: ids in the channels' services, by contact.
    public: a status page shows what is published.
    """

    external_url: str
    wording: Wording = field(default_factory=Wording)
    links: Links | None = None
    elsewhere: Sequence[tuple[str, Template]] = ()
    time_zones: Mapping[str, str] = field(default_factory=dict)
    mentions: Mapping[str, str] = field(default_factory=dict)
    charts: Charts | None = None
    public: bool = False
    _drafts: dict[tuple[int, int, int], str] = field(default_factory=dict, repr=False)

    def draft(self, incident: Incident, at: float) -> str:
        """Return a draft of the public update. Within a minute all channels get the same draft."""
        key = incident.id, incident.version, int(at // 60)
        if (known := self._drafts.get(key)) is not None:
            return known
        if len(self._drafts) >= DRAFTS:
            self._drafts.clear()
        text = self._drafts[key] = self.wording.update(incident, at).text
        return text


class MessageWriter:
    """Writes messages to one channel.

    `people` are the addresses by contact; `pictures`: add the incident's chart.
    """

    def __init__(
        self, clock: Clock, words: Words, people: Mapping[str, str] | None, *, pictures: bool
    ) -> None:
        self._clock = clock
        self._words = words
        self._people = people or {}
        self._pictures = pictures

    async def write(
        self, rows: Sequence[Notification], stored: Mapping[int, Stored]
    ) -> tuple[Message, list[int]]:
        """Write a message about the first row's incident that also names the other rows' incidents.

        Also return the newest entry that the message covers, for each row.
        """
        seen = [
            max((entry.id for entry in stored[row.incident_id][1]), default=row.seen_entry)
            for row in rows
        ]
        message, url = self._write(rows[0], *stored[rows[0].incident_id]), self._words.external_url
        if self._pictures:
            message = replace(message, picture=await self._picture(message))
        if not rows[1:]:
            return message, seen
        others = tuple(
            OtherIncident(stored[row.incident_id][0], f"{url}/incidents/{row.incident_id}")
            for row in rows[1:]
        )
        every = address(url, (row.incident_id for row in rows))
        return replace(message, other_incidents=others, list_url=every), seen

    def _write(
        self,
        row: Notification,
        incident: Incident,
        timeline: Sequence[Entry],
        firing: Sequence[AlertRow],
    ) -> Message:
        alerts, now, words = tuple(match.alert for match in firing), self._clock.now(), self._words
        contact, url = person_of(row.channel), f"{words.external_url}/incidents/{incident.id}"
        has_postmortem = (incident.postmortem_due, incident.postmortem_shared_at) != (None, None)
        needs_update = words.public and unpublished(incident, timeline)
        return Message(
            incident=incident,
            channel=row.channel,
            seq=row.seq,
            reason=row.reason,
            at=now,
            sent=row.sent,
            ref=row.ref,
            timeline=tuple(timeline),
            seen_entry=row.seen_entry,
            alerts=alerts,
            url=url,
            elsewhere=self._elsewhere(incident, alerts, now) if words.elsewhere else (),
            postmortem=f"{url}/postmortem" if has_postmortem else "",
            company=words.wording.company,
            support_email=words.wording.support_email,
            for_stakeholder=is_for_stakeholder(incident, row.channel, row.reason),
            draft=words.draft(incident, now) if needs_update else "",
            next_update=words.wording.next_update(incident, now),
            write=words.wording.write,
            to=self._people.get(contact, ""),
            mentions=words.mentions,
            time_zone=words.time_zones.get(contact, "UTC"),
            link=partial(words.links.link, incident, row.channel, now) if words.links else None,
            attempt=max(row.attempts + 1, 2 if row.may_have_arrived else 1),
            uncertain=row.uncertain,
            may_be_doubled=row.may_have_arrived,
            progress=row.progress,
        )

    def _elsewhere(
        self, incident: Incident, alerts: Sequence[Alert], now: float
    ) -> tuple[tuple[str, str], ...]:
        return usable(links(self._words.elsewhere, incident, window(incident, alerts, now)))

    async def _picture(self, message: Message) -> bytes:
        """Return the chart as PNG; b"" if it isn't ready soon: a chart must not delay a page."""
        charts, incident = self._words.charts, message.incident
        if charts is None or not charts.there(incident):
            return b""
        seen = window(incident, message.alerts, message.at)
        try:
            async with asyncio.timeout(PICTURE):
                return await charts.draw(incident, seen, ImageFormat.PNG)
        except (TimeoutError, NoChart):
            return b""

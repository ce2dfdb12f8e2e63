"""Builds a sender's message: the incident's current state, and further parts."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from router.chart import ImageFormat
from router.core.incident.transitions import is_for_stakeholder
from router.core.messages.context_links import Window, links, usable, window
from router.core.messages.signed_links import Links
from router.core.messages.templates import Wording, unpublished
from router.core.text.template import Template
from router.model.decision import Entry
from router.model.incident import Incident
from router.model.notification import Message, Notification, person_of
from router.ports.clock import Clock
from router.ports.errors import NoChart
from router.ports.services import Charts
from router.ports.store import Store

PICTURE = 0.5
"""Longest wait for a chart, in seconds."""


@dataclass(frozen=True, slots=True)
class Words:
    """The parts of messages beside the incident itself.

    links: makes signed links that do something; None without a key.
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


class MessageWriter:
    """Writes messages to one channel.

    `people` are the addresses by contact; `pictures`: add the incident's chart.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        words: Words,
        people: Mapping[str, str] | None,
        *,
        pictures: bool,
    ) -> None:
        self._store = store
        self._clock = clock
        self._words = words
        self._people = people or {}
        self._pictures = pictures

    async def write(self, row: Notification, *, full: bool) -> Message:
        """Write about the incident as it is now; a picture is only in a `full` message.

        Raises: StoreUnavailable.
        """
        found = await self._store.message(row.incident_id)
        assert found is not None, "a notification's incident is never deleted"
        incident, timeline, stored = found
        alerts, now, words = tuple(one.alert for one in stored), self._clock.now(), self._words
        contact, seen = person_of(row.channel), window(incident, alerts, now)
        url = f"{words.external_url}/incidents/{incident.id}"
        return Message(
            incident=incident,
            channel=row.channel,
            seq=row.seq,
            reason=row.reason,
            at=now,
            sent=row.sent,
            ref=row.ref,
            timeline=tuple(timeline),
            told=row.told,
            alerts=alerts,
            url=url,
            elsewhere=usable(links(words.elsewhere, incident, seen)) if words.elsewhere else (),
            postmortem=f"{url}/postmortem" if _has_postmortem(incident) else "",
            company=words.wording.company,
            support_email=words.wording.support_email,
            for_stakeholder=is_for_stakeholder(incident, row.channel, row.reason),
            draft=self._draft(incident, timeline, now),
            next_update=words.wording.next_update(incident, now),
            write=words.wording.write,
            to=self._people.get(contact, ""),
            mentions=words.mentions,
            time_zone=words.time_zones.get(contact, "UTC"),
            link=words.links.of(incident, row.channel, now) if words.links else None,
            picture=await self._picture(incident, seen) if full else b"",
            attempt=max(row.attempts + 1, 2 if row.may_have_arrived else 1),
            uncertain=row.uncertain,
            may_be_doubled=row.may_have_arrived,
            progress=row.progress,
        )

    def _draft(self, incident: Incident, timeline: Sequence[Entry], now: float) -> str:
        """Return the update that waits for a person to publish it; "" if none does."""
        words = self._words
        return (
            words.wording.update(incident, now).text
            if words.public and unpublished(incident, timeline)
            else ""
        )

    async def _picture(self, incident: Incident, seen: Window) -> bytes:
        """Return the chart as PNG; b"" if it isn't ready soon: a page doesn't wait for it."""
        charts = self._words.charts
        if not self._pictures or charts is None or not charts.there(incident):
            return b""
        try:
            async with asyncio.timeout(PICTURE):
                return await charts.draw(incident, seen, ImageFormat.PNG)
        except (TimeoutError, NoChart):
            return b""


def _has_postmortem(incident: Incident) -> bool:
    return incident.postmortem_due is not None or incident.postmortem_shared_at is not None

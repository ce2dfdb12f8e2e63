"""Type `statuspage`: an incident at Atlassian Statuspage for each public incident.

The sender gets the whole message, but sends only the public parts, which `notice` extracts.
Statuspage supports no idempotency key, so each attempt first lists the incidents there. The
router's incidents have a mark in their `metadata`, with the newest update sent, so an attempt may
stop anywhere and the next one continues. A duplicate is possible only if a slow request takes
effect after the list was read; then the result is `Uncertain`.
"""

import re
from collections.abc import Sequence
from typing import Any

import aiohttp
from msgspec import field

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.fields import Duration, HttpUrl, Rate
from router.config.secret import Secret
from router.core.communication.notice import INDICATORS, Notice, notice
from router.model.notification import Message, Result, Sent
from router.model.reason import Reason
from router.model.statuspage import ComponentState, Maintenance, Published
from router.ports.reconcile import Mismatch, Shown
from router.senders.calls import Failed
from router.senders.statuspage.api import PER_PAGE, Api, Remote
from router.senders.statuspage.compare import compare_incidents
from router.senders.statuspage.maintenance import mirror
from router.senders.statuspage.mark import kept, marked, worst
from router.senders.verify import verify_statuspage

MAX_NAME = 255
MAX_BODY = 25_000
"""Characters, https://developer.statuspage.io/#operation/postPagesPageIdIncidents"""

REF = re.compile(r"[A-Za-z0-9]{1,40}")
"""An id at Statuspage. It doesn't match a `ref` from when the channel had another type."""


class StatuspageConfig(ChannelOptions, frozen=True, kw_only=True):
    """One page at Statuspage.

    api_key: of a user who may manage incidents.
    page: the page's id.
    components: the ids of components there, by the names in rules.
    notify: let Statuspage notify its own subscribers.
    api_url: a proxy or a test server.
    """

    api_key: Secret
    page: str
    components: dict[str, str] = field(default_factory=dict)
    notify: bool = True
    api_url: HttpUrl = HttpUrl("https://api.statuspage.io/v1")
    rate: Rate | None = Rate(20, 60.0)
    concurrency: int = 1
    timeout: Duration = Duration(20.0)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(is_public=True, maintenance=True, bundles=False, compares=True)


class StatuspageSender:
    """`ref` is the id of the incident at Statuspage."""

    def __init__(self, config: StatuspageConfig, session: aiohttp.ClientSession) -> None:
        self._config = config
        self._session = session

    async def send(self, message: Message) -> Result:
        entries = tuple(entry for entry in message.timeline if entry.what is Reason.PUBLISHED)
        published = notice(Published(message.incident, entries))
        if published is None:
            return Sent(silent=True)
        try:
            return Sent(await self._update(self._api(message.at), message, published))
        except Failed as failure:
            return failure.result

    async def mirror(self, maintenance: Maintenance, now: float) -> Result:
        """Update the maintenance at Statuspage."""
        known = self._config.components
        ids = [known[name] for name in maintenance.components if name in known]
        api, notify = self._api(now), self._config.notify
        try:
            there = await mirror(api, maintenance, ids, now, notify=notify)
        except Failed as failure:
            return failure.result
        return Sent(there, silent=not there)

    async def compare(self, shown: Sequence[Shown], now: float) -> Sequence[Mismatch]:
        """Compare the published incidents, as a `router.ports.reconcile.Comparer`."""
        return await compare_incidents(self._api(now), shown)

    async def verify(self) -> str | Result:
        config = self._config
        url = f"{config.api_url.rstrip('/')}/pages/{config.page}"
        return await verify_statuspage(self._session, url, config.api_key, config.timeout)

    async def close(self) -> None:
        """Nothing to close: the session belongs to the caller."""

    def _api(self, now: float) -> Api:
        config = self._config
        return Api(
            self._session,
            config.api_url,
            config.page,
            config.api_key,
            seconds=config.timeout,
            now=now,
        )

    async def _update(self, api: Api, message: Message, published: Notice) -> str:
        """Bring the incident at Statuspage up to date. Returns its id there. Raises: Failed."""
        there = await api.incidents(PER_PAGE)
        key = key_of(message)
        ours = next((remote for remote in there if kept(remote).incident == key), None)
        if ours is None and REF.fullmatch(message.ref):
            ours = await api.incident(message.ref)
        known = kept(ours).seen if ours else 0
        if ours and known >= published.updates[0].id:
            return ours.id
        others = [
            remote for remote in there if remote.is_open and (ours is None or remote.id != ours.id)
        ]
        said = content(published, known, self._config, others)
        said["metadata"] = marked(ours, key, published.updates[0].id)
        return await api.write(ours.id if ours else "", {"incident": said})


def build(_name: str, config: StatuspageConfig, session: aiohttp.ClientSession) -> StatuspageSender:
    return StatuspageSender(config, session)


def content(
    published: Notice, known: int, config: StatuspageConfig, others: Sequence[Remote]
) -> dict[str, Any]:
    """The fields to send. Statuspage has the updates up to `known`. `others` are open there."""
    fresh = [update.text for update in reversed(published.updates) if update.id > known]
    ids = [config.components[name] for name in published.components if name in config.components]
    return {
        "name": published.title[:MAX_NAME],
        "status": published.status,
        "impact_override": INDICATORS[published.impact],
        "body": "\n\n".join(fresh)[:MAX_BODY],
        "component_ids": ids,
        "components": {number: _state(number, published, others) for number in ids},
        "deliver_notifications": config.notify,
    }


def _state(component: str, published: Notice, others: Sequence[Remote]) -> ComponentState:
    """The component's state, which isn't restored while another incident affects it."""
    own = published.impact if published.is_open else ComponentState.OPERATIONAL
    return worst(component, others, own)


def key_of(message: Message) -> str:
    """The key of the incident. A new database reuses numbers, so it contains the time, too."""
    return f"{message.incident.id}.{message.incident.opened_at:.0f}"

"""A Slack channel for each incident, with its timeline, which is archived when the incident ends.

The store has no data about it. The channel's name contains the incident's number and opening time,
so that after a crash the router finds the channel by its name. The metadata of each post has the id
of its newest timeline entry, so that a restarted router continues with the next entry.

Failures are only logged, and don't affect the page.
Methods: https://docs.slack.dev/reference/methods/conversations.create, .list, .history, .archive
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog
from msgspec.structs import replace

from router.core.messages.render import content as texts_of
from router.model.decision import Entry
from router.model.incident import Incident
from router.model.notification import Message
from router.model.reason_row import Trait
from router.model.reasons import having
from router.senders.outcome import error_word
from router.senders.slack.blocks import ID, build_message, build_updates, people

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

MAX_NAME = 80
MAX_KNOWN = 1000
PAGES = 20
PER_PAGE = 200
"""Channels per page when searching for an existing name."""

EVENT = "alert_router_timeline"
"""The type of a post's metadata."""

_DELIVERY = having(Trait.DELIVERY)
_FAILURES = (aiohttp.ClientError, OSError, AttributeError, KeyError, TypeError, ValueError)

log = structlog.get_logger(__name__)


class Refused(Exception):
    """Slack rejected a call. `error` is the name of Slack's error."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class IncidentChannels:
    """Opens, fills and archives the channels, within `seconds` for each message."""

    def __init__(self, client: "AsyncWebClient", seconds: float) -> None:
        self._client = client
        self._seconds = seconds
        self._known: OrderedDict[str, str] = OrderedDict()
        self._posted: dict[str, int] = {}

    def id_of(self, incident: Incident) -> str:
        """The id of the incident's channel; "" while it isn't known."""
        return self._known.get(channel_name(incident), "")

    async def follow(self, message: Message) -> None:
        """Bring the incident's channel up to date. Never raises."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._follow(message)
        except Refused as refused:
            self._failed(message, refused.error)
        except _FAILURES as error:
            self._failed(message, type(error).__name__)

    def _failed(self, message: Message, why: str) -> None:
        self._forget(channel_name(message.incident))
        name = message.incident.name
        log.warning("incident_channel_failed", channel=message.channel, incident=name, why=why)

    async def _follow(self, message: Message) -> None:
        incident = message.incident
        name = channel_name(incident)
        channel = self._known.get(name) or await self._find_or_open(name, create=incident.is_open)
        if not channel:
            return
        self._remember(name, channel)
        through = self._posted.get(channel)
        if through is None:
            through = await self._last_posted(channel)
        unposted = [
            entry
            for entry in message.timeline
            if entry.id > through and entry.what not in _DELIVERY
        ]
        if through < 0:
            alone = replace(message, other_incidents=(), list_url="")
            await self._post(channel, build_message(alone), 0)
        if unposted:
            await self._invite(channel, message, unposted)
            updates = build_updates(texts_of(replace(message, timeline=tuple(unposted))))
            await self._post(channel, updates, unposted[-1].id)
            self._posted[channel] = unposted[-1].id
        if not incident.is_open:
            await self._call("conversations.archive", {"channel": channel}, {"already_archived"})
            self._forget(name)

    async def _find_or_open(self, name: str, *, create: bool) -> str:
        """The id of the open channel with this name; "" if it's archived or may not be created."""
        if create:
            made = await self._call("conversations.create", {"name": name}, {"name_taken"})
            if made.get("ok"):
                return str(made["channel"]["id"])
        cursor = ""
        for _ in range(PAGES):
            page = await self._read("conversations.list", cursor, limit=PER_PAGE)
            for channel in page["channels"]:
                if channel["name"] == name:
                    return "" if channel.get("is_archived") else str(channel["id"])
            if not (cursor := (page.get("response_metadata") or {}).get("next_cursor") or ""):
                break
        return ""

    async def _last_posted(self, channel: str) -> int:
        """The id of the newest timeline entry in the channel's posts; -1 without a post."""
        page = await self._read(
            "conversations.history", "", channel=channel, limit=100, include_all_metadata="true"
        )
        marks = [post.get("metadata") or {} for post in page["messages"]]
        ours = [mark["event_payload"] for mark in marks if mark.get("event_type") == EVENT]
        return max((int(mark["through"]) for mark in ours), default=-1)

    async def _post(self, channel: str, content: Mapping[str, Any], through: int) -> None:
        mark = {"event_type": EVENT, "event_payload": {"through": through}}
        quiet = {"unfurl_links": False, "unfurl_media": False}
        await self._call(
            "chat.postMessage", {"channel": channel, **content, **quiet, "metadata": mark}
        )

    async def _invite(self, channel: str, message: Message, entries: Sequence[Entry]) -> None:
        """Invite the paged people. A failure for one doesn't affect the others."""
        ids = [message.mentions.get(name, "") for name in people(message, entries)]
        users = [id_ for id_ in ids if ID.fullmatch(id_) and not id_.startswith("S")]
        if users:
            invited = {"channel": channel, "users": ",".join(users), "force": True}
            await self._call("conversations.invite", invited, {"already_in_channel", "*"})

    async def _call(
        self,
        method: str,
        given: Mapping[str, Any],
        fine: Collection[str] = (),
    ) -> dict[str, Any]:
        """Return the answer. Raises: Refused, except for errors in `fine` ("*": all)."""
        return await self._answer(method, fine, json=dict(given))

    async def _read(self, method: str, cursor: str, **given: Any) -> dict[str, Any]:
        """Return a page of an answer, by a method that takes no JSON. Raises: Refused."""
        params = {**given, **({"cursor": cursor} if cursor else {})}
        return await self._answer(method, (), http_verb="GET", params=params)

    async def _answer(self, method: str, fine: Collection[str], **request: Any) -> dict[str, Any]:
        from slack_sdk.errors import SlackApiError  # noqa: PLC0415 - present with any client

        try:
            answer = await self._client.api_call(method, **request)
        except SlackApiError as refusal:
            data = refusal.response.data if hasattr(refusal.response, "data") else None
            named = str(data.get("error", "")) if isinstance(data, dict) else ""
            error = error_word(named.encode()) or "unknown"
            if error in fine or "*" in fine:
                return {}
            raise Refused(error) from None
        assert isinstance(answer.data, dict)
        return answer.data

    def _remember(self, name: str, channel: str) -> None:
        self._known[name] = channel
        self._known.move_to_end(name)
        while len(self._known) > MAX_KNOWN:
            self._forget(next(iter(self._known)))

    def _forget(self, name: str) -> None:
        self._posted.pop(self._known.pop(name, ""), None)


def channel_name(incident: Incident) -> str:
    """The channel name for one opening of an incident: `inc-142-20260101-1200-payments-down`.

    The time tells incidents with the same number, from different databases, apart.
    """
    opened = datetime.fromtimestamp(incident.opened_at, UTC)
    life = f"-r{incident.reopened}" if incident.reopened else ""
    kind = "drill" if incident.drill else "inc"
    title = re.sub(r"[^a-z0-9]+", "-", (incident.first_title or incident.title).lower()).strip("-")
    name = f"{kind}-{incident.id}-{opened:%Y%m%d-%H%M}{life}-{title}"
    return name[:MAX_NAME].rstrip("-")

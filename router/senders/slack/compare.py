"""Finds messages that were deleted in Slack; nobody can edit a bot's message there.

A message with a thread leaves a tombstone, which only the channel's history tells from a message:
https://docs.slack.dev/reference/methods/conversations.history needs the scope channels:history, or
groups:history in a private channel. Without it, and for messages that the history leaves out,
https://docs.slack.dev/reference/methods/chat.getPermalink needs no further scope.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from router.model.difference import DifferenceKind
from router.model.notification import Result, Sent
from router.ports.reconcile import CompareFailed, Mismatch, Shown

GONE = frozenset({"message_not_found", "channel_not_found"})
NO_HISTORY = frozenset(
    {"missing_scope", "not_in_channel", "channel_not_found", "not_allowed_token_type"}
)

PER_PAGE = 999
"""Messages per page of the history, Slack's maximum."""

PAGES = 20
"""Maximum pages for one channel: Slack allows some fifty a minute."""

Read = Callable[[str, Mapping[str, Any]], Awaitable[tuple[Result, str, Any]]]
"""Calls a method with these parameters. Returns the result, Slack's error, and the answer."""


class Posted(Struct, frozen=True):
    ts: str
    subtype: str = ""


class Cursor(Struct, frozen=True):
    next_cursor: str = ""


class Page(Struct, frozen=True):
    """A page of a channel's history."""

    messages: list[Posted]
    response_metadata: Cursor | None = None


async def deleted(shown: Sequence[Shown], read: Read) -> Sequence[Mismatch]:
    """Mismatches of open incidents whose message is gone. Raises: CompareFailed."""
    channels: dict[str, dict[int, str]] = defaultdict(dict)
    for message in shown:
        channel, _, ts = message.ref.partition(":")
        if message.incident.is_open and ts:
            channels[channel][message.incident.id] = ts
    found = []
    for channel, messages in channels.items():
        history = await _history(channel, messages.values(), read)
        for incident_id, ts in messages.items():
            gone = history[ts] if ts in history else await _is_gone(channel, ts, read)
            if gone:
                found.append(Mismatch(incident_id, DifferenceKind.GONE))
    return found


async def _history(channel: str, wanted: Collection[str], read: Read) -> dict[str, bool]:
    """Messages by time-stamp, true for a tombstone; empty if the history may not be read."""
    given = {"channel": channel, "oldest": min(wanted), "latest": max(wanted)}
    given |= {"inclusive": "true", "limit": str(PER_PAGE)}
    found: dict[str, bool] = {}
    for _ in range(PAGES):
        result, error, answer = await read("conversations.history", given)
        if error in NO_HISTORY:
            break
        if not isinstance(result, Sent):
            raise CompareFailed(result.reason)
        try:
            page = msgspec.convert(answer.data, Page)
        except msgspec.ValidationError:
            raise CompareFailed("the history isn't one of Slack's") from None
        found |= {post.ts: post.subtype == "tombstone" for post in page.messages}
        if not page.response_metadata or not page.response_metadata.next_cursor:
            break
        given["cursor"] = page.response_metadata.next_cursor
    return found


async def _is_gone(channel: str, ts: str, read: Read) -> bool:
    result, error, _ = await read("chat.getPermalink", {"channel": channel, "message_ts": ts})
    if error in GONE:
        return True
    if not isinstance(result, Sent):
        raise CompareFailed(result.reason)
    return False

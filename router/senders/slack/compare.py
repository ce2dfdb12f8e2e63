"""Finds messages that were deleted in Slack.

https://docs.slack.dev/reference/methods/chat.getPermalink needs no further scope.
"""

from collections.abc import Awaitable, Callable, Sequence

from router.model.difference import DifferenceKind
from router.model.notification import Result, Sent
from router.ports.reconcile import CompareFailed, Mismatch, Shown

GONE = frozenset({"message_not_found", "channel_not_found"})

Look = Callable[[str, str], Awaitable[tuple[Result, str]]]
"""Asks for a message by its channel and time-stamp: the result, and Slack's error."""


async def deleted(shown: Sequence[Shown], look: Look) -> Sequence[Mismatch]:
    """Mismatches of open incidents whose message is gone. Raises: CompareFailed."""
    found = []
    for message in shown:
        channel, _, ts = message.ref.partition(":")
        if not message.incident.is_open or not ts:
            continue
        result, error = await look(channel, ts)
        if error in GONE:
            found.append(Mismatch(message.incident.id, DifferenceKind.GONE))
        elif not isinstance(result, Sent):
            raise CompareFailed(result.reason)
    return found

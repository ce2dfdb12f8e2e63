"""One message per incident, edited in place, for chat services that don't notify people of edits.

Changes that people should notice are also posted as a reply, which is less important than the edit.
If the reply was certainly not posted, the result is `Retry`, because repeating the edit does no
harm. If it may have been posted, or was rejected, the result is `Sent`.
"""

import re
from typing import Protocol

from msgspec.structs import replace

from router.model.notification import Message, Result, Retry, Sent
from router.model.reason_row import Trait
from router.model.reasons import having
from router.senders.calls import Failed

LOUD = having(Trait.LOUD)
PAGES = having(Trait.PAGES)


class Chat(Protocol):
    """The calls of one attempt. `ref` is the message's id. All methods raise `Failed`."""

    async def post(self, message: Message) -> str:
        """Post the message. Return its `ref`."""
        ...

    async def edit(self, ref: str, message: Message) -> bool:
        """Edit the message. Return False if it's gone or can't be edited any more."""
        ...

    async def reply(self, ref: str, message: Message) -> None:
        """Post the unseen entries, if any, in reply to the message."""
        ...


async def deliver(chat: Chat, message: Message, known: re.Pattern[str]) -> Result:
    """Edit the incident's message, or post it if there is none.

    known: matches a `ref` of this type of channel, and none from when the channel had another type.
    A summary of several incidents is always posted, since an edit notifies nobody.
    """
    # A repeated edit doesn't result in a second message.
    edited = replace(message, may_be_doubled=False)
    try:
        is_known = known.fullmatch(message.ref) and not message.other_incidents
        if is_known and await chat.edit(message.ref, edited):
            return await _announce(chat, edited)
        return Sent(await chat.post(message))
    except Failed as failure:
        return failure.result


async def _announce(chat: Chat, message: Message) -> Result:
    if is_loud(message):
        try:
            await chat.reply(message.ref, message)
        except Failed as failure:
            if isinstance(failure.result, Retry):
                return failure.result
    return Sent(message.ref)


def is_loud(message: Message) -> bool:
    """Return whether people should notice the changes since the last message."""
    return (
        message.sent == 0
        or message.reason in PAGES
        or any(entry.what in LOUD for entry in message.unseen_entries)
    )

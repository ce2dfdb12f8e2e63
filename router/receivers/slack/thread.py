"""What people write in the thread of an incident's message, by Slack's Events API: notes on its
timeline.

https://docs.slack.dev/apis/events-api: an event is sent again until it's answered, by the same
event_id.
"""

from collections.abc import Mapping

from router.model.event import Command
from router.ports.webhooks import CommandRequest, Received
from router.receivers.lenient import member, text
from router.receivers.slack.text import written

SAID = frozenset({"", "file_share", "me_message", "thread_broadcast"})
"""The subtypes of message by which a person says something; the others tell of edits, of deletions
and of bots.
"""


def overheard(payload: object, names: Mapping[str, str]) -> Received:
    """A note on the incident whose message the thread is under, if it's a person's words in one."""
    if member(payload, "type") != "event_callback":
        return Received(ignored="Not an event")
    event = member(payload, "event")
    if member(event, "type") != "message" or text(member(event, "subtype")) not in SAID:
        return Received(ignored="Nobody said anything")
    user, channel, at = (text(member(event, name)) for name in ("user", "channel", "ts"))
    thread, words = text(member(event, "thread_ts")), written(text(member(event, "text")), names)
    if not user or member(event, "bot_id") or user in _ours(payload):
        return Received(ignored="Said by a bot")
    if not thread or thread == at or not words:
        return Received(ignored="Not said in a thread")
    parent = text(member(event, "parent_user_id"))
    if parent and (ours := _ours(payload)) and parent not in ours:
        return Received(ignored="A thread under another's message")
    # By what was said and not by the event: each subscription that covers it sends one of its own.
    receipt = f"slack:{channel}:{at}"
    asked = CommandRequest(
        None, Command.NOTE, names.get(user, user), words, receipt, ref=f"{channel}:{thread}"
    )
    return Received(asked=[asked])


def _ours(payload: object) -> set[str]:
    """The user ids of the app's own bot."""
    found = member(payload, "authorizations")
    entries = found if isinstance(found, list) else []
    return {text(member(one, "user_id")) for one in entries if member(one, "is_bot") is True}

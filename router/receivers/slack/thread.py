"""Messages in an incident's thread in Slack become notes on its timeline.

https://docs.slack.dev/apis/events-api: Slack repeats an event, with the same event_id, until it
gets an answer.
"""

from collections.abc import Mapping

from router.model.event import Command
from router.ports.webhooks import CommandRequest, Received
from router.receivers.slack.text import written
from router.receivers.source import member, text

SAID = frozenset({"", "file_share", "me_message", "thread_broadcast"})
"""Subtypes of messages by people. Others are edits, deletions and messages by bots."""


def read_thread(payload: object, names: Mapping[str, str]) -> Received:
    """Make a note on the thread's incident from a message that a person wrote."""
    if member(payload, "type") != "event_callback":
        return Received(ignored="Not an event")
    event = member(payload, "event")
    if member(event, "type") != "message" or text(member(event, "subtype")) not in SAID:
        return Received(ignored="Not a person's message")
    user, channel, at = (text(member(event, name)) for name in ("user", "channel", "ts"))
    thread, words = text(member(event, "thread_ts")), written(text(member(event, "text")), names)
    if not user or member(event, "bot_id") or user in _ours(payload):
        return Received(ignored="A bot's message")
    if not thread or thread == at or not words:
        return Received(ignored="Not in a thread")
    parent = text(member(event, "parent_user_id"))
    if parent and (ours := _ours(payload)) and parent not in ours:
        return Received(ignored="A thread under another message")
    # The message identifies the note, not the event: each subscription that covers the message
    # sends a separate event.
    receipt = f"slack:{channel}:{at}"
    note = CommandRequest(
        None, Command.NOTE, names.get(user, user), words, receipt, ref=f"{channel}:{thread}"
    )
    return Received(commands=[note])


def _ours(payload: object) -> set[str]:
    """User ids of the app's own bot."""
    found = member(payload, "authorizations")
    entries = found if isinstance(found, list) else []
    return {text(member(entry, "user_id")) for entry in entries if member(entry, "is_bot") is True}

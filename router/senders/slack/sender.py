"""Type `slack`: a channel, by an incoming webhook or by an app's bot token.

A webhook can only add messages: one for each change. A bot has one message per incident, edits it
in place, and posts the changes in its thread.

The reply in the thread is less important than the edit. If the reply was certainly not posted, the
result is `Retry`, because repeating the edit does no harm. If it may have been posted, or Slack
permanently rejects it, the result is `Sent`, because a retry would duplicate it or not help.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
from msgspec.structs import replace

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.fields import HttpUrl
from router.config.secret import Secret, SecretUrl
from router.model.notification import Message, Result, Retry, Sent
from router.ports.channels import Sender
from router.ports.reconcile import Mismatch, Shown
from router.ports.webhooks import EphemeralReply, Form
from router.senders.http import open_session, timeouts
from router.senders.in_place import is_loud
from router.senders.outcome import from_error
from router.senders.slack.blocks import ID, UNREADABLE, build_message, build_thread, mrkdwn
from router.senders.slack.buttons import build_form
from router.senders.slack.channel import IncidentChannels
from router.senders.slack.client import client, refused, unreadable
from router.senders.slack.compare import deleted
from router.senders.slack.files import show_picture
from router.senders.slack.webhook import SlackWebhookSender
from router.senders.verify import named

REF = re.compile(r"[A-Z0-9]+:[0-9]+\.[0-9]+")
"""A channel's id and a message's timestamp.

It doesn't match a `ref` from when the channel had another type.
"""

UNEDITABLE = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"}
)
"""Errors for a message that is gone or can't be edited any more. The incident gets a new one."""

ASIDE = 1000
"""Maximum characters of an ephemeral reply."""

ARRIVES_WITHIN = 300.0
"""Seconds in which Slack may still process an unanswered request."""


class SlackConfig(ChannelOptions, frozen=True, kw_only=True):
    """Either `webhook_url`, or `token` and `channel`.

    webhook_url: of an incoming webhook, which always posts to the same channel.
    token: of a bot (`xoxb-`) with the scope chat:write, which is a member of the channel or has
        chat:write.public.
    channel: the channel's id, or its name like `#incidents`.
    buttons: put buttons under the message of an open incident; needs the source `slack`.
    charts: show the chart of the alert's query in the thread; needs the scope files:write.
    mention: ids of user groups or users to mention when an incident pages.
    create_channel: open a channel for each incident, post its timeline there, and archive it at the
        end; needs the scopes channels:manage, channels:read and channels:history.
    api_url: Slack's Web API.
    """

    webhook_url: SecretUrl | None = None
    token: Secret | None = None
    channel: str = ""
    buttons: bool = False
    charts: bool = False
    mention: tuple[str, ...] = ()
    create_channel: bool = False
    api_url: HttpUrl = HttpUrl("https://slack.com/api/")

    def __post_init__(self) -> None:
        if (self.webhook_url is None) == (self.token is None):
            raise ValueError("needs either `webhook_url`, or `token` and `channel`")
        if bool(self.channel) != (self.token is not None):
            raise ValueError("`token` needs `channel`" if self.token else "`channel` needs `token`")
        if self.buttons and self.token is None:
            raise ValueError(
                "`buttons` needs `token`: a webhook's message can't be edited after a press"
            )
        if self.charts and self.token is None:
            raise ValueError("`charts` needs `token`: a webhook can't post pictures")
        if self.create_channel and self.token is None:
            raise ValueError("`create_channel` needs `token`: a webhook can't create channels")
        for id_ in self.mention:
            if not ID.fullmatch(id_):
                raise ValueError(
                    f"mention: expected an id like S0123ABCD or U0123ABCD, not {id_!r}"
                )

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            answers="slack" if self.buttons else "",
            edits=self.token is not None,
            charts=self.charts,
            compares=self.token is not None,
            arrives_within=ARRIVES_WITHIN if self.token else super().capabilities.arrives_within,
        )


def build(_name: str, config: SlackConfig, session: aiohttp.ClientSession) -> Sender:
    if config.webhook_url is not None:
        return SlackWebhookSender(
            config.webhook_url, session, groups=config.mention, timeout=config.timeout
        )
    return SlackBotSender(config, session)


class SlackBotSender:
    """One message per incident.

    `ref` is its channel and timestamp, as Slack writes them: `C123:1503435956.000247`.
    """

    def __init__(self, config: SlackConfig, session: aiohttp.ClientSession) -> None:
        assert config.token is not None
        self._channel = config.channel
        self._buttons = config.buttons
        self._groups = config.mention
        self._seconds = config.timeout / 2
        # The client sets no time-out on a given session, so this session has one; connections are
        # shared. Each call gets half, because an attempt is an edit and a reply in the thread.
        self._session = open_session(
            connector=session.connector, connector_owner=False, timeout=timeouts(self._seconds)
        )
        self._client = client(config.token, config.api_url, self._session)
        self._rooms = (
            IncidentChannels(self._client, self._seconds) if config.create_channel else None
        )

    async def send(self, message: Message) -> Result:
        """Edit the incident's message, or post one if there is none that can be edited."""
        is_edit = REF.fullmatch(message.ref) and not message.other_incidents
        result = await self._edit(message) if is_edit else None
        if result is None:
            place = {"channel": self._channel, "unfurl_links": False, "unfurl_media": False}
            result, _ = await self._show("chat.postMessage", place, message)
            if isinstance(result, Sent) and result.ref and message.picture:
                await show_picture(self._client, self._session, message, result.ref, self._seconds)
        # Only now: a page doesn't wait for the incident's own channel.
        if self._rooms and isinstance(result, Sent):
            await self._rooms.follow(message)
        return result

    async def _edit(self, message: Message) -> Result | None:
        """Edit the message, and reply in its thread; None if it can't be edited any more."""
        channel, _, ts = message.ref.partition(":")
        place = {"channel": channel, "ts": ts}
        unmarked = replace(message, may_be_doubled=False)  # a repeated edit adds no second message
        result, error = await self._show("chat.update", place, unmarked)
        if isinstance(result, Sent):
            return await self._reply(message)
        return None if error in UNEDITABLE else result

    async def open(self, form: Form, now: float) -> Result:
        """Open the form. Slack allows three seconds after the press of the button."""
        content = {"trigger_id": form.handle, "view": build_form(form)}
        result, *_ = await self._call("views.open", content, now)
        return result

    async def send_ephemeral(self, reply: EphemeralReply, now: float) -> Result:
        """Show a reply to one user if they are online; it's gone when they reload."""
        content = {"channel": reply.channel, "user": reply.user, "text": mrkdwn(reply.text, ASIDE)}
        result, *_ = await self._call("chat.postEphemeral", content, now)
        return result

    async def compare(self, shown: Sequence[Shown], now: float) -> Sequence[Mismatch]:
        """Find deleted messages, as a `router.ports.reconcile.Comparer`."""

        async def read(method: str, given: Mapping[str, Any]) -> tuple[Result, str, Any]:
            return await self._call(method, given, now, read=True)

        return await deleted(shown, read)

    async def verify(self) -> str | Result:
        """Check the token: https://docs.slack.dev/reference/methods/auth.test."""
        result, _, answer = await self._call("auth.test", {}, 0.0)
        if not isinstance(result, Sent):
            return result
        who, where = named(answer.get("user", "")), named(answer.get("team", ""))
        return f"token of '{who}' in the workspace '{where}' accepted; the channel is not checked"

    async def close(self) -> None:
        await self._session.close()

    async def _reply(self, message: Message) -> Result:
        """Post the changes in the thread of the edited message."""
        news = build_thread(message, self._groups)
        if news is None:
            return Sent(message.ref)
        channel, _, ts = message.ref.partition(":")
        content = {
            "channel": channel,
            "thread_ts": ts,
            # Edits and replies in threads don't notify people.
            "reply_broadcast": is_loud(message),
            "unfurl_links": False,
            **news,
        }
        result, *_ = await self._call("chat.postMessage", content, message.at)
        return result if isinstance(result, Retry) else Sent(message.ref)

    async def _show(
        self, method: str, place: Mapping[str, Any], message: Message
    ) -> tuple[Result, str]:
        """Show the incident at this place, in plain text if Slack can't read the blocks."""
        room = self._rooms.id_of(message.incident) if self._rooms else ""
        content = build_message(
            message, buttons=self._buttons, groups=self._groups, room=room, edited=True
        )
        result, error, _ = await self._call(method, {**place, **content}, message.at)
        if error in UNREADABLE:
            content["blocks"] = []
            result, error, _ = await self._call(method, {**place, **content}, message.at)
        return result, error

    async def _call(
        self, method: str, content: Mapping[str, Any], now: float, *, read: bool = False
    ) -> tuple[Result, str, Any]:
        """Return the result of one call, the name of Slack's error if there is one, and the answer.

        `read`: the method takes no JSON and changes nothing.
        """
        from slack_sdk.errors import SlackApiError  # noqa: PLC0415 -- see client

        idempotent = read or method == "chat.update"
        said: dict[str, Any] = {"params" if read else "json": dict(content)}
        try:
            answer = await self._client.api_call(method, **said)
        except SlackApiError as refusal:
            return *refused(refusal.response, idempotent=idempotent, now=now), None
        except (aiohttp.ClientError, OSError) as exc:
            return from_error(exc, idempotent=idempotent), "", None
        except (AttributeError, TypeError, ValueError):
            # The SDK raises for answers that aren't JSON objects, after the request was sent.
            return unreadable(idempotent=idempotent), "", None
        ref = f"{answer['channel']}:{answer['ts']}" if answer["ts"] else ""
        return Sent(ref), "", answer

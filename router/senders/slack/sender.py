"""Type `slack`: a channel, by an incoming webhook or by an app's bot token.

A webhook can only add messages: one for each change. A bot has one message per incident, edits it
in place, and posts the changes in its thread.

The message matters and the thread is a convenience, which decides the result after a failure
between the two. If the reply in the thread was certainly not made, the result is `Retry`: repeating
the edit does no harm. If it may have been made, or Slack refuses it permanently, the result is
`Sent`, because another try would duplicate it or not help.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec
from msgspec.structs import replace

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.fields import HttpUrl
from router.config.secret import Secret, SecretUrl
from router.model.notification import Message, Rejected, Result, Retry, Sent, Uncertain
from router.ports.channels import Sender
from router.ports.reconcile import Mismatch, Shown
from router.ports.webhooks import EphemeralReply, Form
from router.senders.http import open_session, post, timeouts
from router.senders.in_place import is_loud
from router.senders.outcome import error_word, from_error, from_response, retry_after
from router.senders.slack.blocks import build_form, build_message, build_thread, mrkdwn
from router.senders.slack.channel import IncidentChannels
from router.senders.slack.compare import deleted
from router.senders.slack.files import show_picture
from router.senders.slack.mentions import ID
from router.senders.verify import named

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

# Error names: https://docs.slack.dev/reference/methods/chat.postMessage and chat.update
TRANSIENT = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "update_failed",
    }
)
HALF_DONE = "fatal_error"
"""Slack may have done a part of the request."""

REF = re.compile(r"[A-Z0-9]+:[0-9]+\.[0-9]+")
"""A channel's id and a message's time-stamp.

The `ref` of a channel that had another type before doesn't match.
"""

UNREADABLE = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
UNEDITABLE = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"}
)
"""The message is gone or can't be edited any more: the incident gets a new one."""

ASIDE = 1000
"""Maximum characters of an ephemeral reply, which is a sentence."""

ARRIVES_WITHIN = 300.0
"""Seconds in which Slack may process a request whose answer was lost."""


class SlackConfig(ChannelOptions, frozen=True, kw_only=True):
    """Either `webhook_url`, or `token` and `channel`.

    webhook_url: of an incoming webhook, which has its channel fixed.
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
            raise ValueError(
                "`channel` goes with `token`" + (", which needs it" if self.token else "")
            )
        if self.buttons and self.token is None:
            raise ValueError(
                "`buttons` needs `token`: a webhook's message can't be edited after a press"
            )
        if self.charts and self.token is None:
            raise ValueError("`charts` goes with `token`: a webhook takes no pictures")
        if self.create_channel and self.token is None:
            raise ValueError("`create_channel` goes with `token`: a webhook can't create channels")
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
        return SlackWebhookSender(config, config.webhook_url, session)
    return SlackBotSender(config, session)


class SlackWebhookSender:
    """One message for each change. Slack takes no idempotency key."""

    def __init__(self, config: SlackConfig, url: SecretUrl, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._groups = config.mention
        self._seconds = config.timeout
        self._session = session

    async def send(self, message: Message) -> Result:
        built = build_message(message, groups=self._groups)
        content = {**built, "unfurl_links": False, "unfurl_media": False}
        result, answer = await self._post(content, message.at)
        if isinstance(result, Rejected) and error_word(answer) in UNREADABLE:
            result, _ = await self._post({"text": content["text"]}, message.at)
        return result

    async def verify(self) -> str | Result:
        """Post no text: Slack refuses that with `no_text` if the URL is good.

        https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
        """
        result, answer = await self._post({}, 0.0)
        return "URL accepted" if error_word(answer) == "no_text" else result

    async def close(self) -> None: ...

    async def _post(self, content: Mapping[str, Any], now: float) -> tuple[Result, bytes]:
        return await post(
            self._session,
            self._url.reveal(),
            body=msgspec.json.encode(content),
            headers={"Content-Type": "application/json"},
            timeout=self._seconds,
            idempotent=False,
            now=now,
        )


class SlackBotSender:
    """One message per incident.

    `ref` is its location: `C123:1503435956.000247`, both parts in Slack's own form.
    """

    def __init__(self, config: SlackConfig, session: aiohttp.ClientSession) -> None:
        assert config.token is not None
        self._channel = config.channel
        self._buttons = config.buttons
        self._groups = config.mention
        self._seconds = config.timeout / 2
        # With a session, the client has no time-out, so this session has one, over shared
        # connections. Each call gets half, because an attempt is an edit and a reply in the thread.
        self._session = open_session(
            connector=session.connector, connector_owner=False, timeout=timeouts(self._seconds)
        )
        self._client = _client(config.token, config.api_url, self._session)
        self._rooms = (
            IncidentChannels(self._client, self._seconds) if config.create_channel else None
        )

    async def send(self, message: Message) -> Result:
        """Send the message first: a page doesn't wait for the incident's own channel."""
        result = await self._edit(message) if REF.fullmatch(message.ref) else None
        if result is None:
            result = await self._post(message)
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

    async def _post(self, message: Message) -> Result:
        place = {"channel": self._channel, "unfurl_links": False, "unfurl_media": False}
        result, _ = await self._show("chat.postMessage", place, message)
        if isinstance(result, Sent) and result.ref and message.picture:
            await show_picture(self._client, self._session, message, result.ref, self._seconds)
        return result

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

        async def look(channel: str, ts: str) -> tuple[Result, str]:
            found = {"channel": channel, "message_ts": ts}
            result, error, _ = await self._call("chat.getPermalink", found, now, read=True)
            return result, error

        return await deleted(shown, look)

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
            # An edit or a reply makes no sound.
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
        """The result of one call, the name of Slack's error if there is one, and its answer.

        `read`: a method without JSON, which changes nothing.
        """
        from slack_sdk.errors import SlackApiError  # noqa: PLC0415 -- see _client

        idempotent = read or method == "chat.update"
        said: dict[str, Any] = {"params" if read else "json": dict(content)}
        try:
            answer = await self._client.api_call(method, **said)
        except SlackApiError as refusal:
            return *_refused(refusal.response, idempotent=idempotent, now=now), None
        except (aiohttp.ClientError, OSError) as exc:
            return from_error(exc, idempotent=idempotent), "", None
        except (AttributeError, TypeError, ValueError):
            # The SDK fails on answers that aren't JSON objects, after the request was made.
            return _unreadable(idempotent=idempotent), "", None
        ref = f"{answer['channel']}:{answer['ts']}" if answer["ts"] else ""
        return Sent(ref), "", answer


def _client(token: Secret, api_url: str, session: aiohttp.ClientSession) -> "AsyncWebClient":
    # Imported here, because it costs memory and start-up time.
    from slack_sdk.web.async_client import AsyncWebClient  # noqa: PLC0415

    # In debug mode the SDK logs whole answers, which may echo the token.
    logger = logging.getLogger("slack_sdk.quiet")
    logger.setLevel(logging.INFO)
    return AsyncWebClient(
        token.reveal(), base_url=api_url, session=session, retry_handlers=[], logger=logger
    )


def _refused(response: Any, *, idempotent: bool, now: float) -> tuple[Result, str]:
    """The result of an answer without `ok`, and its error.

    The SDK gives its own response, or aiohttp's if the answer isn't JSON.
    """
    status = response.status_code if hasattr(response, "status_code") else response.status
    data = getattr(response, "data", None)
    error = error_word(str(data.get("error", "")).encode()) if isinstance(data, dict) else ""
    if not 200 <= status < 300:
        return from_response(
            status, response.headers, error.encode(), idempotent=idempotent, now=now
        ), error
    if not error:
        return _unreadable(idempotent=idempotent), ""
    if error == HALF_DONE and not idempotent:
        return Uncertain(error), error
    if error in TRANSIENT:
        return Retry(error, retry_after(response.headers.get("Retry-After", ""), now)), error
    return Rejected(error), error


def _unreadable(*, idempotent: bool) -> Result:
    reason = "answer isn't one of Slack's"
    return Retry(reason) if idempotent else Uncertain(reason)

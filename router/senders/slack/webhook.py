"""An incoming webhook of Slack, which can only add messages: one for each change."""

from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import msgspec

from router.config.secret import SecretUrl
from router.model.notification import Message, Rejected, Result
from router.senders.http import post
from router.senders.outcome import error_word
from router.senders.slack.blocks import UNREADABLE, build_message


class SlackWebhookSender:
    """Sends one message for each change. Slack supports no idempotency key."""

    def __init__(
        self,
        url: SecretUrl,
        session: aiohttp.ClientSession,
        *,
        groups: Sequence[str],
        timeout: float,
    ) -> None:
        self._url = url
        self._groups = groups
        self._seconds = timeout
        self._session = session

    async def send(self, message: Message) -> Result:
        built = build_message(message, groups=self._groups)
        content = {**built, "unfurl_links": False, "unfurl_media": False}
        result, answer = await self._post(content, message.at)
        if isinstance(result, Rejected) and error_word(answer) in UNREADABLE:
            result, _ = await self._post({"text": content["text"]}, message.at)
        return result

    async def verify(self) -> str | Result:
        """Post an empty message: if the URL is valid, Slack rejects it with `no_text`.

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

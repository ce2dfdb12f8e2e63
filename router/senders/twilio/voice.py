"""Type `voice`: a telephone call by Twilio that reads out the incident and accepts keys.

https://www.twilio.com/docs/voice/api/call-resource
"""

from collections.abc import Awaitable
from typing import Any

import aiohttp
from msgspec import field
from msgspec.structs import replace
from twilio.rest import Client

from router.config.channel_options import Capabilities
from router.core.messages.speech import KEYS_FOR_FIRST, ask, say, spoken, spoken_further
from router.core.messages.timeline import news
from router.core.outbox.digest import unanswered
from router.model.notification import Message, Result, Sent
from router.senders.twilio.client import TwilioApi, TwilioOptions, callback, check_number

RING = 30
"""Seconds to ring, before most voice mail answers."""

MAX_CALL = 300
"""Seconds until Twilio hangs up."""


class VoiceConfig(TwilioOptions, frozen=True, kw_only=True):
    """`from` is a number of the account, or one verified as its caller id."""

    from_: str = field(name="from")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("from", self.from_)

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, is_paging=True)


class VoiceSender:
    """`ref` is the SID of the call, or several SIDs with spaces between them."""

    def __init__(self, config: VoiceConfig, session: aiohttp.ClientSession) -> None:
        self._config = config
        self._api = TwilioApi(config, session)

    async def send(self, message: Message) -> Result:
        """Call only about an incident that nobody has acknowledged.

        Other messages count as sent without a call, which would wake somebody needlessly.
        """
        if not unanswered(message.incident):
            return Sent(silent=True)
        wanted = self._build(message)

        def create(client: Client, number: str) -> Awaitable[Any]:
            made: Awaitable[Any] = client.calls.create_async(to=number, **wanted)
            return made

        return await self._api.send(message, create)

    async def verify(self) -> str | Result:
        return await self._api.verify(self._config.from_, "voice")

    async def close(self) -> None: ...

    def _build(self, message: Message) -> dict[str, Any]:
        """The arguments of the package's `create`, except for the number."""
        call = {"from_": self._config.from_, "timeout": RING, "time_limit": MAX_CALL}
        others = [other.incident for other in message.other_incidents if unanswered(other.incident)]
        first = spoken(
            message.incident,
            message.company,
            message.at,
            news(message),
            repeated=message.may_be_doubled,
        )
        words = first + spoken_further(others)
        base = self._config.callback_url
        if base is None or message.for_stakeholder:
            return {**call, "twiml": say(words)}
        twiml = ask(
            f"{words} {KEYS_FOR_FIRST}" if others else words, callback(base, "voice", message)
        )
        return {**call, "twiml": twiml, "status_callback": callback(base, "status", message)}


def build(_name: str, config: VoiceConfig, session: aiohttp.ClientSession) -> VoiceSender:
    return VoiceSender(config, session)

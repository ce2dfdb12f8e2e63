"""Type `sms`: a text message by Twilio.

https://www.twilio.com/docs/messaging/api/message-resource
"""

import re
from collections.abc import Awaitable
from typing import Any

import aiohttp
from msgspec import field
from twilio.rest import Client

from router.core.messages.render import asked, brief
from router.core.messages.summary import TOP
from router.core.messages.timeline import news
from router.core.text.gsm7 import SEGMENT, TWO_SEGMENTS, fit, gsm7, septets
from router.core.text.plain import plain
from router.model.alert import MARK
from router.model.incident import Incident, Status
from router.model.notification import Message, Result
from router.senders.twilio.client import E164, TwilioApi, TwilioOptions, callback

VALIDITY = 600
"""Maximum seconds that Twilio may queue a message. Its default, ten hours, is too long for a page.
"""

MAX_URL = 120
MAX_NAME = 30
MAX_NEWS = 60
MAX_FIRST = 100
MAX_OTHER = 45
"""Maximum septets for the first incident of a bundle, and for each further incident."""

SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")
NUMBER = re.compile(r"\+?[0-9]+")


class SmsConfig(TwilioOptions, frozen=True, kw_only=True):
    """`from` (a number, short code or name) or `messaging_service_sid`."""

    from_: str = field(name="from", default="")
    messaging_service_sid: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.from_) == bool(self.messaging_service_sid):
            raise ValueError("needs either `from` or `messaging_service_sid`")
        if self.messaging_service_sid and not SERVICE_SID.fullmatch(self.messaging_service_sid):
            raise ValueError("messaging_service_sid: expected MG and 32 hexadecimal digits")

    @property
    def answerable(self) -> bool:
        """Check if replies reach the router. Replies to a name instead of a number don't."""
        return self.callback_url is not None and (
            not self.from_ or bool(NUMBER.fullmatch(self.from_))
        )


class SmsSender:
    """`ref` is the SID of the message, or several SIDs with spaces between them."""

    def __init__(self, config: SmsConfig, session: aiohttp.ClientSession) -> None:
        self._config = config
        self._api = TwilioApi(config, session)

    async def send(self, message: Message) -> Result:
        wanted = self._build(message)

        def create(client: Client, number: str) -> Awaitable[Any]:
            made: Awaitable[Any] = client.messages.create_async(to=number, **wanted)
            return made

        return await self._api.send(message, create)

    async def verify(self) -> str | Result:
        """Verify the number, if the sender isn't a short code, a name or a messaging service."""
        number = self._config.from_
        return await self._api.verify(number if E164.fullmatch(number) else "", "sms")

    async def close(self) -> None: ...

    def _build(self, message: Message) -> dict[str, Any]:
        """The arguments of the package's `messages.create`, without the recipient's number."""
        config = self._config
        sender = (
            {"from_": config.from_}
            if config.from_
            else {"messaging_service_sid": config.messaging_service_sid}
        )
        body = {"body": text(message, answerable=config.answerable), "validity_period": VALIDITY}
        base = config.callback_url
        return {
            **sender,
            **body,
            **({"status_callback": callback(base, "status", message)} if base else {}),
        }


def build(_name: str, config: SmsConfig, session: aiohttp.ClientSession) -> SmsSender:
    return SmsSender(config, session)


def text(message: Message, *, answerable: bool) -> str:
    """The message in GSM-7, at most two segments. The title is cut to fit.

    Args:
        message: about an incident in its current state.
        answerable: replies reach the router. Stakeholders are never asked to reply.
    """
    incident, answerable = message.incident, answerable and not message.for_stakeholder
    mark = f"(try {message.attempt}) " if message.may_be_doubled else ""
    if message.other_incidents:
        return _several(message, mark, answerable=answerable)
    if about := asked(message):
        return fit(_words(f"{mark}{incident.name}: {about}"), TWO_SEGMENTS)
    if not incident.is_open:
        return _around(incident, f"{mark}{incident.name} {_end(incident)}: ", "", SEGMENT)
    after = f"\n{message.url}" if _fits(message.url) else ""
    acknowledged = incident.acknowledged_at is not None
    if answerable and not acknowledged:
        after += f"\nReply ACK {incident.id}, RES {incident.id} or ESC {incident.id}."
    state = f"acknowledged{_by(incident.acknowledged_by)}" if acknowledged else ""
    changed = fit(_words(news(message)), MAX_NEWS)
    how = ", ".join(filter(None, (state, changed)))
    before = f"{mark}{incident.severity} {incident.name}{f' {how}' if how else ''}: "
    return _around(incident, before, after, TWO_SEGMENTS)


def _fits(url: str) -> bool:
    return bool(url) and gsm7(url) == url and septets(url) <= MAX_URL


def _several(message: Message, mark: str, *, answerable: bool) -> str:
    """The first incident, then others while they fit, the number of omitted ones, and the list."""
    every = message.other_incidents[TOP:] and _fits(message.list_url)
    after = f"\nAll: {message.list_url}" if every else ""
    after += "\nReply ACK, RES or ESC and the number." if answerable else ""
    first = mark + _words(brief(message.incident))
    others = [_words(brief(other.incident)) for other in message.other_incidents]
    room = TWO_SEGMENTS - septets(after)
    text = fit(first, MAX_FIRST) + f"\nAnd {len(others)} more: "
    left = len(others)
    for other in others:
        rest = f", +{left - 1}" if left > 1 else ""
        comma = "" if left == len(others) else ", "
        named = comma + fit(other, MAX_OTHER)
        if septets(text + named + rest) > room:
            text += f"{comma}+{left}" if comma else ""
            break
        text, left = text + named, left - 1
    return text + after


def _around(incident: Incident, before: str, after: str, limit: int) -> str:
    title = _words(incident.title.removeprefix(MARK)) or "no title"
    before = f"DRILL {before}" if incident.drill else before
    return before + fit(title, limit - septets(before) - septets(after)) + after


def _end(incident: Incident) -> str:
    if incident.status is Status.FALSE_POSITIVE:
        return "was a false positive"
    return f"resolved{_by(incident.closed_by)}"


def _by(name: str) -> str:
    name = fit(_words(name), MAX_NAME)
    return f" by {name}" if name else ""


def _words(text: str) -> str:
    return " ".join(gsm7(plain(text)).split())

"""Twilio's REST API, called with Twilio's own package, for messages and calls.

https://www.twilio.com/docs/usage/api. Twilio supports no idempotency key, so the result of a
request without an answer is `Uncertain`.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from twilio.base.exceptions import TwilioException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.fields import HttpUrl
from router.config.secret import Secret
from router.core.messages.summary import ranges
from router.model.notification import Message, Rejected, Result, Sent, Uncertain
from router.senders.http import timeouts
from router.senders.outcome import from_error
from router.senders.recipients import RecipientList, side_by_side
from router.senders.twilio.errors import from_refusal
from router.senders.verify import verify_twilio

ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
API_KEY_SID = re.compile(r"SK[0-9a-fA-F]{32}")
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
"""A phone number with its country code: https://www.twilio.com/docs/glossary/what-e164."""


class TwilioOptions(ChannelOptions, frozen=True, kw_only=True):
    """The options of messages and calls.

    auth_token: of the account; or `api_key_sid` and `api_key_secret`, which can be revoked
    separately.
    to: numbers in E.164, for messages that don't go to a contact.
    callback_url: the router's public URL, to which Twilio reports replies, pressed keys and
        deliveries. Without it nobody is asked for an answer.
    api_url: for a region, a proxy or a test server.
    """

    account_sid: str
    auth_token: Secret | None = None
    api_key_sid: str = ""
    api_key_secret: Secret | None = None
    to: tuple[str, ...] = ()
    callback_url: HttpUrl | None = None
    api_url: HttpUrl = HttpUrl("https://api.twilio.com")

    def __post_init__(self) -> None:
        if not ACCOUNT_SID.fullmatch(self.account_sid):
            raise ValueError("account_sid: expected AC and 32 hexadecimal digits")
        if bool(self.api_key_sid) != (self.api_key_secret is not None):
            raise ValueError("api_key_sid and api_key_secret go together")
        if (self.auth_token is None) == (self.api_key_secret is None):
            raise ValueError("needs either `auth_token`, or `api_key_sid` and `api_key_secret`")
        if self.api_key_sid and not API_KEY_SID.fullmatch(self.api_key_sid):
            raise ValueError("api_key_sid: expected SK and 32 hexadecimal digits")
        for number in self.to:
            check_number("to", number)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            answers="twilio" if self.callback_url else "",
            reaches="phone",
            callback_url=self.callback_url or "",
            to=self.to,
        )

    @property
    def credentials(self) -> tuple[str, str]:
        """User name and password of the API."""
        if self.api_key_secret is not None:
            return self.api_key_sid, self.api_key_secret.reveal()
        assert self.auth_token is not None
        return self.account_sid, self.auth_token.reveal()


def check_number(field: str, number: str) -> None:
    """Raises: ValueError, unless the number is in E.164."""
    if not E164.fullmatch(number):
        raise ValueError(f"{field}: expected a number with its country code, like +442079460123")


class TwilioApi:
    """Sends one message or makes one call per recipient."""

    def __init__(self, config: TwilioOptions, session: aiohttp.ClientSession) -> None:
        self._config = config
        self._session = session
        self._recipients = RecipientList()

    async def send(
        self, message: Message, create: Callable[[Client, str], Awaitable[Any]]
    ) -> Result:
        """Send to `message.to`, or else to the config's numbers.

        Args:
            message: the message.
            create: creates the message or call to one number, which has a `sid`.
        """
        numbers = (message.to,) if message.to else self._config.to
        if not numbers:
            return Rejected("no recipients: the channel has no `to`")
        if not all(map(E164.fullmatch, numbers)):
            return Rejected("not a number with its country code, like +442079460123")
        send_all = side_by_side(lambda number: self._create(create, number, message.at))
        return await self._recipients.send(message, numbers, send_all)

    async def verify(self, number: str, capability: str) -> str | Result:
        """Check the credentials and the sender's number, unless that is ""."""
        config = self._config
        url = f"{config.api_url.rstrip('/')}/2010-04-01/Accounts/{config.account_sid}"
        return await verify_twilio(
            self._session, url, config.credentials, number, capability, config.timeout
        )

    async def _create(
        self, create: Callable[[Client, str], Awaitable[Any]], number: str, now: float
    ) -> Result:
        wire = _Wire(self._session, self._config)
        client = Client(*self._config.credentials, self._config.account_sid, http_client=wire)
        try:
            async with asyncio.timeout(self._config.timeout):
                made = await create(client, number)
        except TwilioException as refusal:  # the base class of the package's exceptions
            return from_refusal(_code(refusal, wire.status), wire.status, wire.headers, now)
        except (aiohttp.ClientError, OSError) as error:
            return from_error(error, idempotent=False)
        except (AttributeError, TypeError, ValueError) as error:
            if not wire.status:
                return from_error(error, idempotent=False)
            made = None  # the package raises for answers that aren't JSON objects
        return (
            Sent(made.sid)
            if getattr(made, "sid", None)
            else Uncertain("answer isn't one of Twilio's")
        )


class _Wire(AsyncHttpClient):  # type: ignore[misc]  # the package has no types
    """An HTTP client for the package: the router's connections and time-out, without logs.

    The package's own client ignores its time-out, logs phone numbers, and drops the headers of
    answers.
    """

    def __init__(self, session: aiohttp.ClientSession, config: TwilioOptions) -> None:
        super().__init__(logging.getLogger(__name__), is_async=True)
        self._session = session
        self._config = config
        self.status = 0
        self.headers: Mapping[str, str] = {}

    async def request(  # noqa: PLR0913 -- the package's interface
        self,
        method: str,
        uri: str,
        *,
        data: dict[str, object],
        headers: dict[str, str],
        auth: tuple[str, str],
        allow_redirects: bool,
        **_unused: object,
    ) -> Response:
        """Called by the package. Raises: aiohttp.ClientError, OSError."""
        async with self._session.request(
            method,
            # Use only the URL's path: environment variables may have changed the package's host.
            self._config.api_url.rstrip("/") + urlsplit(uri).path,
            data=urlencode(data, doseq=True).encode(),
            headers={**headers, "Authorization": aiohttp.encode_basic_auth(*auth)},
            timeout=timeouts(self._config.timeout),
            allow_redirects=allow_redirects,
        ) as response:
            self.status, self.headers = response.status, response.headers
            return Response(response.status, await _text(response), response.headers)


async def _text(response: aiohttp.ClientResponse) -> str:
    """The body; "" if the connection breaks.

    For an error the status is enough, and a success without a body is uncertain.
    """
    try:
        return (await response.read()).decode("utf-8", "replace")
    except (aiohttp.ClientError, OSError):
        return ""


def _code(refusal: TwilioException, status: int) -> int:
    code = str(getattr(refusal, "code", ""))
    return int(code) if re.fullmatch(r"[0-9]{1,6}", code) else status


def callback(base: HttpUrl, path: str, message: Message) -> str:
    """The URL for Twilio's reports on `message`: the router's `path`, and the message's data."""
    incident, others = message.incident, message.other_incidents
    about: dict[str, object] = {
        "incident": incident.id,
        "channel": message.channel,
        "seq": message.seq,
    }
    if others:
        about["also"] = ranges(other.incident.id for other in others)
    return f"{base.rstrip('/')}/webhooks/twilio/{path}?{urlencode(about)}"

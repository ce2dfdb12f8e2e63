"""E-mail over SMTP: one mail per recipient, one thread per incident.

The Message-ID is derived from the incident, the message's number, the channel and the recipient, so
a repeated mail has the same id, and mail systems can recognize it. SMTP offers nothing better, so
no result is `Uncertain`.
"""

import asyncio
import os
import re
import ssl
from collections.abc import Mapping, Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr

import aiohttp
import aiosmtplib
from msgspec import Struct, field
from msgspec.structs import replace

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.fields import Duration, is_loopback
from router.config.secret import Secret
from router.core.text.plain import plain
from router.model.notification import Message, Rejected, Result, Retry, Sent
from router.model.statuspage import PublicMail
from router.ports.write_guard import check_write
from router.senders.links import answers
from router.senders.mail_text import compose, compose_for_stakeholders, compose_public
from router.senders.outcome import refused_certificate
from router.senders.recipients import RecipientList

MAX_REASON = 300

# After these errors the connection can be used for the next recipient; after others it can't.
_ABOUT_ONE_MAIL = (
    aiosmtplib.SMTPResponseException,
    aiosmtplib.SMTPRecipientsRefused,
    aiosmtplib.SMTPNotSupported,
)
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]*[A-Za-z0-9]")


class Smtp(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The SMTP server.

    tls: use TLS from the first byte (port 465).
    starttls: without `tls`, require an upgrade to TLS (port 587).
    """

    host: str
    port: int | None = None
    tls: bool = False
    starttls: bool = True
    username: str = ""
    password: Secret | None = None

    def __post_init__(self) -> None:
        if bool(self.username) != (self.password is not None):
            raise ValueError("username and password go together")
        if self.username and not (self.tls or self.starttls or is_loopback(self.host)):
            raise ValueError("a password needs tls or starttls")


class MailConfig(ChannelOptions, frozen=True, kw_only=True):
    """Recipients. Addresses may have a name, like `Router <router@example.com>`.

    links: add links to answer with. Anybody who has a link may use it.
    """

    smtp: Smtp
    from_: str = field(name="from")
    to: tuple[str, ...] = ()
    links: bool = True
    timeout: Duration = Duration(15.0)

    def __post_init__(self) -> None:
        for text in (self.from_, *self.to):
            _address(text)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(reaches="email", to=self.to, charts=True)


class MailSender:
    def __init__(self, config: MailConfig) -> None:
        self._config = config
        self._from = _address(config.from_)
        self._to = tuple(_address(text) for text in dict.fromkeys(config.to))
        encrypted = config.smtp.tls or config.smtp.starttls
        self._tls = ssl.create_default_context() if encrypted else None
        self._recipients = RecipientList(shown=str)

    async def send(self, message: Message) -> Result:
        """Send to each recipient.

        `Sent` once each mail is accepted or permanently rejected, and at least one is accepted.
        """
        to = (_address(message.to),) if message.to else self._to
        if not to:
            return Rejected("no recipients: the channel has no `to`")
        named = {address.addr_spec: address for address in to}

        async def send_all(recipients: Sequence[str]) -> Mapping[str, Result]:
            return await self._deliver(
                [
                    (named[recipient], self._compose(message, named[recipient]))
                    for recipient in recipients
                ]
            )

        return await self._recipients.send(message, list(named), send_all)

    async def mail(self, mail: PublicMail) -> Result:
        """Send a mail with public text to a subscriber or customer."""
        try:
            to = _address(mail.to)
        except ValueError:
            return Rejected("not an e-mail address")
        results = await self._deliver([(to, compose_public(mail, self._from, to))])
        return results[to.addr_spec]

    async def verify(self) -> str | Result:
        """Connect, log in and quit."""
        relay = self._connection()
        try:
            async with asyncio.timeout(self._config.timeout):
                await relay.connect()
                await relay.noop()
                await relay.quit()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return self._failed(error)
        finally:
            relay.close()
        login = "login accepted" if self._config.smtp.username else "connected"
        return f"{login} at {self._config.smtp.host}"

    async def close(self) -> None: ...

    async def _deliver(self, mails: Sequence[tuple[Address, EmailMessage]]) -> Mapping[str, Result]:
        """Send all mails over one connection. Returns the result for each recipient."""
        results: dict[str, Result] = {}
        relay = self._connection()
        try:
            async with asyncio.timeout(self._config.timeout):
                await relay.connect()
                _guard_writes(relay)
                for to, mail in mails:
                    results[to.addr_spec] = await self._deliver_one(relay, mail, to)
                await relay.quit()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            # An answer of the server counts, even if the connection broke afterwards.
            return {to.addr_spec: self._failed(error) for to, _ in mails} | results
        finally:
            relay.close()
        return results

    def _compose(self, message: Message, to: Address) -> EmailMessage:
        if message.for_stakeholder:
            return compose_for_stakeholders(message, self._from, to)
        shown = answers(message, to.addr_spec) if self._config.links else ()
        return compose(message, self._from, to, tuple(shown))

    def _connection(self) -> aiosmtplib.SMTP:
        smtp = self._config.smtp
        return aiosmtplib.SMTP(
            hostname=smtp.host,
            port=smtp.port,
            username=smtp.username or None,
            password=smtp.password.reveal() if smtp.password else None,
            use_tls=smtp.tls,
            # By default, the library continues unencrypted if the server doesn't offer the upgrade,
            # which may be an attack.
            start_tls=smtp.starttls and not smtp.tls,
            tls_context=self._tls,
            timeout=self._config.timeout,
        )

    async def _deliver_one(self, relay: aiosmtplib.SMTP, mail: EmailMessage, to: Address) -> Result:
        try:
            await relay.send_message(mail, sender=self._from.addr_spec, recipients=[to.addr_spec])
        except _ABOUT_ONE_MAIL as error:
            return self._failed(error)
        return Sent()

    def _failed(self, error: Exception) -> Result:
        """The result of an error, without the password if the server quotes it."""
        result, password = _result(error), self._config.smtp.password
        said = result.reason.replace(password.reveal(), "***") if password else result.reason
        return replace(result, reason=plain(said)[:MAX_REASON])


def _guard_writes(relay: aiosmtplib.SMTP) -> None:
    """Check each command, and the mail itself, right before it is written.

    The server accepts a mail with its last byte; if the connection ends earlier, it drops the mail.
    """
    assert relay.protocol is not None
    write = relay.protocol.write

    def checked(data: bytes) -> None:
        if data != b"QUIT\r\n":
            check_write()
        write(data)

    relay.protocol.write = checked  # type: ignore[method-assign]


def build(_name: str, config: MailConfig, _session: aiohttp.ClientSession) -> MailSender:
    return MailSender(config)


def _result(error: Exception) -> Retry | Rejected:
    """The result of an SMTP reply or a broken connection (RFC 5321, 4.2.1): 4yz is temporary."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        result = _result(error.recipients[0])
        return replace(result, address=True) if isinstance(result, Rejected) else result
    if isinstance(error, aiosmtplib.SMTPResponseException):
        # The server may quote the rejected command, which contains the credentials.
        quoted = (
            "authentication refused"
            if isinstance(error, aiosmtplib.SMTPAuthenticationError)
            else error.message
        )
        reason = f"SMTP {error.code} {quoted}"
        return Rejected(reason) if 500 <= error.code < 600 else Retry(reason)
    for fault in (error, error.__cause__):
        if isinstance(fault, ssl.SSLCertVerificationError):
            return Rejected(refused_certificate(fault))
    reason = _explained(error)
    # Time-outs and lost connections are temporary. Other errors mean that the server lacks a
    # feature that the config requires.
    return Retry(reason) if isinstance(error, OSError) else Rejected(reason)


def _explained(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPConnectError):
        cause = error.__cause__ or error.__context__
        refused = isinstance(cause, OSError) and cause.errno
        why = os.strerror(refused) if refused else str(error)
        return f"cannot connect to the mail server: {why}"
    if isinstance(error, TimeoutError | aiosmtplib.SMTPTimeoutError):
        return "the mail server did not answer in time"
    return f"the connection to the mail server failed: {error or type(error).__name__}"


def _address(text: str) -> Address:
    """Raises: ValueError."""
    name, address = parseaddr(text)
    # Servers differ on internationalized addresses. Their domain can be written as xn--.
    if not _ADDRESS.fullmatch(address) or "," in text or text != plain(text):
        raise ValueError(f"not an e-mail address: {text!r}")
    return Address(name, *address.split("@"))

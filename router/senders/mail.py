"""E-mail over SMTP: one mail per recipient, one thread per incident.

A mail's Message-ID is made from the incident, the message's number, the channel and the recipient,
so a mail that is sent again after an unknown outcome carries the id it had, by which mail systems
can tell the copy. That's all SMTP offers, so nothing here is ever `Uncertain`.
"""

import asyncio
import hashlib
import re
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from html import escape

import aiohttp
import aiosmtplib
from msgspec import Struct, field

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.fields import Duration, is_loopback
from router.config.secret import Secret
from router.core.messages.render import Message, further, message, to_stakeholders
from router.core.text.plain import plain
from router.model.incident import Severity
from router.model.notification import Letter, Rejected, Result, Retry, Sent
from router.model.statuspage import PublicMail
from router.senders.links import answers
from router.senders.recipients import RecipientList

MAX_SUBJECT = 200
MAX_REASON = 300
BUTTON = (
    "display:inline-block;margin:0 4px 8px 0;padding:10px 16px;border-radius:6px;"
    "background:#0b5cad;color:#ffffff;font-weight:bold;text-decoration:none"
)

# Beyond 76 characters Python's header folding would turn a message id into an encoded word.
MAX_ID_HOST = 30

# These leave the connection usable for the next recipient; all others end it.
_ABOUT_ONE_MAIL = (
    aiosmtplib.SMTPResponseException,
    aiosmtplib.SMTPRecipientsRefused,
    aiosmtplib.SMTPNotSupported,
)
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]*[A-Za-z0-9]")


_TOP = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body style="margin:0;padding:16px;font:16px/1.5 sans-serif;color:#1a1a1a;background:#ffffff">
<div style="max-width:600px;margin:0 auto;overflow-wrap:anywhere">
"""
_BOTTOM = "</div></body></html>\n"

Labelled = Sequence[tuple[str, str]]


class Smtp(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The relay.

    `tls` is from the first byte on (port 465); otherwise `starttls` insists on an upgrade (port
    587).
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
    """Addresses may carry a name, like `Router <router@example.com>`.

    links: put links to answer with into the mails: whoever has one may use it.
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

    async def send(self, letter: Letter) -> Result:
        """Sent once each recipient's mail is accepted or refused for good, and at least one was
        accepted.
        """
        to = (_address(letter.to),) if letter.to else self._to
        if not to:
            return Rejected("nobody to send to: the channel has no `to`")
        named = {one.addr_spec: one for one in to}

        async def tell_all(recipients: Sequence[str]) -> Mapping[str, Result]:
            return await self._deliver(
                [(named[one], self._compose(letter, named[one])) for one in recipients]
            )

        return await self._recipients.tell(letter, list(named), tell_all)

    async def mail(self, mail: PublicMail) -> Result:
        """Mail somebody outside, to whom the incident is nothing but what was published."""
        try:
            to = _address(mail.to)
        except ValueError:
            return Rejected("not an e-mail address")
        results = await self._deliver([(to, compose_public(mail, self._from, to))])
        return results[to.addr_spec]

    async def close(self) -> None: ...

    async def _deliver(self, mails: Sequence[tuple[Address, EmailMessage]]) -> Mapping[str, Result]:
        """The result for each recipient, all over one connection."""
        results: dict[str, Result] = {}
        relay = self._connection()
        try:
            async with asyncio.timeout(self._config.timeout):
                await relay.connect()
                for to, mail in mails:
                    results[to.addr_spec] = await self._deliver_one(relay, mail, to)
                await relay.quit()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            # What the relay has answered stands, whatever broke afterwards.
            return {to.addr_spec: _result(error) for to, _ in mails} | results
        finally:
            relay.close()
        return results

    def _compose(self, letter: Letter, to: Address) -> EmailMessage:
        if letter.onlooker:
            return compose_for_onlookers(letter, self._from, to)
        shown = answers(letter, to.addr_spec) if self._config.links else ()
        return compose(letter, self._from, to, tuple(shown))

    def _connection(self) -> aiosmtplib.SMTP:
        smtp = self._config.smtp
        return aiosmtplib.SMTP(
            hostname=smtp.host,
            port=smtp.port,
            username=smtp.username or None,
            password=smtp.password.reveal() if smtp.password else None,
            use_tls=smtp.tls,
            # Left to itself it would go on in the clear where the upgrade isn't offered, by fault
            # or by attack.
            start_tls=smtp.starttls and not smtp.tls,
            tls_context=self._tls,
            timeout=self._config.timeout,
        )

    async def _deliver_one(self, relay: aiosmtplib.SMTP, mail: EmailMessage, to: Address) -> Result:
        try:
            await relay.send_message(mail, sender=self._from.addr_spec, recipients=[to.addr_spec])
        except _ABOUT_ONE_MAIL as error:
            return _result(error)
        return Sent()


def build(_name: str, config: MailConfig, _session: aiohttp.ClientSession) -> MailSender:
    return MailSender(config)


def compose(letter: Letter, sender: Address, to: Address, shown: Labelled = ()) -> EmailMessage:
    """The mail about `letter` to one recipient: text first, HTML as the alternative to it.

    `shown` are the links to answer with: the label and the URL of each.
    """
    said = message(letter)
    incident = letter.incident
    mail = _about(letter, sender, to, said.subject)
    if incident.severity in {Severity.P0, Severity.P1} and incident.is_open:
        mail["Importance"] = "high"
        mail["X-Priority"] = "1"
    facts = "".join(f"\n{name}: {value}" for name, value in said.facts)
    asked = "".join(f"\n{label}: {url}" for label, url in shown) + ("\n" if shown else "")
    mail.set_content(f"{said.text}\n{asked}{facts}\n", cte="quoted-printable")
    chart = f"chart.{mail['Message-ID'][1:-1]}" if letter.picture else ""
    mail.add_alternative(
        _html(said, shown, chart, further(letter)), subtype="html", cte="quoted-printable"
    )
    if chart:
        *_, html = mail.iter_parts()
        assert isinstance(html, EmailMessage)
        html.add_related(
            letter.picture,
            "image",
            "png",
            cid=f"<{chart}>",
            filename="chart.png",
            disposition="inline",
        )
    return mail


def compose_for_onlookers(letter: Letter, sender: Address, to: Address) -> EmailMessage:
    """The mail to who only wants to know how it stands: nothing in it asks for an answer."""
    said = to_stakeholders(letter)
    mail = _about(letter, sender, to, said.subject)
    mail.set_content(f"{said.text}\n", cte="quoted-printable")
    paragraphs = "\n".join(
        f'<p style="margin:0 0 16px">{escape(one).replace(chr(10), "<br>")}</p>'
        for one in said.text.split("\n\n")
    )
    mail.add_alternative(f"{_TOP}{paragraphs}\n{_BOTTOM}", subtype="html", cte="quoted-printable")
    return mail


def _about(letter: Letter, sender: Address, to: Address, subject: str) -> EmailMessage:
    """An empty mail in the thread of its incident."""
    incident, host = letter.incident, _id_host(sender)
    # Two routers, or one with a new database, give the same numbers to other incidents: the opening
    # time tells.
    root = f"<incident-{incident.id}.{incident.opened_at:.0f}@{host}>"
    # What is tried again with further incidents in it is another mail, not a copy that a mailbox
    # may drop.
    also = "".join(f"|{other.incident.id}" for other in letter.also)
    whose = hashlib.sha256(
        f"{incident.opened_at}|{letter.channel}|{to.addr_spec}{also}".encode()
    ).hexdigest()[:16]
    return _headed(
        sender, to, subject, letter.at, f"<inc-{incident.id}.{letter.seq}.{whose}@{host}>", root
    )


def compose_public(mail: PublicMail, sender: Address, to: Address) -> EmailMessage:
    """A mail to a subscriber.

    With RFC 8058's headers a mail program has a button to unsubscribe.
    """
    host = _id_host(sender)
    root = f"<{mail.thread}@{host}>" if mail.thread else ""
    message = _headed(sender, to, mail.subject, mail.at, f"<{mail.name}@{host}>", root)
    if mail.unsubscribe:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(f"{mail.text}\n", cte="quoted-printable")
    return message


def _headed(  # noqa: PLR0913, PLR0917 - each is a header
    sender: Address, to: Address, subject: str, at: float, message_id: str, root: str
) -> EmailMessage:
    """A mail with what all mails have; nothing in it yet."""
    mail = EmailMessage(SMTP_POLICY)
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = plain(subject)[:MAX_SUBJECT]
    mail["Date"] = format_datetime(datetime.fromtimestamp(at, UTC))
    mail["Message-ID"] = message_id
    if root:
        # The root was never sent: clients group what refers to it, even for who joined late or lost
        # the first mail.
        mail["In-Reply-To"] = root
        mail["References"] = root
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    return mail


def _id_host(sender: Address) -> str:
    return sender.domain[-MAX_ID_HOST:].lstrip(".-")


def _html(said: Message, shown: Labelled, chart: str, further: str) -> str:
    top = (
        ("Status", said.status),
        ("Impact", said.impact),
        ("Started", said.started),
        ("Incident Lead", said.lead),
    )
    links = " &nbsp; ".join(
        f'<a href="{escape(url)}">{escape(name)}</a>' for name, url in said.links
    )
    also = "<br>\n".join(
        f'<a href="{escape(url)}">{escape(what)}</a>' if url else escape(what)
        for what, url in said.also
    )
    more = (
        f'<h2 style="font-size:16px;margin:16px 0 4px">{further}</h2>\n<p>{also}</p>'
        if also
        else ""
    )
    buttons = "".join(
        f'<a href="{escape(url)}" style="{BUTTON}">{escape(label)}</a>' for label, url in shown
    )
    alt = "What the alert measured"
    picture = (
        f'<img src="cid:{escape(chart)}" alt="{alt}" style="display:block;width:100%">'
        if chart
        else ""
    )
    return f"""{_TOP}<h1 style="font-size:20px;margin:0 0 12px">{escape(said.headline)}</h1>
{_table(top)}
<p style="margin:16px 0">{buttons}</p>
<h2 style="font-size:16px;margin:16px 0 4px">Updates</h2>
{_table(said.updates)}
<p style="margin:16px 0">{links}</p>
{picture}
{more}
<div style="color:#555555;font-size:14px">{_table(said.facts)}</div>
{_BOTTOM}"""


def _table(rows: tuple[tuple[str, str], ...]) -> str:
    cell = '<td style="padding:2px 12px 2px 0;vertical-align:top">'
    lines = (
        f"<tr>{cell}<b>{escape(name)}</b></td>{cell}{escape(value)}</td></tr>"
        for name, value in rows
    )
    return (
        '<table role="presentation" style="border-collapse:collapse">\n'
        + "\n".join(lines)
        + "\n</table>"
    )


def _result(error: Exception) -> Result:
    """What an SMTP reply or a broken connection means (RFC 5321, 4.2.1): 4yz may pass later, 5yz
    won't.
    """
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return _result(error.recipients[0])
    if isinstance(error, aiosmtplib.SMTPResponseException):
        # A server may quote the refused command, and with it the credentials.
        quoted = (
            "authentication refused"
            if isinstance(error, aiosmtplib.SMTPAuthenticationError)
            else error.message
        )
        reason = plain(f"SMTP {error.code} {quoted}")[:MAX_REASON]
        return Rejected(reason) if 500 <= error.code < 600 else Retry(reason)
    if isinstance(error, ssl.SSLCertVerificationError) or isinstance(
        error.__cause__, ssl.SSLCertVerificationError
    ):
        return Rejected("the mail server's certificate isn't valid for it")
    reason = plain(f"{type(error).__name__}: {error}").rstrip(": ")[:MAX_REASON]
    # Timeouts and lost connections pass; what else the library raises is a server that lacks what
    # the config asks for.
    return Retry(reason) if isinstance(error, OSError) else Rejected(reason)


def _address(text: str) -> Address:
    """Raises: ValueError."""
    name, address = parseaddr(text)
    # Which of an internationalised address a relay takes is unsure; its domain can be written as
    # xn--.
    if not _ADDRESS.fullmatch(address) or "," in text or text != plain(text):
        raise ValueError(f"not an e-mail address: {text!r}")
    return Address(name, *address.split("@"))

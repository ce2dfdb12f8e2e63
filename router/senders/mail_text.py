"""Mails about incidents and to subscribers: text, with HTML as the alternative."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from html import escape

from router.core.messages.render import Content, content, to_stakeholders
from router.core.messages.summary import further
from router.core.text.plain import plain
from router.model.incident import Severity
from router.model.notification import Message
from router.model.statuspage import PublicMail

MAX_SUBJECT = 200

# Python's header folding would turn a message id of more than 76 characters into an encoded word.
MAX_ID_HOST = 30

BUTTON = (
    "display:inline-block;margin:0 4px 8px 0;padding:10px 16px;border-radius:6px;"
    "background:#0b5cad;color:#ffffff;font-weight:bold;text-decoration:none"
)

_TOP = """<!DOCTYPE html>
<html><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body style="margin:0;padding:16px;font:16px/1.5 sans-serif;color:#1a1a1a;background:#ffffff">
<div style="max-width:600px;margin:0 auto;overflow-wrap:anywhere">
"""
_BOTTOM = "</div></body></html>\n"

Labelled = Sequence[tuple[str, str]]


def compose(message: Message, sender: Address, to: Address, shown: Labelled = ()) -> EmailMessage:
    """The mail about `message` to one recipient. `shown`: (label, URL) of links for answers."""
    said, incident = content(message), message.incident
    mail = _about(message, sender, to, said.subject)
    if incident.severity in {Severity.P0, Severity.P1} and incident.is_open:
        mail["Importance"] = "high"
        mail["X-Priority"] = "1"
    mail.set_content(_text(said, shown), cte="quoted-printable")
    chart = f"chart.{mail['Message-ID'][1:-1]}" if message.picture else ""
    html = _html(said, shown, chart, further(message.other_incidents))
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    if chart:
        _attach(mail, message.picture, chart)
    return mail


def compose_for_stakeholders(message: Message, sender: Address, to: Address) -> EmailMessage:
    """The mail to stakeholders, which asks for no answer."""
    said = to_stakeholders(message)
    mail = _about(message, sender, to, said.subject)
    mail.set_content(f"{said.text}\n", cte="quoted-printable")
    style = 'style="margin:0 0 16px"'
    paragraphs = "\n".join(
        f"<p {style}>{_lines(paragraph)}</p>" for paragraph in said.text.split("\n\n")
    )
    html = f"{_TOP}{paragraphs}\n{_BOTTOM}"
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    return mail


def _text(said: Content, shown: Labelled) -> str:
    answers = "".join(f"\n{label}: {url}" for label, url in shown) + ("\n" if shown else "")
    facts = "".join(f"\n{name}: {value}" for name, value in said.facts)
    details = "".join(f"\n\n{name}:\n{value}" for name, value in said.details)
    return f"{said.text}\n{answers}{facts}{details}\n"


def _attach(mail: EmailMessage, picture: bytes, name: str) -> None:
    *_, html = mail.iter_parts()
    assert isinstance(html, EmailMessage)
    html.add_related(
        picture, "image", "png", cid=f"<{name}>", filename="chart.png", disposition="inline"
    )


def _about(message: Message, sender: Address, to: Address, subject: str) -> EmailMessage:
    """An empty mail in the thread of its incident."""
    incident, host = message.incident, _id_host(sender)
    # Two routers, or one router with a new database, may use the same number for different
    # incidents. The opening time distinguishes them.
    root = f"<incident-{incident.id}.{incident.opened_at:.0f}@{host}>"
    # A retry with more incidents is a different mail: a mailbox must not drop it as a copy.
    also = "".join(f"|{other.incident.id}" for other in message.other_incidents)
    about = f"{incident.opened_at}|{message.channel}|{to.addr_spec}{also}"
    whose = hashlib.sha256(about.encode()).hexdigest()[:16]
    message_id = f"<inc-{incident.id}.{message.seq}.{whose}@{host}>"
    return _headed(sender, to, subject, message.at, message_id, root)


def compose_public(mail: PublicMail, sender: Address, to: Address) -> EmailMessage:
    """A mail to a subscriber, with a button to unsubscribe by RFC 8058."""
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
    """A mail with the headers that all mails have, and no content yet."""
    mail = EmailMessage(SMTP_POLICY)
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = plain(subject)[:MAX_SUBJECT]
    mail["Date"] = format_datetime(datetime.fromtimestamp(at, UTC))
    mail["Message-ID"] = message_id
    if root:
        # No mail with the thread's root id is ever sent. Clients group the mails that refer to it.
        mail["In-Reply-To"] = root
        mail["References"] = root
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    return mail


def _id_host(sender: Address) -> str:
    return sender.domain[-MAX_ID_HOST:].lstrip(".-")


def _html(said: Content, shown: Labelled, chart: str, further: str) -> str:
    top = (
        ("Status", said.status),
        ("Impact", said.impact),
        ("Started", said.started),
        ("Incident Lead", said.lead),
    )
    links = " &nbsp; ".join(_link(url, name) for name, url in said.links)
    others = "<br>\n".join(_link(url, line) if url else escape(line) for line, url in said.others)
    more = f"{_heading(further)}\n<p>{others}</p>" if others else ""
    buttons = "".join(_link(url, label, f' style="{BUTTON}"') for label, url in shown)
    details = "\n".join(
        f'<p style="margin:8px 0"><b>{escape(name)}</b><br>{_lines(text)}</p>'
        for name, text in said.details
    )
    return f"""{_TOP}<h1 style="font-size:20px;margin:0 0 12px">{escape(said.headline)}</h1>
{_table(top)}
<p style="margin:16px 0">{buttons}</p>
{_heading("Updates")}
{_table(said.updates)}
<p style="margin:16px 0">{links}</p>
{_picture(chart)}
{more}
<div style="color:#555555;font-size:14px">{_table(said.facts)}
{details}</div>
{_BOTTOM}"""


def _heading(text: str) -> str:
    return f'<h2 style="font-size:16px;margin:16px 0 4px">{text}</h2>'


def _link(url: str, text: str, style: str = "") -> str:
    return f'<a href="{escape(url)}"{style}>{escape(text)}</a>'


def _picture(chart: str) -> str:
    if not chart:
        return ""
    style = "display:block;width:100%"
    return f'<img src="cid:{escape(chart)}" alt="Measured value over time" style="{style}">'


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>\n")


def _table(rows: tuple[tuple[str, str], ...]) -> str:
    cell = '<td style="padding:2px 12px 2px 0;vertical-align:top">'
    lines = "\n".join(
        f"<tr>{cell}<b>{escape(name)}</b></td>{cell}{escape(value)}</td></tr>"
        for name, value in rows
    )
    return f'<table role="presentation" style="border-collapse:collapse">\n{lines}\n</table>'

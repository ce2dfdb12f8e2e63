"""E-mail: what the mails look like, and what a real SMTP server's replies mean."""

import asyncio
import contextlib
import email
import email.policy
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import structlog
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from router.config.fields import Duration
from router.config.secret import Secret
from router.model.incident import Severity, Status
from router.model.notification import Rejected, Result, Retry, Sent
from router.senders.mail import MailConfig, MailSender, Smtp, build
from tests.senders.certificate import make_certificate, server_context
from tests.senders.kit import NOW, make_message, mentions, refusing_url

PASSWORD = "correct-horse-battery"


class Relay:
    """An SMTP server that stores accepted mails and refuses on request, at RCPT, MAIL or DATA."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, EmailMessage]] = []
        self.connections = 0
        self.refuse_recipient: dict[str, str] = {}
        self.refuse_sender = ""
        self.refuse_data = ""
        self.after_data: Callable[[SMTP], Any] = lambda _: None

    async def handle_MAIL(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if self.refuse_sender:
            return self.refuse_sender
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if address in self.refuse_recipient:
            return self.refuse_recipient[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.refuse_data:
            return self.refuse_data
        assert isinstance(envelope.content, bytes)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((",".join(envelope.rcpt_tos), mail))
        self.after_data(server)
        return "250 queued"


@contextlib.asynccontextmanager
async def running(relay: Relay, **options: Any) -> AsyncIterator[int]:
    """The relay on loopback; gives its port."""

    served: list[SMTP] = []

    def connected() -> SMTP:
        relay.connections += 1
        served.append(SMTP(relay, **options))
        return served[-1]

    server = await asyncio.get_running_loop().create_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        # aiosmtpd leaves open what the client didn't end politely, and the loop would complain of
        # it.
        for server in served:
            server._handler_coroutine.cancel()
            for transport in filter(None, (server.transport, server._original_transport)):
                transport.abort()
        await asyncio.gather(
            *(server._handler_coroutine for server in served), return_exceptions=True
        )


@pytest.fixture
def relay() -> Relay:
    return Relay()


@pytest.fixture
async def port(relay: Relay) -> AsyncIterator[int]:
    async with running(relay) as port:
        yield port


def make_sender(port: int, *to: str, timeout: float = 5.0, **smtp: Any) -> MailSender:
    options = {"host": "127.0.0.1", "port": port, "starttls": False, **smtp}
    config = MailConfig(
        smtp=Smtp(**options),
        from_="Router <router@example.com>",
        to=to or ("eng@example.com",),
        timeout=Duration(timeout),
    )
    return MailSender(config)


async def test_each_recipient_gets_a_mail_of_their_own(relay: Relay, port: int) -> None:
    """One recipient doesn't see another, and all go over one connection."""
    assert (
        await make_sender(port, "Ana <ana@example.com>", "ben@example.com").send(make_message())
        == Sent()
    )
    assert [(to, mail["To"]) for to, mail in relay.mails] == [
        ("ana@example.com", "Ana <ana@example.com>"),
        ("ben@example.com", "ben@example.com"),
    ]
    assert relay.connections == 1


async def test_a_mail_to_a_person_goes_to_them_alone(relay: Relay, port: int) -> None:
    """Not to the channel's recipients; each person gets one although the messages share a
    number.
    """
    relay.refuse_recipient = {"ana@example.com": "451 later"}
    sender = make_sender(port)
    ana = make_message(channel="mail/ana", to="ana@example.com")
    assert isinstance(await sender.send(ana), Retry)
    assert await sender.send(make_message(channel="mail/ben", to="ben@example.com")) == Sent()
    relay.refuse_recipient = {}
    assert await sender.send(ana) == Sent()
    assert [to for to, _ in relay.mails] == ["ben@example.com", "ana@example.com"]


async def test_a_channel_for_people_alone_needs_no_recipients_of_its_own(
    relay: Relay, port: int
) -> None:
    """A message to nobody is given up, with the reason."""
    config = MailConfig(
        smtp=Smtp(host="127.0.0.1", port=port, starttls=False), from_="router@example.com"
    )
    assert await MailSender(config).send(make_message()) == Rejected(
        "no recipients: the channel has no `to`"
    )


async def test_headers_are_those_of_an_automatic_mail_that_matters(relay: Relay, port: int) -> None:
    await make_sender(port).send(make_message())
    mail = relay.mails[0][1]
    assert mail["From"] == "Router <router@example.com>"
    assert mail["Subject"] == "[INC-142] Payment failures at 2.5% on api"
    assert mail["Date"] == "Thu, 01 Jan 2026 12:10:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["Importance"] == "high"
    assert mail["Message-ID"].startswith("<inc-142.1.")
    assert mail["In-Reply-To"] == mail["References"] == "<incident-142.1767268800@example.com>"


@pytest.mark.parametrize(
    "change", [{"severity": Severity.P2}, {"status": Status.RESOLVED, "closed_at": NOW}]
)
async def test_importance_is_for_what_is_urgent_now(
    relay: Relay, port: int, change: dict[str, Any]
) -> None:
    await make_sender(port).send(make_message(**change))
    assert relay.mails[0][1]["Importance"] is None


async def test_text_and_html_say_the_same(relay: Relay, port: int) -> None:
    """The plan's text comes first, and the HTML alternative has every part of it."""
    await make_sender(port).send(make_message())
    text, html = relay.mails[0][1].iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().startswith(
        "🚨 [P0] VintStreet Incident\r\n\r\nStatus: INVESTIGATING\r\n"
    )
    assert "service: api" in text.get_content()
    shown = text_of(html.get_content())
    for part in (
        "🚨 [P0] VintStreet Incident",
        "INVESTIGATING",
        "2026-01-01 12:00 UTC",
        "nobody yet",
        "Runbook",
        "api",
    ):
        assert part in shown


def text_of(html: str) -> str:
    """Visible text, a line for each piece. Any unexpected element fails."""
    seen: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            assert tag in {
                "html",
                "head",
                "meta",
                "body",
                "div",
                "h1",
                "h2",
                "table",
                "tr",
                "td",
                "b",
                "p",
                "br",
                "a",
            }, tag

        def handle_data(self, data: str) -> None:
            seen.append(data)

    Reader().feed(html)
    return "\n".join(seen)


async def test_a_chart_is_within_the_mail(relay: Relay, port: int) -> None:
    """The HTML shows it by its Content-ID, so that nothing has to be fetched; the text does
    without.
    """
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
    assert (
        await make_sender(port).send(msgspec.structs.replace(make_message(), picture=picture))
        == Sent()
    )
    mail = relay.mails[0][1]
    _, related = mail.iter_parts()
    html, image = related.iter_parts()
    assert [part.get_content_type() for part in (mail, related, html, image)] == [
        "multipart/alternative", "multipart/related", "text/html", "image/png",
    ]  # fmt: skip
    assert image.get_content() == picture
    assert image.get_content_disposition() == "inline"
    assert (
        f'<img src="cid:{image["Content-ID"][1:-1]}" alt="Measured value over time"'
        in html.get_content()
    )


async def test_markup_and_line_ends_from_alerts_stay_text(relay: Relay, port: int) -> None:
    """A title can neither add a header nor an element."""
    title = "<script>alert(1)</script>\r\nBcc: everyone@example.com"
    runbook = 'https://example.com/"onclick="alert(1)'
    assert await make_sender(port).send(make_message(title=title, runbook=runbook)) == Sent()
    mail = relay.mails[0][1]
    assert mail["Bcc"] is None
    assert mail["Subject"] == "[INC-142] <script>alert(1)</script> Bcc: everyone@example.com"
    html = mail.get_body(("html",)).get_content()
    assert "<script>alert(1)</script> Bcc" in text_of(html)
    assert "onclick=" not in html.replace("&quot;onclick=", "")


async def test_a_long_title_and_domain_keep_the_mail_in_form(relay: Relay, port: int) -> None:
    """Lines stay within SMTP's limit, and ids aren't mangled by folding."""
    config = MailConfig(
        smtp=Smtp(host="127.0.0.1", port=port, starttls=False),
        from_=f"router@{'a' * 60}.{'b' * 60}.example.com",
        to=("eng@example.com",),
    )
    assert await MailSender(config).send(make_message(title="ü" * 3000)) == Sent()
    mail = relay.mails[0][1]
    for name in ("Message-ID", "In-Reply-To", "References"):
        assert mail[name].startswith("<")
        assert mail[name].endswith(".example.com>")
    assert mail["Subject"].startswith("[INC-142] üüü")
    assert max(map(len, mail.as_bytes().split(b"\n"))) <= 998


async def ids(relay: Relay, port: int, **changes: Any) -> str:
    relay.mails.clear()
    assert await make_sender(port).send(make_message(**changes)) == Sent()
    return str(relay.mails[0][1]["Message-ID"])


async def test_the_same_message_has_the_same_id_and_another_another(
    relay: Relay, port: int
) -> None:
    """A repeat after an unknown outcome is recognisable; no other message has its id."""
    first = await ids(relay, port)
    assert await ids(relay, port, at=NOW + 60) == first
    others = [
        await ids(relay, port, seq=2),
        await ids(relay, port, channel="other"),
        await ids(relay, port, id=143),
        # a new database starts counting at 1 again
        await ids(relay, port, opened_at=NOW - 601),
    ]
    assert len({first, *others}) == 5


REPLIES: list[tuple[str, type[Result]]] = [
    ("421 4.3.2 closing", Retry),
    ("450 4.2.0 greylisted", Retry),
    ("451 4.3.0 local error", Retry),
    ("452 4.2.2 out of space", Retry),
    ("500 5.5.2 syntax", Rejected),
    ("530 5.7.0 authentication required", Rejected),
    ("550 5.1.1 no such user", Rejected),
    ("552 5.2.2 mailbox full", Rejected),
    ("553 5.1.3 bad address", Rejected),
    ("554 5.7.1 spam", Rejected),
]


@pytest.mark.parametrize(("reply", "kind"), REPLIES)
@pytest.mark.parametrize("stage", ["sender", "recipient", "data"])
async def test_a_reply_is_taken_for_what_it_means(
    relay: Relay, port: int, reply: str, kind: type[Result], stage: str
) -> None:
    """4yz passes with time, 5yz doesn't, at whichever command it comes (RFC 5321, 4.2.1)."""
    if stage == "recipient":
        relay.refuse_recipient["eng@example.com"] = reply
    else:
        setattr(relay, f"refuse_{stage}", reply)
    result = await make_sender(port).send(make_message())
    assert type(result) is kind
    assert isinstance(result, Retry | Rejected)
    assert result.reason == f"SMTP {reply}"


async def test_one_bad_address_keeps_nobody_else_from_their_mail(relay: Relay, port: int) -> None:
    """It's sent if anybody has it; who was refused for good is in the log."""
    relay.refuse_recipient["gone@example.com"] = "550 5.1.1 no such user"
    with structlog.testing.capture_logs() as logs:
        assert (
            await make_sender(port, "gone@example.com", "ben@example.com").send(make_message())
            == Sent()
        )
    assert [to for to, _ in relay.mails] == ["ben@example.com"]
    assert [(line["event"], line["to"]) for line in logs] == [
        ("recipient_refused", "gone@example.com")
    ]


async def test_a_retry_goes_only_to_who_doesnt_have_it(relay: Relay, port: int) -> None:
    """A slow mailbox doesn't fill the others; the next message goes to all again."""
    sender = make_sender(port, "ana@example.com", "slow@example.com")
    relay.refuse_recipient["slow@example.com"] = "450 4.2.0 greylisted"
    message = make_message()
    for _ in range(3):
        result = await sender.send(message)
        assert isinstance(result, Retry)
        message = make_message(progress=result.progress)
    relay.refuse_recipient.clear()
    assert await sender.send(message) == Sent()
    assert [to for to, _ in relay.mails] == ["ana@example.com", "slow@example.com"]
    assert await sender.send(make_message(seq=2)) == Sent()
    assert [to for to, _ in relay.mails][2:] == ["ana@example.com", "slow@example.com"]


async def test_a_connection_lost_after_the_data_is_worth_another_try(
    relay: Relay, port: int
) -> None:
    """The relay may have it or not: the mail is sent again with the id it had."""
    sender = make_sender(port)
    relay.after_data = lambda server: server.transport.abort()
    assert isinstance(await sender.send(make_message()), Retry)
    relay.after_data = lambda _: None
    assert await sender.send(make_message()) == Sent()
    assert len({mail["Message-ID"] for _, mail in relay.mails}) == 1


async def test_what_was_accepted_stays_so_when_the_goodbye_fails(relay: Relay, port: int) -> None:
    """A relay that hangs up right after its 250 has the mail."""
    relay.after_data = lambda server: asyncio.get_running_loop().call_later(
        0.05, server.transport.abort
    )
    sender = make_sender(port)
    first = await sender.send(make_message())
    assert first == Sent()
    assert len(relay.mails) == 1


async def test_nobody_listening_is_worth_another_try() -> None:
    port = int(refusing_url().rpartition(":")[2])
    result = await make_sender(port).send(make_message())
    assert isinstance(result, Retry)
    assert result.reason == "cannot connect to the mail server: Connection refused"


async def test_a_relay_that_says_nothing_is_given_up_on_in_time() -> None:
    over = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        over.set()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        result = await make_sender(server.sockets[0].getsockname()[1], timeout=0.2).send(
            make_message()
        )
        assert isinstance(result, Retry)
        await over.wait()


async def test_starttls_that_isnt_offered_isnt_done_without(relay: Relay, port: int) -> None:
    """Fail closed: not one mail in the clear."""
    result = await make_sender(port, starttls=True).send(make_message())
    assert isinstance(result, Rejected)
    assert "STARTTLS" in result.reason
    assert not relay.mails


async def test_starttls_encrypts_what_it_can_verify(
    relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent to a relay whose certificate is trusted, over TLS as the relay insists on it."""
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = server_context(certificate)
    async with running(relay, tls_context=tls, require_starttls=True) as port:
        assert await make_sender(port, starttls=True).send(make_message()) == Sent()
    assert len(relay.mails) == 1


async def test_a_relay_that_cant_prove_itself_gets_nothing(relay: Relay, tmp_path: Path) -> None:
    """A certificate nobody vouches for is no reason to go on."""
    tls = server_context(make_certificate(tmp_path))
    async with running(relay, tls_context=tls, require_starttls=True) as port:
        result = await make_sender(port, starttls=True).send(make_message())
    assert result == Rejected("TLS certificate refused: self-signed certificate")
    assert not relay.mails


def login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@pytest.mark.parametrize(("password", "kind"), [(PASSWORD, Sent), ("wrong-" + PASSWORD, Rejected)])
async def test_logs_in_and_doesnt_insist_on_a_wrong_password(
    relay: Relay, password: str, kind: type[Result]
) -> None:
    """A refused password is for the operators: trying again may lock the account.

    It's in no reason.
    """
    async with running(relay, authenticator=login, auth_require_tls=False) as port:
        result = await make_sender(port, username="router", password=Secret(password)).send(
            make_message()
        )
    assert type(result) is kind
    assert password not in repr(result)


async def test_a_relay_that_quotes_the_login_leaks_nothing(relay: Relay) -> None:
    """A server's text about a login may be the login."""

    def quoting(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=False, handled=False, message=f"535 5.7.8 no {data.password!r}")

    async with running(relay, authenticator=quoting, auth_require_tls=False) as port:
        result = await make_sender(port, username="router", password=Secret(PASSWORD)).send(
            make_message()
        )
    assert result == Rejected("SMTP 535 authentication refused")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Smtp(host="smtp.example.com", username="router"),
        lambda: Smtp(host="smtp.example.com", password=Secret("x")),
        lambda: Smtp(
            host="smtp.example.com", username="router", password=Secret("x"), starttls=False
        ),
        lambda: MailConfig(smtp=Smtp(host="h"), from_="router", to=("a@example.com",)),
        lambda: MailConfig(
            smtp=Smtp(host="h"), from_="router@example.com", to=("a@example.com, b@example.com",)
        ),
        lambda: MailConfig(
            smtp=Smtp(host="h"), from_="router@example.com", to=("jürgen@example.com",)
        ),
        lambda: MailConfig(
            smtp=Smtp(host="h"), from_="router@example.com", to=("a@example.com\r\nBcc: b@c.d",)
        ),
    ],
)
def test_a_config_that_cant_work_or_isnt_safe_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"go together|needs tls|nobody|not an e-mail address"):
        make()


async def test_built_from_config_it_sends(relay: Relay, port: int) -> None:
    smtp = Smtp(host="localhost", port=port, starttls=False)
    config = MailConfig(smtp=smtp, from_="router@example.com", to=("eng@example.com",))
    async with aiohttp.ClientSession() as session:
        sender = build("mail", config, session)
        assert await sender.send(make_message()) == Sent()
        await sender.close()


async def test_each_mailbox_has_links_of_its_own(relay: Relay, port: int) -> None:
    """In the text and as buttons, escaped; without a key there are none."""
    message = make_message(
        link=lambda command, who: f"https://router.example.com/act/{command}?{who}&x"
    )
    sender = make_sender(port, "ana@example.com", "ben@example.com")
    await sender.send(message)
    await sender.send(make_message(seq=2))
    for who, (_, mail) in zip(("ana", "ben"), relay.mails, strict=False):
        text, html = (part.get_content() for part in mail.iter_parts())
        for label, command in (
            ("Acknowledge", "ack"),
            ("Escalate", "escalate"),
            ("Resolve", "resolve"),
        ):
            url = f"https://router.example.com/act/{command}?{who}@example.com&x"
            assert f"\r\n{label}: {url}\r\n" in text
            assert f'href="{url.replace("&", "&amp;")}"' in html
    assert "/act/" not in relay.mails[2][1].as_string()


async def test_several_incidents_are_one_mail(relay: Relay, port: int) -> None:
    """In text and HTML, with a link to each; another set of incidents is another mail."""
    sender = make_sender(port, "ana@example.com")
    for count in (2, 1):
        await sender.send(
            make_message(other_incidents=mentions(count, title="Disk <b> full", severity="P2"))
        )
    (_, mail), (_, other) = relay.mails
    assert mail["Subject"] == "[INC-142] Payment failures at 2.5% on api (and 2 more)"
    text, html = (part.get_content() for part in mail.iter_parts())
    assert (
        "AND 2 MORE INCIDENTS:\nP2 INC-143: Disk <b> full http://127.0.0.1:9095/incidents/143\n"
        in text.replace("\r\n", "\n")
    )
    assert (
        '<a href="http://127.0.0.1:9095/incidents/144">P2 INC-144: Disk &lt;b&gt; full</a>' in html
    )
    assert mail["Message-ID"] != other["Message-ID"]


async def test_who_only_wants_to_know_gets_words_of_their_own_and_nothing_to_press(
    relay: Relay, port: int
) -> None:
    """In the incident's thread, by their clock."""
    message = make_message(
        for_stakeholder=True,
        to="dan@example.com",
        time_zone="Europe/Paris",
        link=lambda *_: "https://x/act",
    )
    assert await make_sender(port).send(message) == Sent()
    ((_, mail),) = relay.mails
    said, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert said is not None
    assert html is not None
    assert mail["subject"] == "[INC-142] Payment failures at 2.5% on api"
    assert "Since: 2026-01-01 13:00 CET" in said.get_content()
    assert "https://x/act" not in mail.as_string()
    assert mail["in-reply-to"]
    assert "Since: 2026-01-01 13:00 CET" in text_of(html.get_content())

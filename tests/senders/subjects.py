"""Each kind of sender with its service: what the conformance kit needs to know to test it.

A new kind of channel is registered here once, and `test_conformance` then covers it.
"""

import contextlib
import io
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import aiohttp
from aiosmtpd.smtp import AuthResult

from router.config.channel_options import ChannelOptions
from router.config.fields import Duration, HttpUrl
from router.config.secret import Secret, SecretUrl
from router.model.notification import Message, Rejected, Result, Retry
from router.ports.channels import DeviceSender
from router.senders import KINDS
from router.senders.console import ConsoleConfig
from router.senders.github.sender import GitHubConfig
from router.senders.http import open_session
from router.senders.mail import MailConfig, Smtp
from router.senders.pagerduty.sender import PagerDutyConfig
from router.senders.slack.sender import SlackConfig
from router.senders.statuspage.sender import StatuspageConfig
from router.senders.teams import TeamsConfig
from router.senders.twilio.sms import SmsConfig
from router.senders.twilio.voice import VoiceConfig
from router.senders.webhook import WebhookConfig
from tests.core.statuspage.published import said
from tests.senders import (
    test_apprise,
    test_discord,
    test_googlechat,
    test_matrix,
    test_mattermost,
    test_ntfy,
    test_telegram,
    test_webpush,
)
from tests.senders.github.test_sender import TOKEN as GITHUB_TOKEN
from tests.senders.github.test_sender import GitHub
from tests.senders.kit import NOW, STATUS_TABLE, Answer, Hang, Peer, Reply, Request
from tests.senders.pagerduty.test_sender import KEY as ROUTING_KEY
from tests.senders.pagerduty.test_sender import accept
from tests.senders.slack.test_sender import TOKEN as SLACK_TOKEN
from tests.senders.slack.test_sender import Slack, check_content
from tests.senders.statuspage.test_sender import KEY as STATUSPAGE_KEY
from tests.senders.statuspage.test_sender import Statuspage
from tests.senders.test_mail import PASSWORD, Relay, running
from tests.senders.test_teams import PATH as TEAMS_PATH
from tests.senders.test_teams import workflow
from tests.senders.tickets import doubles
from tests.senders.twilio_double import ACCOUNT, NUMBER, SENDER, TOKEN, Twilio

SECONDS = 5.0
CALLBACK = HttpUrl("https://router.example.com")
SIGNING_KEY = "whsec_c2lnbmluZy1rZXktczNjcmV0"

Service = Callable[[Request], Answer]


def nothing(_: Request) -> str:
    return ""


@dataclass(frozen=True)
class Subject:
    """One way to configure a kind of channel.

    options: the config, for a service at this URL, with this time-out in seconds.
    secret: what no result and no log may show.
    recognises: the service recognises a repeated request, so a lost answer is a `Retry`.
    service: makes a service that accepts what the real one would, and fails the test otherwise.
    read: what a request shows its readers; "" for one that shows nothing.
    identity: what the service recognises a repeated request by; "" for nothing.
    lowest: the lowest status that means the same from every service.
    message: changes to the message, for a channel that isn't sent every message.
    """

    kind: str
    options: Callable[[str, float], ChannelOptions]
    secret: str = ""
    recognises: bool = False
    service: Callable[[], Service] = lambda: lambda _: Reply()
    read: Callable[[Request], str] = nothing
    identity: Callable[[Request], str] = nothing
    lowest: int = 300
    message: dict[str, Any] = field(default_factory=dict)


@dataclass
class Bench:
    """A sender at work. `refusals` are what its service may answer, and what each means."""

    send: Callable[[Message], Any]
    requests: list[Request]
    refusals: Sequence[tuple[Any, type[Result]]]
    refuse: Callable[[Any], None]


@contextlib.asynccontextmanager
async def bench(subject: Subject, seconds: float = SECONDS) -> AsyncIterator[Bench]:
    """The sender and its service, for the time of a test."""
    make = {"console": _terminal, "email": _relay}.get(subject.kind, _peer)
    async with make(subject, seconds) as made:
        yield made


@contextlib.asynccontextmanager
async def _peer(subject: Subject, seconds: float) -> AsyncIterator[Bench]:
    async with Peer(answer=subject.service()) as peer, open_session() as session:
        sender = KINDS[subject.kind].build("channel", subject.options(peer.url, seconds), session)
        if isinstance(sender, DeviceSender):
            sender.use(test_webpush.Book(peer.url), test_webpush.KEY)
        refusals: list[tuple[Any, type[Result]]] = [
            (Reply(status, b"", {"Location": peer.url} if 300 <= status < 400 else {}), recognised)
            if subject.recognises
            else (Reply(status, b""), unrecognised)
            for status, recognised, unrecognised in STATUS_TABLE
            if status >= subject.lowest
        ]
        yield Bench(sender.send, peer.requests, refusals, peer.script.append)
        await sender.close()


@contextlib.asynccontextmanager
async def _terminal(subject: Subject, seconds: float) -> AsyncIterator[Bench]:
    requests: list[Request] = []
    async with aiohttp.ClientSession() as session:
        sender = KINDS["console"].build("channel", subject.options("", seconds), session)

        async def send(message: Message) -> Result:
            with contextlib.redirect_stdout(io.StringIO()) as out:
                result = await sender.send(message)
            if written := out.getvalue():
                requests.append(Request("PRINT", "", {}, written.encode()))
            return result

        yield Bench(send, requests, [], lambda _: None)


@contextlib.asynccontextmanager
async def _relay(subject: Subject, seconds: float) -> AsyncIterator[Bench]:
    relay, requests = Relay(), list[Request]()

    def login(*_: Any) -> AuthResult:
        return AuthResult(success=True)

    def taken(_: Any) -> None:
        to, mail = relay.mails[-1]
        requests.append(
            Request("DATA", to, {name.lower(): str(mail[name]) for name in mail}, _shown(mail))
        )

    def refuse(answer: Any) -> None:
        relay.refuse_data = "451 wait" if isinstance(answer, Hang) else str(answer)

    relay.after_data = taken
    async with (
        running(relay, authenticator=login, auth_require_tls=False) as port,
        aiohttp.ClientSession() as session,
    ):
        sender = KINDS["email"].build(
            "channel", subject.options(f"smtp://127.0.0.1:{port}", seconds), session
        )
        refusals: list[tuple[Any, type[Result]]] = [
            ("421 closing", Retry), ("451 try later", Retry), ("452 full", Retry),
            ("550 no such user", Rejected), ("552 too large", Rejected), ("554 spam", Rejected),
        ]  # fmt: skip
        yield Bench(sender.send, requests, refusals, refuse)
        await sender.close()


def _shown(mail: EmailMessage) -> bytes:
    text = mail.get_body(("plain",))
    assert text is not None
    assert parseaddr(mail["To"])[1] == "team@example.com"
    return f"{mail['Subject']}\n{text.get_content()}".encode()


# --- how each service is configured, and what it shows


def mail(url: str, seconds: float) -> MailConfig:
    smtp = Smtp(
        host="127.0.0.1",
        port=urlsplit(url).port,
        starttls=False,
        username="u",
        password=Secret(PASSWORD),
    )
    return MailConfig(
        smtp=smtp, from_="router@example.com", to=("team@example.com",), timeout=Duration(seconds)
    )


def github(url: str, seconds: float) -> GitHubConfig:
    return GitHubConfig(
        token=Secret(GITHUB_TOKEN), repository="acme/ops", labels=("incident",), assignees=("ana",),
        api_url=HttpUrl(url), timeout=Duration(seconds),
    )  # fmt: skip


def pagerduty(url: str, seconds: float) -> PagerDutyConfig:
    return PagerDutyConfig(
        routing_key=Secret(ROUTING_KEY), api_url=HttpUrl(url), timeout=Duration(seconds)
    )


def slack_bot(url: str, seconds: float) -> SlackConfig:
    return SlackConfig(
        token=Secret(SLACK_TOKEN),
        channel="#incidents",
        buttons=True,
        api_url=HttpUrl(f"{url}/api/"),
        timeout=Duration(seconds),
    )


def slack_webhook(url: str, seconds: float) -> SlackConfig:
    return SlackConfig(webhook_url=SecretUrl(f"{url}/services/s3cret"), timeout=Duration(seconds))


def teams(url: str, seconds: float) -> TeamsConfig:
    return TeamsConfig(webhook_url=SecretUrl(url + TEAMS_PATH), timeout=Duration(seconds))


def webhook(url: str, seconds: float) -> WebhookConfig:
    return WebhookConfig(url=SecretUrl(url), secret=Secret(SIGNING_KEY), timeout=Duration(seconds))


def sms(url: str, seconds: float) -> SmsConfig:
    return SmsConfig(**_twilio(url, seconds))


def voice(url: str, seconds: float) -> VoiceConfig:
    return VoiceConfig(**_twilio(url, seconds))


def _twilio(url: str, seconds: float) -> dict[str, Any]:
    return {
        "account_sid": ACCOUNT, "auth_token": Secret(TOKEN), "from_": SENDER, "to": (NUMBER,),
        "callback_url": CALLBACK, "api_url": HttpUrl(url), "timeout": Duration(seconds),
    }  # fmt: skip


def statuspage(url: str, seconds: float) -> StatuspageConfig:
    return StatuspageConfig(
        api_key=Secret(STATUSPAGE_KEY),
        page="y2j98763l56x",
        api_url=HttpUrl(f"{url}/v1"),
        timeout=Duration(seconds),
    )


def slack_service() -> Service:
    def answer(request: Request) -> Reply:
        check_content(request.json)
        return Reply()

    return answer


def body(request: Request) -> str:
    return request.body.decode()


def slack_text(request: Request) -> str:
    """The blocks, or the plain text of a reply; with the buttons, which ask for something."""
    content = request.json
    shown = [
        content["text"],
        *(text for block in content.get("blocks", []) for text in _texts(block)),
    ]
    return "\n".join(shown)


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if not isinstance(value, dict):
        return []
    own = [value["text"]] if isinstance(value.get("text"), str) else []
    own += [f"action:{value['action_id']}"] if "action_id" in value and "url" not in value else []
    return own + [text for item in value.values() for text in _texts(item)]


def teams_text(request: Request) -> str:
    card = request.json["attachments"][0]["content"]
    lines = ["".join(run["text"] for run in block["inlines"]) for block in card["body"]]
    return "\n".join([*lines, *(action["url"] for action in card["actions"])])


def pagerduty_text(request: Request) -> str:
    return "\n".join(_strings(request.json.get("payload", {})))


def webhook_text(request: Request) -> str:
    drill = request.json["data"]["incident"]["drill"]
    return "\n".join(["[DRILL]"] * drill + _strings(request.json["data"]))


def _strings(value: Any) -> list[str]:
    """All strings, and the names that they are under."""
    if isinstance(value, dict):
        return [text for name, item in value.items() for text in _named(name, item)]
    return (
        [text for item in value for text in _strings(item)]
        if isinstance(value, list)
        else [str(value)]
    )


def _named(name: str, value: Any) -> list[str]:
    return [f"{name}: {value}"] if isinstance(value, str) else _strings(value)


def github_text(request: Request) -> str:
    if request.method == "GET":
        return ""
    return "\n".join(request.json.get(part, "") for part in ("title", "body")).strip()


def statuspage_text(request: Request) -> str:
    if request.method == "GET":
        return ""
    return f"{request.json['incident']['name']}\n{request.json['incident']['body']}"


def sms_text(request: Request) -> str:
    return parse_qs(body(request))["Body"][0]


def spoken(request: Request) -> str:
    return " ".join(ET.fromstring(parse_qs(body(request))["Twiml"][0]).itertext())


def mail_text(request: Request) -> str:
    return body(request)


SUBJECTS = {
    "apprise": Subject(
        "apprise",
        test_apprise.options,
        test_apprise.KEY,
        service=lambda: test_apprise.endpoint,
        read=test_apprise.shown,
    ),
    "console": Subject("console", lambda _url, _seconds: ConsoleConfig(), read=body),
    "console, brief": Subject(
        "console", lambda _url, _seconds: ConsoleConfig(brief=True), read=body
    ),
    "discord": Subject(
        "discord",
        test_discord.options,
        test_discord.TOKEN,
        service=test_discord.Discord,
        read=test_discord.shown,
    ),
    "email": Subject(
        "email",
        mail,
        PASSWORD,
        recognises=True,
        read=mail_text,
        identity=lambda one: one.headers["message-id"],
    ),
    "github": Subject(
        "github", github, GITHUB_TOKEN, recognises=True, service=GitHub, read=github_text
    ),
    "gitlab": Subject(
        "gitlab",
        doubles.gitlab,
        doubles.GITLAB_TOKEN,
        recognises=True,
        service=doubles.GitLab,
        read=doubles.gitlab_text,
    ),
    "googlechat": Subject(
        "googlechat",
        test_googlechat.options,
        "s3cret=",
        recognises=True,
        service=test_googlechat.Space,
        read=test_googlechat.shown,
        identity=lambda one: parse_qs(urlsplit(one.path).query)["requestId"][0],
    ),
    "jira": Subject(
        "jira",
        doubles.jira,
        doubles.JIRA_TOKEN,
        recognises=True,
        service=doubles.Jira,
        read=doubles.jira_text,
    ),
    "linear": Subject(
        "linear",
        doubles.linear,
        doubles.LINEAR_TOKEN,
        recognises=True,
        service=doubles.Linear,
        read=doubles.linear_text,
    ),
    "matrix": Subject(
        "matrix",
        test_matrix.options,
        test_matrix.TOKEN,
        recognises=True,
        service=test_matrix.Matrix,
        read=test_matrix.shown,
        identity=test_matrix.transaction,
    ),
    "mattermost, bot": Subject(
        "mattermost",
        test_mattermost.options,
        test_mattermost.TOKEN,
        service=test_mattermost.Mattermost,
        read=test_mattermost.shown,
    ),
    "mattermost, webhook": Subject(
        "mattermost",
        test_mattermost.webhook_options,
        "s3cretxyzs3cretxyzs3cretxy",
        service=lambda: test_mattermost.hook,
        read=test_mattermost.shown,
    ),
    "ntfy": Subject(
        "ntfy",
        test_ntfy.options,
        test_ntfy.TOKEN,
        recognises=True,
        service=lambda: test_ntfy.server,
        read=test_ntfy.shown,
        identity=lambda one: one.json["sequence_id"],
    ),
    "pagerduty": Subject(
        "pagerduty",
        pagerduty,
        ROUTING_KEY,
        recognises=True,
        service=lambda: accept,
        read=pagerduty_text,
        identity=lambda one: one.json["dedup_key"],
    ),
    "slack, bot": Subject(
        "slack", slack_bot, SLACK_TOKEN, service=Slack, read=slack_text, lowest=400
    ),
    "slack, webhook": Subject(
        "slack", slack_webhook, "s3cret", service=slack_service, read=slack_text
    ),
    "sms": Subject("sms", sms, TOKEN, service=Twilio, read=sms_text),
    "statuspage": Subject(
        "statuspage",
        statuspage,
        STATUSPAGE_KEY,
        recognises=True,
        service=Statuspage,
        read=statuspage_text,
        message={"timeline": (said(2, NOW - 60),)},
    ),
    "teams": Subject("teams", teams, "s3cret", service=lambda: workflow, read=teams_text),
    "telegram": Subject(
        "telegram",
        test_telegram.options,
        test_telegram.TOKEN,
        service=test_telegram.Telegram,
        read=test_telegram.shown,
    ),
    "voice": Subject("voice", voice, TOKEN, service=Twilio, read=spoken),
    "webpush": Subject(
        "webpush",
        test_webpush.options,
        test_webpush.PATH,
        recognises=True,
        service=lambda: test_webpush.service,
        read=test_webpush.shown,
        identity=lambda one: test_webpush.decrypted(one)["id"],
    ),
    "webhook": Subject(
        "webhook",
        webhook,
        SIGNING_KEY,
        recognises=True,
        read=webhook_text,
        identity=lambda one: one.headers["webhook-id"],
    ),
}
"""Subjects by kind, with a variant where a kind has several senders."""


def asks(text: str) -> bool:
    """True if a message asks its reader to respond."""
    return bool(re.search(r"\bACK\b|Press \d|keys are|/act/|action:ack|Reply ", text))


def texts(subject: Subject, requests: Sequence[Request]) -> list[str]:
    """Text that readers see of these requests, one per message."""
    return [shown for request in requests if (shown := subject.read(request))]

"""Subscribing through the page, with a real SMTP server: request, confirm, receive, leave."""

import re
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from typing import Any

import pytest

from tests.clock import SteppedClock
from tests.daemon import Answer, Daemon
from tests.senders.test_mail import Relay, running
from tests.web.statuspage.site import PAGE, opened
from tests.web.webhooks.test_endpoint import is_problem

Router = Callable[..., Daemon]

SUBSCRIBERS = {"subscribers": {"channel": "mail"}}
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def relay() -> Relay:
    return Relay()


@pytest.fixture
async def start(
    router: Router, relay: Relay, clock: SteppedClock
) -> AsyncIterator[Callable[[], Daemon]]:
    """Makes a router whose page can be subscribed to: each time on the same store."""
    async with running(relay) as port:
        smtp = {"host": "127.0.0.1", "port": port, "starttls": False}
        mail = {"type": "email", "smtp": smtp, "from": "status@example.com"}
        channels = {"log": {"type": "console"}, "mail": mail}
        yield lambda: router(clock=clock, channels=channels, status_page=PAGE | SUBSCRIBERS)


@pytest.fixture
async def site(start: Callable[[], Daemon]) -> AsyncIterator[Daemon]:
    async with start() as daemon:
        yield daemon


async def ask(site: Daemon, address: str, **options: Any) -> Answer:
    return await site.ask("POST", "/status/subscribe", data={"address": address}, **options)


async def mailed(site: Daemon, relay: Relay, count: int) -> EmailMessage:
    """The last mail, when so many have come."""
    assert isinstance(site.clock, SteppedClock)
    await site.clock.settle(lambda: len(relay.mails) >= count, "the mail", step=1.0)
    assert len(relay.mails) == count
    return relay.mails[-1][1]


def path(mail: EmailMessage, purpose: str) -> str:
    """The link in the mail, on this router."""
    found = re.search(rf"/status/{purpose}/\S+", mail.get_content())
    assert found
    return found[0]


async def subscribe(site: Daemon, relay: Relay, address: str) -> None:
    count = len(relay.mails)
    assert (await ask(site, address)).status == 200
    confirm = path(await mailed(site, relay, count + 1), "confirm")
    assert (await site.ask("POST", confirm)).status == 200


async def publish(site: Daemon, number: int, text: str) -> None:
    answer = await site.ask(
        "POST",
        f"/api/v1/incidents/{number}/publish",
        json={"confirm": 9, "title": "Payment problems", "text": text},
    )
    assert answer.status == 200


async def test_from_the_form_to_the_last_mail(site: Daemon, relay: Relay) -> None:
    """Requested, confirmed, notified of published updates only, and removed by one click."""
    assert b'action="subscribe"' in (await site.get("/status/")).body
    answer = await ask(site, "ana@example.com")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    assert b"ana@example.com" not in answer.body
    question = await mailed(site, relay, 1)
    assert question["To"] == "ana@example.com"
    confirm = path(question, "confirm")
    shown = await site.get(confirm)
    assert b'<form method="post">' in shown.body
    assert b"ana@example.com" not in shown.body
    number = await opened(site)
    await publish(site, number, "Before anybody had confirmed.")
    await site.clock.advance(5)  # type: ignore[attr-defined]
    assert (await site.ask("POST", confirm)).status == 200
    await site.clock.advance(5)  # type: ignore[attr-defined]
    await publish(site, number, "We have found it.")
    mail = await mailed(site, relay, 2)
    text = mail.get_content()
    assert "We have found it." in text
    assert "Before anybody" not in text
    assert "PaymentFailures" not in text
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    one_click = mail["List-Unsubscribe"].strip("<>").partition("9095")[2]
    assert one_click == path(mail, "unsubscribe")
    assert b'<form method="post">' in (await site.get(one_click)).body
    assert (await site.ask("POST", one_click, data=ONE_CLICK)).status == 200
    await publish(site, number, "It's over.")
    await site.clock.advance(60)  # type: ignore[attr-defined]
    assert len(relay.mails) == 2


async def test_looking_at_a_link_changes_nothing(site: Daemon, relay: Relay) -> None:
    """Programs open every link in a mail."""
    await subscribe(site, relay, "ana@example.com")
    number = await opened(site)
    await publish(site, number, "One.")
    await site.get(path(await mailed(site, relay, 2), "unsubscribe"))
    await publish(site, number, "Two.")
    assert "Two." in (await mailed(site, relay, 3)).get_content()


async def test_the_answer_doesnt_tell_who_subscribes(site: Daemon, relay: Relay) -> None:
    """Byte for byte, also when it's asked too often for one address."""
    await subscribe(site, relay, "ana@example.com")
    answers = [
        await ask(site, address)
        for address in ("ana@example.com", "ben@example.com", *["ana@example.com"] * 4)
    ]
    assert len({(answer.status, answer.body) for answer in answers}) == 1


async def test_asking_without_end_is_refused(site: Daemon) -> None:
    answers = [(await ask(site, f"{number}@example.com")).status for number in range(22)]
    assert answers == [200] * 20 + [429] * 2


async def test_a_caller_is_who_the_proxy_says_only_if_there_is_one(site: Daemon) -> None:
    """Anybody can write X-Forwarded-For."""
    answers = [
        (await ask(site, f"{n}@example.com", headers={"X-Forwarded-For": f"192.0.2.{n}"})).status
        for n in range(21)
    ]
    assert answers[-1] == 429


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ana",
        "ana@example",
        "a@b.c\r\nBcc: all@example.com",
        "ana@example.com, ben@example.com",
        "ä@x.de",
        "a" * 250 + "@example.com",
    ],
)
async def test_what_is_no_address_is_refused(site: Daemon, relay: Relay, address: str) -> None:
    answer = await ask(site, address)
    assert answer.status == 400
    assert answer.headers["Content-Type"].startswith("text/html")
    assert relay.mails == []


@pytest.mark.parametrize("purpose", ["confirm", "unsubscribe"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_link_of_somebody_elses_making_does_nothing(
    site: Daemon, purpose: str, method: str
) -> None:
    for token in ("x", "abc.0.def", "a.b.c.d", "%00"):
        assert (await site.ask(method, f"/status/{purpose}/{token}")).status == 404


async def test_a_relay_that_is_away_delays_and_loses_nothing(site: Daemon, relay: Relay) -> None:
    """Nobody gets a mail twice."""
    await subscribe(site, relay, "ana@example.com")
    relay.refuse_data = "451 later"
    await publish(site, await opened(site), "We have found it.")
    await site.clock.advance(600)  # type: ignore[attr-defined]
    assert len(relay.mails) == 1
    relay.refuse_data = ""
    await mailed(site, relay, 2)
    await site.clock.advance(3600)  # type: ignore[attr-defined]
    assert len(relay.mails) == 2


async def test_a_crash_right_after_the_answer_loses_no_mail(
    start: Callable[[], Daemon], relay: Relay
) -> None:
    """Subscribers' mails were on disk before the publisher had the answer.

    Nobody gets a mail twice.
    """
    async with start() as site:
        await subscribe(site, relay, "ana@example.com")
        number = await opened(site)
        await publish(site, number, "We have found it.")
        site.store.down = True  # this process writes nothing any more
    assert len(relay.mails) == 1
    async with start() as site:
        mail = await mailed(site, relay, 2)
        assert "We have found it." in mail.get_content()
        await site.clock.advance(3600)  # type: ignore[attr-defined]
        assert len(relay.mails) == 2


async def test_words_that_were_published_cant_add_a_header(site: Daemon, relay: Relay) -> None:
    await subscribe(site, relay, "ana@example.com")
    title = "Oops\r\nBcc: all@example.com\x00\u2028\ud7ff"
    answer = await site.ask(
        "POST",
        f"/api/v1/incidents/{await opened(site)}/publish",
        json={"confirm": 9, "title": title, "text": "x\r\n.\r\nMAIL FROM:<a@b>"},
    )
    assert answer.status == 200
    mail = await mailed(site, relay, 2)
    assert mail["Bcc"] is None
    assert "\n" not in mail["Subject"]
    assert relay.mails[-1][0] == "ana@example.com"


async def test_addresses_are_shown_nowhere(site: Daemon, relay: Relay) -> None:
    """Neither on the page nor by the API, the metrics or the incident."""
    await subscribe(site, relay, "ana@example.com")
    number = await opened(site)
    await publish(site, number, "We have found it.")
    await mailed(site, relay, 2)
    for where in (
        "/status",
        "/status/feed.atom",
        "/status/api/v2/summary.json",
        "/metrics",
        "/api/v1/notifications",
        f"/api/v1/incidents/{number}",
    ):
        assert b"ana@example.com" not in (await site.get(where)).body, where


async def test_without_subscribers_in_the_config_there_is_no_form(router: Router) -> None:
    async with router(status_page=PAGE) as daemon:
        assert b"<form" not in (await daemon.get("/status")).body
        for method, where in (
            ("POST", "subscribe"),
            ("GET", "confirm/x"),
            ("POST", "unsubscribe/x"),
        ):
            assert is_problem(await daemon.ask(method, f"/status/{where}"), 404)

"""One-time links by mail, with a real SMTP server."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from router.app import TYPES
from router.config.load import load
from router.config.located import Invalid
from tests.clock import SteppedClock
from tests.config.test_listen import CONFIG
from tests.daemon import Daemon
from tests.senders.test_mail import Relay, running
from tests.web.access.browser import Browser, path_of, text
from tests.web.access.conftest import ADMIN, AUTH, add_user, jump

Closed = Callable[..., Daemon]


@pytest.fixture
def relay() -> Relay:
    return Relay()


@pytest.fixture
async def site(closed: Closed, relay: Relay) -> AsyncIterator[Daemon]:
    async with running(relay) as port:
        smtp = {"host": "127.0.0.1", "port": port, "starttls": False}
        mail = {"type": "email", "smtp": smtp, "from": "router@example.com"}
        channels = {"log": {"type": "console"}, "mail": mail}
        async with closed(AUTH | {"users": {"mail": "mail"}}, channels=channels) as daemon:
            yield daemon


async def ask(site: Daemon, who: str) -> str:
    return text(await Browser(site).post("/sign-in/mail", {"name": who}))


async def mailed(site: Daemon, relay: Relay, count: int) -> str:
    """The path of the link in the last mail, when so many have come."""
    assert isinstance(site.clock, SteppedClock)
    await site.clock.settle(lambda: len(relay.mails) >= count, "the mail", step=1.0)
    found = re.search(r"http\S+/sign-in/link/\S+", relay.mails[-1][1].get_content())
    assert found
    return path_of(found[0])


async def test_a_mailed_link_signs_in_once(site: Daemon, relay: Relay) -> None:
    """It is asked for by name or address; each mail has another one."""
    await add_user(site, "ana", email="ana@example.com")
    await ask(site, "Ana@Example.com")
    link = await mailed(site, relay, 1)
    assert relay.mails[0][0] == "ana@example.com"
    browser = Browser(site)
    assert "Sign in as ana" in text(await browser.get(link))
    assert (await browser.post(link)).status == 303
    assert (await Browser(site).post(link)).status == 410
    await ask(site, "ana")
    assert await mailed(site, relay, 2) != link


async def test_a_mailed_link_ends_after_a_quarter_of_an_hour(
    site: Daemon, relay: Relay, clock: SteppedClock
) -> None:
    await add_user(site, "ana", email="ana@example.com")
    await ask(site, "ana")
    link = await mailed(site, relay, 1)
    jump(clock, 901)
    assert (await Browser(site).post(link)).status == 410


async def test_the_answer_tells_nobody_who_is_a_user(site: Daemon, relay: Relay) -> None:
    """Nobody, a user without an address, a disabled one, a user: the same words, and one mail."""
    await add_user(site, "ana", email="ana@example.com")
    await add_user(site, "ben")
    await add_user(site, "cy", email="cy@example.com")
    root = {"Authorization": f"Bearer {ADMIN}"}
    await site.ask("POST", "/api/v1/users/cy", json={"disabled": True}, headers=root)
    assert len({await ask(site, who) for who in ("nobody", "ben", "cy", "ana")}) == 1
    await mailed(site, relay, 1)
    assert [to for to, _ in relay.mails] == ["ana@example.com"]


async def test_mails_are_limited(site: Daemon) -> None:
    """Nobody floods a mailbox."""
    await add_user(site, "ana", email="ana@example.com")
    said = [await ask(site, "ana") for _ in range(6)]
    assert ["on its way" in text for text in said] == [True] * 5 + [False]


async def test_without_a_channel_no_link_is_mailed(closed: Closed) -> None:
    async with closed() as daemon:
        assert (await Browser(daemon).post("/sign-in/mail", {"name": "ana"})).status == 404
        assert "Mail me a link" not in text(await Browser(daemon).get("/sign-in"))


@pytest.mark.parametrize(("name", "message"), [("log", "are mailed"), ("nothing", "nothing")])
def test_only_mail_carries_links(tmp_path: Path, name: str, message: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"{CONFIG}auth: {{users: {{mail: {name}}}}}\n")
    with pytest.raises(Invalid) as invalid:
        load(path, {}, TYPES)
    assert message in str(invalid.value)

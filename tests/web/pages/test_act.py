"""Links in mails, from the mail to the outcome: looking changes nothing, and the button does it
once.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from router.model.reason import Reason
from tests.clock import SteppedClock
from tests.daemon import Answer, Daemon, alert
from tests.senders.test_mail import Relay, running
from tests.test_app import until

Router = Callable[..., Daemon]

ANA = "ana@example.com"
STEPS = [{"notify": ["contact:ana"]}, {"after": "1h", "notify": ["channel:mail"]}]


@pytest.fixture
def relay() -> Relay:
    return Relay()


@pytest.fixture
async def config(relay: Relay) -> AsyncIterator[dict[str, Any]]:
    """Config keys with a mail channel, and Ana who is reached over it; on an hour's silence
    everybody is.
    """
    async with running(relay) as port:
        mail = {"type": "email", "from": "router@example.com", "to": ["eng@example.com"]}
        smtp = {"host": "127.0.0.1", "port": port, "starttls": False}
        yield {
            "channels": {"mail": mail | {"smtp": smtp}},
            "contacts": {"ana": {"name": "Ana Lima", "email": ANA, "reach": [{"via": "mail"}]}},
            "policies": {"all": {"steps": STEPS}},
        }  # fmt: skip


def links(relay: Relay, number: int = 0) -> dict[str, str]:
    """The paths of the links in a mail's text, by their labels."""
    text = relay.mails[number][1].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    return dict(
        re.findall(r"^(Acknowledge|Escalate|Resolve): http://[^/]*(/act/\S+)", text, re.MULTILINE)
    )


def said(answer: Answer) -> str:
    """The page's notice."""
    assert answer.headers["Content-Type"].startswith("text/html")
    found = re.search(r'<p class="notice"><strong>(.*)</strong>', answer.body.decode())
    return found[1].replace("&#39;", "'") if found else ""


async def press(daemon: Daemon, path: str, **form: str) -> Answer:
    return await daemon.ask("POST", path, data=urlencode(form).encode())


async def story(daemon: Daemon) -> list[tuple[Reason, str]]:
    """Commands on the first incident, with their authors."""
    return [
        (entry.what, entry.by)
        for entry in await daemon.store.timeline(1)
        if entry.by and entry.by[:6] != "source"
    ]


async def test_looking_at_a_link_changes_nothing(
    router: Router, relay: Relay, config: dict[str, Any]
) -> None:
    """Mail gateways open every link in every mail, some with HEAD first.

    The page describes the button's effect.
    """
    async with router(**config) as daemon:
        await daemon.alert(alert())
        await until(lambda: relay.mails)
        shown = links(relay)
        assert list(shown) == ["Acknowledge", "Escalate", "Resolve"]
        for label, path in shown.items():
            assert (await daemon.ask("HEAD", path)).status == 200
            page = (await daemon.get(path)).body.decode()
            assert f"{label} INC-1</button>" in page
            assert "As Ana Lima." in page
            assert "nobody has acknowledged it" in page
        assert await story(daemon) == []


async def test_the_button_acknowledges_and_the_link_is_used_up(
    router: Router, relay: Relay, config: dict[str, Any]
) -> None:
    """In the name of whose mailbox it is.

    Twice has one effect, and every page since says who has it.
    """
    async with router(**config) as daemon:
        await daemon.alert(alert())
        await until(lambda: relay.mails)
        path = links(relay)["Acknowledge"]
        assert said(await press(daemon, path, name="somebody else")) == "Acknowledged INC-1."
        used = "This link has been used. INC-1 is acknowledged by Ana Lima."
        assert said(await press(daemon, path)) == used
        again = await daemon.get(path)
        assert (said(again), b"<form" in again.body) == (used, False)
        assert await story(daemon) == [(Reason.ACKNOWLEDGED, "Ana Lima")]
        await until(lambda: len(relay.mails) == 2)
        assert list(links(relay, 1)) == ["Escalate", "Resolve"]
        escalated = said(await press(daemon, links(relay, 1)["Escalate"]))
        assert escalated == "Escalated INC-1: the next step is being notified."
        assert said(await press(daemon, links(relay, 1)["Resolve"])) == "Resolved INC-1."


async def test_a_link_that_comes_too_late_says_what_is_so_now(
    router: Router, relay: Relay, config: dict[str, Any]
) -> None:
    """And who did it: somebody else acknowledged, then resolved, and the alert is back."""
    async with router(**config) as daemon:
        await daemon.alert(alert())
        await until(lambda: relay.mails)
        path = links(relay)["Acknowledge"]
        await daemon.ask("POST", "/api/v1/incidents/1/ack", headers={"X-Router-User": "ben"})
        assert said(await daemon.get(path)) == "INC-1 is already acknowledged by ben."
        await daemon.ask("POST", "/api/v1/incidents/1/resolve", headers={"X-Router-User": "cleo"})
        for _ in range(2):
            assert said(await daemon.get(path)) == "INC-1 is already resolved by cleo."
        await daemon.alert(alert(status="resolved"))
        await daemon.alert(alert(startsAt="2026-02-02T02:31:00Z"))
        assert said(await press(daemon, path)) == "INC-1 was reopened since: nothing done."
        assert (Reason.COMMAND_OUTDATED, "Ana Lima") in await story(daemon)
        assert (await daemon.store.incident(1)).acknowledged_by == ""


async def test_a_link_expires(router: Router, relay: Relay, config: dict[str, Any]) -> None:
    """After the configured time it says so; nothing is done."""
    clock = SteppedClock()
    async with router(clock=clock, auth={"links_expire_after": "10m"}, **config) as daemon:
        await daemon.alert(alert())
        await clock.settle(lambda: relay.mails, "a mail", step=1)
        path = links(relay)["Resolve"]
        await clock.advance(601)
        for answer in (await daemon.get(path), await press(daemon, path)):
            assert answer.status == 410
            assert (
                said(answer)
                == "This link has expired. INC-1 is open, and nobody has acknowledged it."
            )
        assert await story(daemon) == []


async def test_whoever_reads_a_shared_mailbox_says_who_they_are(
    router: Router, relay: Relay, config: dict[str, Any]
) -> None:
    """The timeline has the name as they typed it, and where it came from."""
    config["policies"] = {"all": {"steps": [{"notify": ["channel:mail"]}]}}
    async with router(**config) as daemon:
        await daemon.alert(alert())
        await until(lambda: relay.mails)
        shown = links(relay)
        assert b'name="name"' in (await daemon.get(shown["Acknowledge"])).body
        await press(daemon, shown["Acknowledge"], name=" Ben\r\n<b>Okri</b> ")
        await press(daemon, shown["Resolve"])
        assert await story(daemon) == [
            (Reason.ACKNOWLEDGED, "Ben <b>Okri</b> (eng@example.com)"),
            (Reason.RESOLVED_BY_PERSON, "somebody at eng@example.com"),
        ]
        assert b"<b>" not in (await daemon.get(shown["Acknowledge"])).body
        too_much = await daemon.ask("POST", shown["Resolve"], data=b"name=" + b"x" * 5000)
        assert too_much.status == 413


@pytest.mark.parametrize("token", ["x", "x.y", "WzEsMCwiYWNrIiwiIiwiIiw5OTk5OTk5OTk5XQ.AAAA"])
async def test_a_token_that_is_none_tells_nothing(router: Router, token: str) -> None:
    """The same 404 whether or not there's such an incident."""
    async with router() as daemon:
        await daemon.alert(alert())
        for method in ("GET", "POST"):
            answer = await daemon.ask(method, f"/act/{token}", headers={"Accept": "text/html"})
            assert answer.status == 404
            assert b"INC-1" not in answer.body
        assert await story(daemon) == []


async def test_a_page_is_kept_by_nobody_and_leaks_no_token(
    router: Router, relay: Relay, config: dict[str, Any]
) -> None:
    """No cache, no frame, no script, nothing to other sites, not in a search engine."""
    async with router(**config) as daemon:
        await daemon.alert(alert(service="<script>x</script>"))
        await until(lambda: relay.mails)
        answer = await daemon.get(links(relay)["Acknowledge"])
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert b"<script" not in answer.body


async def test_nobody_reads_that_it_is_done_while_the_store_is_down(
    router: Router, relay: Relay, config: dict[str, Any]
) -> None:
    """503, and the same button does it later."""
    async with router(**config) as daemon:
        await daemon.alert(alert())
        await until(lambda: relay.mails)
        path = links(relay)["Acknowledge"]
        daemon.store.down = True
        answer = await daemon.ask("POST", path, headers={"Accept": "text/html"})
        daemon.store.down = False
        assert (answer.status, b"Acknowledged" in answer.body) == (503, False)
        assert said(await press(daemon, path)) == "Acknowledged INC-1."


async def test_without_links_a_mail_has_none(
    router: Router, relay: Relay, config: dict[str, Any]
) -> None:
    """For a list that goes to more people than may answer."""
    config["channels"]["mail"]["links"] = False
    async with router(**config) as daemon:
        await daemon.alert(alert())
        await until(lambda: relay.mails)
        assert links(relay) == {}


async def test_by_a_link_and_the_api_at_once(
    router: Router, relay: Relay, config: dict[str, Any]
) -> None:
    """One acknowledges, the other is informed, and both are on the timeline."""
    async with router(**config) as daemon:
        await daemon.alert(alert())
        await until(lambda: relay.mails)
        page, rest = await asyncio.gather(
            press(daemon, links(relay)["Acknowledge"]),
            daemon.ask("POST", "/api/v1/incidents/1/ack", headers={"X-Router-User": "ben"}),
        )
        (first, one), (second, other) = await story(daemon)
        assert (first, second, {one, other}) == (
            Reason.ACKNOWLEDGED,
            Reason.ALREADY_DONE,
            {"Ana Lima", "ben"},
        )
        assert rest.json["outcome"] == ("acknowledged" if one == "ben" else "already_done")
        assert rest.json["incident"]["acknowledged_by"] == one
        assert said(page) == (
            "INC-1 is already acknowledged by ben." if one == "ben" else "Acknowledged INC-1."
        )

"""A proxy in front authenticates people, and names them in a header."""

from collections.abc import Callable
from typing import Any

import pytest

from router.web.access.client import last_untrusted
from tests.daemon import Daemon, alert
from tests.web.access.browser import Browser, text
from tests.web.access.conftest import ADMIN
from tests.web.webhooks.test_endpoint import is_problem

Closed = Callable[..., Daemon]

PROXY: dict[str, Any] = {
    "user": "X-Forwarded-User",
    "email": "X-Forwarded-Email",
    "groups": "X-Forwarded-Groups",
    "from": ["127.0.0.1"],
    "roles": {"responder": ["sre", "ops"], "viewer": ["*"]},
}


def named(user: str, groups: str = "", email: str = "") -> dict[str, str]:
    return {"X-Forwarded-User": user, "X-Forwarded-Groups": groups, "X-Forwarded-Email": email}


async def test_the_proxy_names_the_person_and_their_groups(closed: Closed) -> None:
    """The contact of their address acts; groups give the role; without the header nobody is
    known.
    """
    async with closed({"proxy": PROXY}) as daemon:
        await daemon.alert(alert())
        browser = Browser(daemon)
        ana = named("cruz", "web, sre", "ana@example.com")
        assert (await browser.post("/incidents/1/ack", **named("eve", "web"))).status == 403
        assert (await browser.post("/incidents/1/ack", **ana)).status == 303
        assert (await daemon.store.incident(1)).acknowledged_by == "Ana Cruz"
        assert "Role responder" in text(await browser.get("/account", **ana))
        assert (await browser.get("/incidents")).status == 303
        assert is_problem(await daemon.get("/api/v1/incidents"), 401)


async def test_only_the_proxy_is_believed(closed: Closed) -> None:
    """Anybody could send the header."""
    async with closed({"proxy": PROXY | {"from": ["192.0.2.0/24", "::2"]}}) as daemon:
        assert (await Browser(daemon).get("/incidents", **named("ana", "sre"))).status == 303
        headers = named("ana", "sre") | {"X-Router-User": "ana"}
        assert is_problem(await daemon.get("/api/v1/incidents", headers=headers), 401)


async def test_somebody_without_a_group_that_has_a_role_is_refused(closed: Closed) -> None:
    async with closed({"proxy": PROXY | {"roles": {"responder": ["sre"]}}}) as daemon:
        refused = await daemon.get("/api/v1/incidents", headers=named("eve", "web"))
        assert is_problem(refused, 403)


async def test_another_site_can_send_no_form_past_the_proxy(closed: Closed) -> None:
    """The proxy adds its header to that, too."""
    async with closed({"proxy": PROXY}) as daemon:
        await daemon.alert(alert())
        evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        browser = Browser(daemon)
        answer = await browser.post("/incidents/1/ack", **named("ana", "sre"), **evil)
        assert answer.status == 403
        assert (await daemon.store.incident(1)).acknowledged_at is None


async def test_behind_a_trusted_proxy_the_client_is_the_one_that_it_names(closed: Closed) -> None:
    """For the audit log and limits: the last address that is no proxy; others are not believed."""
    async with closed(trusted_proxies=["127.0.0.0/8", "10.0.0.0/8"]) as daemon:
        for number in range(12):  # each from an address of its own, so nobody is limited
            forged = {"X-Forwarded-For": f"203.0.113.9, 198.51.100.{number}:4711, 10.1.2.3"}
            answer = await Browser(daemon).post(
                "/sign-in", {"name": "x", "password": "x"}, **forged
            )
            assert answer.status == 401
        headers = {"X-Forwarded-For": "203.0.113.9, 198.51.100.1"}
        await Browser(daemon).post("/sign-in/token", {"token": ADMIN}, **headers)
        root = {"Authorization": f"Bearer {ADMIN}"}
        log = (await daemon.get("/api/v1/audit", headers=root)).json
        assert "198.51.100.1" in str(log)
        assert "203.0.113.9" not in str(log)


@pytest.mark.parametrize(
    ("addresses", "client"),
    [
        (["203.0.113.9", "192.0.2.7"], "192.0.2.7"),
        (["203.0.113.9", "10.0.0.7"], "203.0.113.9"),
        (["::1", "2001:db8::5", "10.0.0.7"], "2001:db8::5"),
        (["[2001:db8::5]:443", "::ffff:10.0.0.7"], "2001:db8::5"),
        (["", "10.0.0.7"], "10.0.0.7"),
        (["10.0.0.6", "10.0.0.7"], "10.0.0.6"),
    ],
)
def test_the_client_is_the_last_that_is_no_proxy(addresses: list[str], client: str) -> None:
    assert last_untrusted(addresses, ["10.0.0.0/8"]) == client

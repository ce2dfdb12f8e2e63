"""Every path is closed to strangers, unless it is meant to be open."""

from collections.abc import Callable

import aiohttp

from router.web.origin import SERVICES
from tests.daemon import Daemon
from tests.web.access.browser import Browser
from tests.web.access.conftest import ADMIN

Closed = Callable[..., Daemon]

OPEN = {
    "/sign-in",
    "/sign-in/token",
    "/sign-in/mail",
    "/sign-in/link/{token}",
    "/sign-in/oidc",
    "/sign-in/oidc/callback",
    "/act/{token}",
    "/api/v1/openapi.json",
    "/metrics",
    "/-/healthy",
    "/-/ready",
}
"""Paths that strangers may read; also all below `/status`, `/assets` and the own secrets' paths."""

BELOW = ("/status", "/assets", "/style.css", "/favicon.ico", "/webhooks/", "/heartbeat/")


def from_address(number: int) -> aiohttp.TCPConnector:
    """Connect from another address for each, because repeated failures of one are delayed."""
    return aiohttp.TCPConnector(local_addr=(f"127.0.{number // 250}.{number % 250 + 2}", 0))


async def test_every_other_path_is_closed(closed: Closed) -> None:
    """Programs get a 401, browsers the sign-in, on each route that the router has."""
    async with closed() as daemon:
        routes = {
            (route.method, route.resource.canonical)
            for route in daemon.app._runner.app.router.routes()
            if route.resource is not None
        }
        assert len(routes) > 100
        for number, (method, path) in enumerate(sorted(routes)):
            if method == "POST" and path == "/api/v2/alerts":  # it has the secret of its source
                continue
            if path in OPEN or path.startswith((*BELOW, *SERVICES)):
                continue
            url = daemon.url + path.replace("{form}", "svg").replace("{", "").replace(
                "}", ""
            ).replace(":.*", "")
            async with (
                aiohttp.ClientSession(connector=from_address(number)) as session,
                session.request(
                    "GET" if method == "*" else method, url, allow_redirects=False
                ) as answer,
            ):
                assert answer.status == 401, (method, path)
            if method == "GET" and not path.startswith("/api/"):
                led = await Browser(daemon).get(url.removeprefix(daemon.url))
                assert (led.status, led.headers["Location"][:8]) == (303, "/sign-in"), path


async def test_pages_of_admins_open(closed: Closed) -> None:
    """With a user, a token and a link on them; other changes are not known."""
    async with closed() as daemon:
        browser = Browser(daemon)
        await browser.post("/sign-in/token", {"token": ADMIN})
        form = {"name": "ana", "role": "viewer", "email": "ana@example.com"}
        assert "/sign-in/link/" in (await browser.post("/users", form)).body.decode()
        assert (await browser.post("/users", form)).status == 400
        assert (await browser.post("/users/ana/role", {"role": "admin"})).status == 303
        assert (await browser.post("/users/ana/disable")).status == 303
        assert "disabled" in (await browser.get("/users")).body.decode()
        assert (await browser.post("/users/ana/enable")).status == 303
        assert "/sign-in/link/" in (await browser.post("/users/ana/link")).body.decode()
        assert (await browser.post("/users/ana/x")).status == 404
        assert (await browser.post("/users/nobody/disable")).status == 404
        for path in ("/users", "/tokens", "/audit", "/account"):
            assert (await browser.get(path)).status == 200
        made = await browser.post(
            "/tokens", {"name": "ci", "area": "deployments", "service": "yes"}
        )
        assert "art_" in made.body.decode()
        assert (await browser.post("/tokens", {"name": "", "service": "yes"})).status == 400

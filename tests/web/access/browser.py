"""A browser: it keeps cookies, says where it comes from, and follows no redirect by itself."""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tests.daemon import Answer, Daemon

HTML = {"Accept": "text/html", "User-Agent": "Firefox/140"}


class Browser:
    """One person's browser at a router."""

    def __init__(self, daemon: Daemon, url: str = "") -> None:
        self.daemon = daemon
        self.url = url or daemon.url
        self.cookies: dict[str, str] = {}
        self.sent: list[str] = []

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._ask("GET", path, headers)

    async def post(
        self, path: str, form: Mapping[str, str] | None = None, /, **headers: str
    ) -> Answer:
        """Send a form of the router's own page."""
        own = {"Origin": self.url, "Sec-Fetch-Site": "same-origin"}
        return await self._ask("POST", path, own | headers, data=dict(form or {}))

    async def sign_in(self, name: str, password: str, after: str = "/incidents") -> Answer:
        return await self.post("/sign-in", {"name": name, "password": password, "next": after})

    async def _ask(self, method: str, path: str, headers: Mapping[str, str], **more: Any) -> Answer:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = HTML | dict(headers) | ({"Cookie": cookie} if cookie else {})
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(
                method, self.daemon.url + path, headers=sent, allow_redirects=False, **more
            ) as response,
        ):
            answer = Answer(response.status, response.headers, await response.read())
            self.sent = response.headers.getall("Set-Cookie", [])
        for cookie in response.cookies.values():
            self.cookies[cookie.key] = cookie.value
            if not cookie.value:
                del self.cookies[cookie.key]
        return answer


def path_of(url: str) -> str:
    return urlsplit(url).path


def text(answer: Answer) -> str:
    """The words of a page."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.body.decode())))

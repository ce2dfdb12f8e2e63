"""Subscribe by e-mail, and unsubscribe. Programs open every link in a mail, so only a POST acts."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

from aiohttp import web

from router.config.people import parse_email
from router.web.access.client import address_of
from router.web.api.content import form
from router.web.pages.page import HEADERS
from router.web.statuspage import html
from router.web.statuspage.handlers import NONE
from router.web.statuspage.page_cache import StatusPageCache

MAX_ADDRESS = 254
"""Maximum characters of an address (RFC 5321, 4.5.3.1.3, less the brackets)."""

MAX_FORM = 4096
"""Maximum bytes of the form, which anybody may post."""

ASKED = (
    "Check your mail",
    "If mail can reach that address, there's a link on its way to it. Open it to confirm.",
)
WRONG = ("That isn't an e-mail address", "Go back and check it.")
OFTEN = ("Too many at once", "Try again in an hour.")
ASK = ("Confirm", "You'll get each update of this status page by e-mail.", "Get updates")
CONFIRMED = ("You'll get updates", "Each of them has a link to unsubscribe.")
LEAVE = ("Unsubscribe", "You'll get no more updates of this status page by e-mail.", "Unsubscribe")
LEFT = ("You're unsubscribed", "Your address is deleted.")
INVALID = (
    "This link doesn't work",
    "It may be too old, or incomplete. You can ask for another one on the status page.",
)


class Subscriptions(Protocol):
    """The list of subscribers."""

    async def ask(self, address: str, caller: str) -> bool: ...
    async def confirmable(self, token: str) -> bool: ...
    async def confirm(self, token: str) -> bool: ...
    async def leavable(self, token: str) -> bool: ...
    async def leave(self, token: str) -> bool: ...


class SubscriptionPages:
    """`subscriber_list` returns None if nobody can subscribe."""

    def __init__(
        self, page_cache: StatusPageCache, subscriber_list: Callable[[], Subscriptions | None]
    ) -> None:
        self._page_cache = page_cache
        self._subscriber_list = subscriber_list

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/status/subscribe", self.subscribe),
            web.get("/status/confirm/{token}", self.show_confirm),
            web.post("/status/confirm/{token}", self.confirm),
            web.get("/status/unsubscribe/{token}", self.show_leave),
            web.post("/status/unsubscribe/{token}", self.leave),
        ]

    async def subscribe(self, request: web.Request) -> web.Response:
        """Answer the same for a known and an unknown address."""
        subscribers = self._list_or_404()
        address = _address((await form(request, MAX_FORM)).get("address", ""))
        if not address:
            return await self._say(*WRONG, root="", status=HTTPStatus.BAD_REQUEST)
        if not await subscribers.ask(address, address_of(request)):
            return await self._say(*OFTEN, root="", status=HTTPStatus.TOO_MANY_REQUESTS)
        return await self._say(*ASKED, root="")

    async def show_confirm(self, request: web.Request) -> web.Response:
        works = await self._list_or_404().confirmable(request.match_info["token"])
        return await (self._say(*ASK) if works else self._invalid())

    async def confirm(self, request: web.Request) -> web.Response:
        done = await self._list_or_404().confirm(request.match_info["token"])
        return await (self._say(*CONFIRMED) if done else self._invalid())

    async def show_leave(self, request: web.Request) -> web.Response:
        works = await self._list_or_404().leavable(request.match_info["token"])
        return await (self._say(*LEAVE) if works else self._invalid())

    async def leave(self, request: web.Request) -> web.Response:
        """Unsubscribe; mail programs also post this by themselves (RFC 8058)."""
        done = await self._list_or_404().leave(request.match_info["token"])
        return await (self._say(*LEFT) if done else self._invalid())

    def _list_or_404(self) -> Subscriptions:
        """Raises: aiohttp's HTTPNotFound."""
        subscribers = self._subscriber_list()
        if subscribers is None:
            raise web.HTTPNotFound(text="nobody can subscribe here")
        return subscribers

    async def _invalid(self) -> web.Response:
        return await self._say(*INVALID, status=HTTPStatus.NOT_FOUND)

    async def _say(
        self,
        title: str,
        text: str,
        action: str = "",
        *,
        root: str = "../",
        status: int = HTTPStatus.OK,
    ) -> web.Response:
        shown = await self._page_cache.shown()
        if shown is None:
            raise web.HTTPNotFound(text=NONE)
        body = html.message(shown.page, title, text, root=root, action=action)
        return web.Response(status=status, text=body, content_type="text/html", headers=HEADERS)


def _address(text: str) -> str:
    """Return what was typed if it is an address, else ""."""
    try:
        address = parse_email(text)
    except ValueError:
        return ""
    return address if len(address) <= MAX_ADDRESS else ""

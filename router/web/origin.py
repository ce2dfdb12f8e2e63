"""Refuses what another site made somebody's browser send.

A browser adds its user's password to a form that any site has it post, and reaches a router on
loopback that asks for none. It also says where the form came from, which no site can forge;
programs say nothing, and are left alone.
"""

import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from router.config.document import ConfigFile
from router.web.problem import Handler

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing here."""

ANYBODYS = ("/webhooks/", "/heartbeat/", "/act/", "/status", "/metrics", "/-/", "/style.css")
"""Where paths begin that show nothing to hide, or ask for a secret of their own.

All others ask for a token.
"""


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Raises: aiohttp's HTTPForbidden."""
    if request.method not in SAFE and _from_elsewhere(request):
        raise web.HTTPForbidden(
            text="another site's page sent this; open the router's own page and do it there"
        )
    return await handler(request)


def _from_elsewhere(request: web.Request) -> bool:
    """By Sec-Fetch-Site (https://www.w3.org/TR/fetch-metadata/), or Origin where a browser leaves
    that out.
    """
    if site := request.headers.get("Sec-Fetch-Site"):
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("Host", "")


def own_name(document: Callable[[], ConfigFile]) -> Middleware:
    """Refuses, while the API is open on loopback, what is asked of it by another's name.

    A site can have its own name lead to 127.0.0.1: to a browser its page and the router are the
    same origin then.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Raises: aiohttp's HTTPMisdirectedRequest."""
        auth, url = document().auth, document().external_url
        if (
            not (auth.tokens or auth.insecure)
            and not request.path.startswith(ANYBODYS)
            and not _ours(request.host, url)
        ):
            raise web.HTTPMisdirectedRequest(
                text="the router isn't known by this name: set external_url to it, or let auth.tokens say who may ask"
            )
        return await handler(request)

    return check


def _ours(host: str, external_url: str) -> bool:
    """An address is nobody's name: no site can have it."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if name in {"localhost", urlsplit(external_url).hostname}:
            return True
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

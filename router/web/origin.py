"""Refuses what another site made somebody's browser send.

A browser adds its user's password to a form that any site has it post, and reaches a router on loopback that asks for
none. It also says where the form came from, which no site can forge; programs say nothing, and are left alone.
"""

from urllib.parse import urlsplit

from aiohttp import web

from router.web.problem import Handler

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing here."""


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Raises: aiohttp's HTTPForbidden."""
    if request.method not in SAFE and _from_elsewhere(request):
        raise web.HTTPForbidden(text="another site's page sent this; open the router's own page and do it there")
    return await handler(request)


def _from_elsewhere(request: web.Request) -> bool:
    """By Sec-Fetch-Site (https://www.w3.org/TR/fetch-metadata/), or Origin where a browser leaves that out."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("Host", "")

"""Serve the status page to anybody: nothing here needs a token, and everything here is public."""

from email.utils import formatdate
from http import HTTPStatus

from aiohttp import web

from router.web.pages.page import HEADERS
from router.web.statuspage.documents import FRONT
from router.web.statuspage.page_cache import BARE, Shown, StatusPageCache

CACHING = "public, max-age=30, stale-if-error=86400"
"""Caches keep the page for half a minute, which is enough if many people read it. A cache may show
it for a day while the router is down.
"""

NONE = "the config has no status_page"


class StatusPage:
    """`/status` and the files below it."""

    def __init__(self, page_cache: StatusPageCache) -> None:
        self._page_cache = page_cache

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/status", self.show), web.get("/status/{path:.*}", self.show)]

    async def show(self, request: web.Request) -> web.StreamResponse:
        shown = await self._page_cache.shown()
        if shown is None:
            raise web.HTTPNotFound(text=NONE)
        path = request.match_info.get("path")
        name = BARE if path is None else _document(path or FRONT, shown)
        if name is None:
            raise web.HTTPNotFound(text="the status page has no such part")
        return _answer(request, shown, name)


def _document(path: str, shown: Shown) -> str | None:
    """Return the name of a file; a page is also found without .html."""
    return next((name for name in (path, f"{path}.html") if name and name in shown.documents), None)


def _answer(request: web.Request, shown: Shown, name: str) -> web.Response:
    document, since = shown.documents[name], int(shown.since[name])
    headers = {
        **HEADERS,
        "Cache-Control": CACHING,
        "ETag": f'"{document.etag}"',
        "Last-Modified": formatdate(since, usegmt=True),
        "Access-Control-Allow-Origin": "*",
    }
    if _has_it(request, document.etag, since):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(
        body=document.body, content_type=document.content_type, charset="utf-8", headers=headers
    )


def _has_it(request: web.Request, etag: str, since: int) -> bool:
    """Check if the client has this version (RFC 9110, 13.2.2: the date counts without a tag)."""
    if request.if_none_match is not None:
        return any(tag.value in {etag, "*"} for tag in request.if_none_match)
    return request.if_modified_since is not None and request.if_modified_since.timestamp() >= since

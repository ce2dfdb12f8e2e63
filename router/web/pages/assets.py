"""The stylesheet, scripts and icon of pages, at paths that change with their content."""

import functools
import gzip
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

from aiohttp import web
from msgspec import Struct

FOLDER = Path(__file__).parent

STYLE = "style.css"
SCRIPTS = (
    "vendor/idiomorph.min.js",
    "script/page.js",
    "script/live.js",
    "script/palette.js",
)
"""The scripts of every page, in the order in which they run."""

TYPES: Mapping[str, str] = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
PATHS: Mapping[str, str] = {
    f"/{STYLE}": STYLE,
    "/assets/icon.svg": "icon.svg",
    "/favicon.ico": "icon.svg",
    "/assets/device.js": "script/device.js",
    "/assets/oncall.js": "script/oncall.js",
    **{f"/assets/{name.partition('/')[2]}": name for name in SCRIPTS},
}
"""Files by path."""

WEEK = 7 * 86_400
HEADERS: Mapping[str, str] = {
    "Cache-Control": f"public, max-age={WEEK}",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}


class Asset(Struct, frozen=True):
    """A file as it is served."""

    url: str
    content_type: str
    body: bytes
    zipped: bytes


@functools.cache
def asset(path: str) -> Asset:
    """Return the file at `path`. `url` has a digest of it, so that browsers can cache it."""
    name = PATHS[path]
    body = (FOLDER / name).read_bytes()
    url = f"{path}?{blake2b(body, digest_size=4).hexdigest()}"
    return Asset(url, TYPES[Path(name).suffix], body, gzip.compress(body, 9))


def stylesheet() -> str:
    """Return the stylesheet of all pages."""
    return asset(f"/{STYLE}").body.decode()


def style_url() -> str:
    """Return the URL of the stylesheet."""
    return asset(f"/{STYLE}").url


def script_urls() -> list[str]:
    """Return the URLs of the scripts, in the order in which they run."""
    return [asset(path).url for path, name in PATHS.items() if name in SCRIPTS]


def routes() -> list[web.RouteDef]:
    """Return the routes of all files."""
    return [web.get(path, _show) for path in PATHS]


async def _show(request: web.Request) -> web.Response:
    file = asset(request.path)
    zipped = "gzip" in request.headers.get("Accept-Encoding", "")
    return web.Response(
        body=file.zipped if zipped else file.body,
        content_type=file.content_type,
        charset="utf-8",
        headers={**HEADERS, **({"Content-Encoding": "gzip"} if zipped else {})},
    )

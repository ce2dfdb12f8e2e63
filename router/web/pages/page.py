"""Pages for browsers: HTML from the templates in this folder, with one stylesheet and no script.

The templates escape all untrusted text. The policy of each page lets a browser load and send
nothing but our own. Pages work without script, on a phone, and in dark mode.
"""

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jinja2
import msgspec
from aiohttp import web
from markupsafe import Markup

from router.core.messages.timeline import describe
from router.core.text.plain import local, utc, visible, web_url
from router.core.text.units import duration
from router.web.problem import PROBLEM, Handler

FOLDER = Path(__file__).parent

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of a page."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: with that a browser says of our own forms, too, that they come from nowhere
    # (Origin: null).
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

KEPT = ("Allow", "Retry-After", "WWW-Authenticate")
"""Headers of a problem that its page keeps."""

STYLE_PATH = "/style.css"
WEEK = 7 * 86_400


def page(
    name: str, /, *, status: int = 200, headers: Mapping[str, str] | None = None, **given: Any
) -> web.Response:
    """Return a response with the template's page. `headers` replace the default ones."""
    return web.Response(
        status=status,
        text=render(name, **given),
        content_type="text/html",
        headers={**HEADERS, **(headers or {})},
    )


def render(name: str, /, **given: Any) -> str:
    """Return the template's HTML. `style` is the stylesheet's URL by default."""
    return _environment().get_template(name).render({"style": style_url(), **given})


def stylesheet() -> str:
    """Return the stylesheet of all pages."""
    return (FOLDER / "style.css").read_text("utf-8")


@functools.cache
def style_url() -> str:
    """Return the stylesheet's path. It changes with the content, so that browsers can cache it."""
    return f"{STYLE_PATH}?{blake2b(stylesheet().encode(), digest_size=4).hexdigest()}"


def routes() -> list[web.RouteDef]:
    """Return the routes that all pages need."""
    return [web.get(STYLE_PATH, _show_style)]


async def _show_style(_request: web.Request) -> web.Response:
    headers = {"Cache-Control": f"public, max-age={WEEK}", "X-Content-Type-Options": "nosniff"}
    return web.Response(text=stylesheet(), content_type="text/css", headers=headers)


@web.middleware
async def readable(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Return a problem as a page to a client that accepts HTML."""
    answer = await handler(request)
    if answer.status < HTTPStatus.BAD_REQUEST or answer.content_type != PROBLEM:
        return answer
    if "text/html" not in request.headers.get("Accept", ""):
        return answer
    assert isinstance(answer, web.Response)
    assert isinstance(answer.body, bytes)
    said = msgspec.json.decode(answer.body)
    kept = {name: answer.headers[name] for name in KEPT if name in answer.headers}
    return page(
        "message.html", status=answer.status, headers=kept, title=said["title"], text=said["detail"]
    )


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.FileSystemLoader(FOLDER),
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "time_in": time_in,
        "time": time,
        "duration": duration,
        "utc": utc,
        "web_url": web_url,
    }
    environment.filters |= {"describe": describe, "words": lambda name: name.replace("_", " ")}
    return environment


def _visible(value: Any) -> Any:
    """Remove controls and invisible characters from text that a page shows."""
    return visible(value) if type(value) is str else value


def time_in(at: float, zone: str) -> Markup:
    """Return epoch seconds as an HTML `<time>`, by the clock of a time zone."""
    exact = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="{}">{}</time>').format(exact, local(at, zone))


def time(at: float | None) -> Markup:
    """Return epoch seconds as an HTML `<time>`: to the minute for people, exact for programs."""
    if at is None:
        return Markup()
    exact = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="{}">{}</time>').format(exact, utc(at))

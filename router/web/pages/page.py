"""Pages for browsers: HTML from the templates in `pages/`, with one stylesheet and no script.

Whatever an alert or a person wrote is escaped by the templates, and the policy that goes with each
page lets a browser run, load and send nothing but what is ours. A page works without script, on a
telephone, and in the dark.
"""

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
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
"""Headers that mean something in an error, for a browser too."""

STYLE_PATH = "/style.css"
WEEK = 7 * 86_400


def page(
    name: str, /, *, status: int = 200, headers: Mapping[str, str] | None = None, **given: Any
) -> web.Response:
    """The answer with the page that the template `name` makes of what is `given`.

    `headers` replace the usual ones.
    """
    return web.Response(
        status=status,
        text=render(name, **given),
        content_type="text/html",
        headers={**HEADERS, **(headers or {})},
    )


def render(name: str, /, **given: Any) -> str:
    """The HTML of the template `name`.

    In it `style` is the stylesheet's URL, which may be given too.
    """
    return _environment().get_template(name).render({"style": style_url(), **given})


def stylesheet() -> str:
    """The one of all pages."""
    return (FOLDER / "style.css").read_text("utf-8")


@functools.cache
def style_url() -> str:
    """The stylesheet's path, another one for another content: browsers may keep it."""
    return f"{STYLE_PATH}?{blake2b(stylesheet().encode(), digest_size=4).hexdigest()}"


def routes() -> list[web.RouteDef]:
    """What all pages need."""
    return [web.get(STYLE_PATH, _show_style)]


async def _show_style(_request: web.Request) -> web.Response:
    headers = {"Cache-Control": f"public, max-age={WEEK}", "X-Content-Type-Options": "nosniff"}
    return web.Response(text=stylesheet(), content_type="text/css", headers=headers)


@web.middleware
async def readable(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A problem as a page, for whoever asks for one."""
    answer = await handler(request)
    if answer.content_type != PROBLEM or "text/html" not in request.headers.get("Accept", ""):
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
    """Epoch seconds as an HTML `<time>`: for people to the minute, for programs to the second."""
    if at is None:
        return Markup()
    exact = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="{}">{}</time>').format(exact, utc(at))

"""Pages for browsers: HTML from the templates in this folder, with one stylesheet.

The templates escape all untrusted text. The Content-Security-Policy of each page lets a browser
load, run and send only the router's own files and forms. Reading pages and acknowledging incidents
works without scripts.
"""

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jinja2
from aiohttp import web
from markupsafe import Markup

from router.core.messages.timeline import describe
from router.core.text.plain import utc, visible, web_url
from router.core.text.units import duration
from router.web.pages.assets import FOLDER, style_url
from router.web.pages.times import ago, clock, field_time, localized, moment, seconds, time, time_in

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

NO_SCRIPT = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of a page without script."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": NO_SCRIPT,
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: with it browsers send `Origin: null` even for the router's own forms.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def policy(nonce: str) -> str:
    """Return the Content-Security-Policy of a page that runs the scripts with this nonce."""
    own = "connect-src 'self'; worker-src 'self'; manifest-src 'self'"
    return f"{NO_SCRIPT}; script-src 'nonce-{nonce}'; {own}"


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
        "ago": ago,
        "at": seconds,
        "clock": clock,
        "field_time": field_time,
        "time_in": time_in,
        "time": time,
        "moment": moment,
        "localized": localized,
        "duration": duration,
        "utc": utc,
        "web_url": web_url,
        "markdown": _markdown,
        "sentence": lambda text: text[:1].upper() + text[1:],
    }
    environment.filters |= {"describe": describe, "words": lambda name: name.replace("_", " ")}
    return environment


def _visible(value: Any) -> Any:
    """Remove controls and invisible characters from text that a page shows."""
    return visible(value) if type(value) is str else value


def _markdown(text: str) -> Markup:
    """Return Markdown with tables as HTML. HTML in the text is escaped."""
    return Markup(_parser().render(visible(text)))  # noqa: S704 - the parser escapes


@functools.cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # noqa: PLC0415 - only the page of a drill needs it

    return MarkdownIt("commonmark", {"html": False}).enable("table")

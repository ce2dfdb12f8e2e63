"""The frame of pages for people who respond: navigation, reader's clock, scripts and the notice.

A page calls `inside` with its template, which extends `inside.html`; docs/contributing.md has the
steps to a new page.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from msgspec import Struct

from router.config.config_file import ConfigFile
from router.config.fields import parse_time_zone
from router.ports.clock import Clock
from router.web.auth import IDENTITY
from router.web.pages.assets import script_urls
from router.web.pages.navigation import available, menu
from router.web.pages.page import page, policy
from router.web.pages.times import COOKIE


class Frame(Struct, frozen=True):
    """The parts of the router that every page uses."""

    config_file: Callable[[], ConfigFile]
    clock: Clock


FRAME = web.AppKey("frame", Frame)
"""The key of an application's frame."""


def inside(
    request: web.Request,
    name: str,
    /,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **given: Any,
) -> web.Response:
    """Return a response with a template's page in the frame.

    The template also gets `company`, `now`, `zone`, `path`, `reader` and the navigation.
    """
    nonce = secrets.token_urlsafe(12)
    frame = request.app[FRAME]
    return page(
        name,
        status=status,
        headers={"Content-Security-Policy": policy(nonce), **(headers or {})},
        **{
            "company": frame.config_file().company.name,
            "now": frame.clock.now(),
            "zone": reader_zone(request),
            "path": request.path,
            "reader": request.get(IDENTITY),
            "navigation": menu(available(request.app), request.path),
            "scripts": script_urls(),
            "nonce": nonce,
            **given,
        },
    )


def reader_zone(request: web.Request) -> str:
    """Return the time zone of the reader's browser, or else the company's."""
    company = request.app[FRAME].config_file().company.time_zone
    try:
        return parse_time_zone(request.cookies.get(COOKIE, ""))
    except ValueError:
        return company

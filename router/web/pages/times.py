"""Times on pages: in the reader's time zone, relative, and in UTC on hover."""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from markupsafe import Markup, escape

from router.core.text.plain import local, visible
from router.core.text.units import duration

COOKIE = "zone"
"""The cookie with the time zone of the reader's browser. A script sets it."""

_TIME = '<time datetime="{}" title="{}">{}</time>'
_RELATIVE = '<time datetime="{}" title="{}" data-relative>{}</time>'
_WRITTEN = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d) UTC")
_SOON = 1.0


def time_in(at: float, zone: str) -> Markup:
    """Return epoch seconds as an HTML `<time>`, in a time zone."""
    return _element('<time datetime="{}">{}</time>', _exact(at), local(at, zone))


@jinja2.pass_context
def time(context: jinja2.runtime.Context, at: float | None) -> Markup:
    """Return epoch seconds as an HTML `<time>` in the reader's time zone; nothing for None."""
    if at is None:
        return Markup()
    zone = _zone(context)
    return _element(_TIME, _exact(at), in_utc(at), shown(at, zone, context.get("now")))


@jinja2.pass_context
def ago(context: jinja2.runtime.Context, at: float | None) -> Markup:
    """Return epoch seconds relative to the page's `now`: `in 4m 10s`, `12m ago`."""
    if at is None:
        return Markup()
    both = f"{shown(at, _zone(context))} · {in_utc(at)}"
    return _element(_RELATIVE, _exact(at), both, relative(at - context["now"]))


@jinja2.pass_context
def clock(context: jinja2.runtime.Context, at: float) -> str:
    """Return the time of day in the reader's time zone: `09:00`."""
    return f"{datetime.fromtimestamp(at, ZoneInfo(_zone(context))):%H:%M}"


def field_time(at: float, zone: str) -> str:
    """Return epoch seconds in the format of a datetime-local field: `2026-12-24T09:00`."""
    return f"{datetime.fromtimestamp(at, ZoneInfo(zone)):%Y-%m-%dT%H:%M}"


def seconds(text: str | None) -> float | None:
    """Return a time of the API in epoch seconds; None for None."""
    return None if text is None else datetime.fromisoformat(text).timestamp()


@jinja2.pass_context
def moment(context: jinja2.runtime.Context, at: float) -> str:
    """Return epoch seconds in the reader's time zone, as text for an attribute."""
    return shown(at, _zone(context), context.get("now"))


@jinja2.pass_context
def localized(context: jinja2.runtime.Context, text: str) -> Markup:
    """Return a text with its UTC times converted to the reader's clock."""
    markup, end = Markup(), 0
    for match in _WRITTEN.finditer(text):
        at = datetime.fromisoformat(f"{match[1]}T{match[2]}+00:00").timestamp()
        markup += escape(visible(text[end : match.start()])) + time(context, at)
        end = match.end()
    return markup + escape(visible(text[end:]))


def relative(seconds: float) -> str:
    """Return a time difference in words; negative is in the past.

    The script of pages does the same.
    """
    if abs(seconds) < _SOON:
        return "now"
    text = duration(round(abs(seconds)))
    return f"in {text}" if seconds > 0 else f"{text} ago"


def shown(at: float, zone: str, now: Any = None) -> str:
    """Return a time in a time zone: with its day unless that is today's."""
    moment = datetime.fromtimestamp(at, ZoneInfo(zone))
    today = datetime.fromtimestamp(now, ZoneInfo(zone)) if isinstance(now, float) else None
    if today is not None and moment.date() == today.date():
        return f"{moment:%H:%M}"
    if today is not None and moment.year == today.year:
        return f"{moment.day} {moment:%b %H:%M}"
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzname()}"


def in_utc(at: float) -> str:
    """Return a time to the second, in UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _element(template: str, *times: str) -> Markup:
    """Fill in times: digits, units and zone abbreviations, which need no escaping.

    A page of an incident has hundreds of them.
    """
    return Markup(template.format(*times))  # noqa: S704


def _exact(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _zone(context: jinja2.runtime.Context) -> str:
    return str(context.get("zone") or "UTC")

"""The time window of an incident, its alert's query, and links to other services."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from router.core.text.plain import plain, web_url
from router.core.text.sandbox import NotMeant
from router.core.text.template import Template, written
from router.model.alert import Alert
from router.model.incident import Incident

BEFORE = 900.0
"""Seconds shown before the onset."""

AFTER = 300.0
"""Seconds shown after the end."""

FARTHEST = 86_400.0
"""Maximum seconds between an onset and the opening.

An alert may have fired for weeks before the router saw it.
"""


_COMPARISON = re.compile(
    r"(?P<curve>.*\S)\s*(?P<sign>[<>]=?|[=!]=)\s*(?P<limit>-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?)",
    re.DOTALL,
)
_QUOTED = re.compile(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])*\'|`[^`]*`')
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}")
_TOP_LEVEL = re.compile(r"[()\[\]{}<>]|[=!]=|\b(and|or|unless)\b", re.IGNORECASE)
"""A further comparison, a set operator or an open bracket in the result of `_top_level`."""

LONGEST_QUERY = 4_000
"""Maximum characters of a parsed query, since parsing nested brackets takes quadratic time."""

LONGEST_URL = 2_000
"""Maximum characters of a URL. Browsers, mail gateways and chats truncate longer ones."""


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to `end`, in UTC seconds. `onset` is the start of the first alert, if known."""

    start: float
    onset: float
    end: float


@dataclass(frozen=True, slots=True)
class Link:
    """A link to another service, or the `problem` with its template."""

    name: str
    url: str = ""
    problem: str = ""


def window(incident: Incident, alerts: Iterable[Alert], now: float) -> Window:
    """Return the window: from shortly before the onset to now, or to shortly after the end."""
    began = [
        alert.starts_at
        for alert in alerts
        if incident.opened_at - FARTHEST <= alert.starts_at < incident.opened_at
    ]
    onset = min([incident.opened_at, *began])
    end = now if incident.closed_at is None else min(now, incident.closed_at + AFTER)
    return Window(onset - BEFORE, onset, max(end, incident.opened_at))


def query_of(url: str) -> str:
    """Return the PromQL of a Prometheus `generatorURL` (`…/graph?g0.expr=…`), or ""."""
    try:
        return parse_qs(urlsplit(url).query).get("g0.expr", [""])[0]
    except ValueError:
        return ""


def curve_of(query: str) -> tuple[str, tuple[str, float] | None]:
    """Split an alert's query: `rate(x[5m]) > 0.5` is ("rate(x[5m])", (">", 0.5)).

    The comparison hides values below the limit, so it's removed to draw the whole curve. A query
    that isn't a single comparison with a number is returned unchanged, with None.
    """
    found = _COMPARISON.fullmatch(query.strip()) if len(query) <= LONGEST_QUERY else None
    if found is None or _TOP_LEVEL.search(_top_level(found["curve"])):
        return query, None
    return found["curve"], (found["sign"], float(found["limit"]))


def _top_level(query: str) -> str:
    """Return the query without brackets and quotes."""
    text = _QUOTED.sub("", query)
    while (less := _BRACKETS.sub("", text)) != text:
        text = less
    return text


def links(
    templates: Iterable[tuple[str, Template]], incident: Incident, seen: Window
) -> list[Link]:
    """Return a link for each (name, template) that applies. A failure affects only its link."""
    given = _given(incident, seen)
    made = (_link(name, template, given) for name, template in templates)
    return [link for link in made if link is not None]


def usable(made: Sequence[Link]) -> tuple[tuple[str, str], ...]:
    """Return the name and URL of the links without a problem."""
    return tuple((link.name, link.url) for link in made if link.url)


def _link(name: str, template: Template, given: dict[str, Any]) -> Link | None:
    try:
        url = written(template, given).strip()
    except NotMeant:
        return None
    except ValueError as error:
        return Link(name, problem=plain(str(error)))
    if not web_url(url) or " " in url:  # with `raw`, the whole URL may come from an alert
        return Link(name, problem="the template's result isn't an http or https URL")
    if len(url) > LONGEST_URL:
        return Link(name, problem=f"the URL is longer than {LONGEST_URL} characters")
    return Link(name, url)


def _given(incident: Incident, seen: Window) -> dict[str, Any]:
    given: dict[str, Any] = {
        "labels": incident.labels,
        "annotations": incident.annotations,
        "id": incident.id,
        "name": incident.name,
        "rule": incident.rule,
        "severity": incident.severity.value,
        "source": incident.source,
        "url": incident.url,
        "query": query_of(incident.url),
    }
    for name, at in (("start", seen.start), ("end", seen.end)):
        given[name] = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        given[f"{name}_s"] = int(at)
        given[f"{name}_ms"] = int(at) * 1000
    return {name: value for name, value in given.items() if value != ""}

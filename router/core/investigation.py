"""Where to look: the time that an incident is about, the query of its alert, and links into other services."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from router.core.render import plain
from router.core.template import Template, written
from router.model.alert import Alert
from router.model.incident import Incident

BEFORE = 900.0
"""Seconds shown before the onset: what led to it, and what was normal."""

AFTER = 300.0
"""Seconds shown after the end."""

FARTHEST = 86_400.0
"""Seconds before the opening that an onset is believed. An alert may have fired for weeks before the router saw it."""


LONGEST_URL = 2_000
"""Characters. Browsers, mail gateways and chats start to cut beyond it."""


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to `end`, in UTC seconds. `onset` is when the first alert began, as far as is known."""

    start: float
    onset: float
    end: float


@dataclass(frozen=True, slots=True)
class Link:
    """A way to look at an incident elsewhere, or the `problem` that there is with it."""

    name: str
    url: str = ""
    problem: str = ""


def window(incident: Incident, alerts: Iterable[Alert], now: float) -> Window:
    """The time to look at: from a while before the onset until now, or a little after the end."""
    began = [
        alert.starts_at for alert in alerts if incident.opened_at - FARTHEST <= alert.starts_at < incident.opened_at
    ]
    onset = min([incident.opened_at, *began])
    end = now if incident.closed_at is None else min(now, incident.closed_at + AFTER)
    return Window(onset - BEFORE, onset, max(end, incident.opened_at))


def query_of(url: str) -> str:
    """The PromQL in a Prometheus `generatorURL` (`…/graph?g0.expr=…`); "" if it's no such URL."""
    try:
        return parse_qs(urlsplit(url).query).get("g0.expr", [""])[0]
    except ValueError:
        return ""


def links(templates: Iterable[tuple[str, Template]], incident: Incident, seen: Window) -> list[Link]:
    """A link for each (name, template). One that fails says so, and leaves the others alone."""
    given = _given(incident, seen)
    return [_link(name, template, given) for name, template in templates]


def usable(made: Sequence[Link]) -> tuple[tuple[str, str], ...]:
    """The name and URL of those that lead somewhere."""
    return tuple((link.name, link.url) for link in made if link.url)


def _link(name: str, template: Template, given: dict[str, Any]) -> Link:
    try:
        url = written(template, given).strip()
    except ValueError as error:
        return Link(name, problem=plain(str(error)))
    # With `raw` an alert may have written all of it: no javascript:, no second line.
    if not url.startswith(("https://", "http://")) or url != plain(url) or " " in url:
        return Link(name, problem="it doesn't make an http or https URL")
    if len(url) > LONGEST_URL:
        return Link(name, problem=f"it makes a URL of more than {LONGEST_URL} characters")
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

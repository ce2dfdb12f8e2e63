"""The facts about an alert that a responder needs: labels by importance, and all annotations.

Labels are facts, each on one line. Annotations are details, whose line breaks survive. A long
description takes no room from the labels, and what is left out is counted.
"""

from collections.abc import Iterator, Mapping, Sequence

from router.core.deployments.suspect import suspicion
from router.core.messages.timeline import describe, measured, unreadable
from router.core.text.plain import local, plain, web_url
from router.model.decision import Entry
from router.model.incident import Incident
from router.model.notification import Message
from router.model.reason_row import Trait
from router.model.reasons import having

MAX_LABELS = 20
MAX_DETAILS = 10
MAX_LINES = 30
"""Lines of a detail."""

MAX_LINK_NAME = 40
"""Characters of a link's name, which may be on a button."""

MAX_DETAIL = 4000
"""Characters of a detail."""

_IMPORTANT = (
    *("alertname", "severity", "service", "namespace", "pod", "instance", "cluster"),
    *("environment", "env", "region", "zone", "node", "host", "container", "app", "team", "job"),
)
"""Labels that identify the problem and its place; they come first."""

_ORDER = {name: place for place, name in enumerate(_IMPORTANT)}
_FIRST = {
    name: place
    for place, name in enumerate(("message", "description", "summary", "impact", "Error", "error"))
}
"""The places of labels and of annotations that come first."""

_LINKED = frozenset({"runbook_url", "runbook"})
"""Annotations that a message shows as a separate link."""

_RAISES = having(Trait.STARTS_POLICY)
_WARNINGS = having(Trait.UNMEASURED)
"""Reasons for a severity that wasn't measured."""


def facts(message: Message) -> Iterator[tuple[str, str]]:
    """(name, value) in order of importance, each on one line."""
    incident, zone = message.incident, message.time_zone
    if message.may_be_doubled:
        yield "Repeated", f"attempt {message.attempt}, since an earlier one may have arrived"
    yield "Alerts firing", f"{incident.firing} of {incident.alerts}"
    if incident.closed_at is not None:
        yield "Ended", local(incident.closed_at, zone)
    if incident.flapping_since is not None:
        since = local(incident.flapping_since, zone)
        yield "Flapping", f"since {since}: its changes are not sent until it settles"
    yield from _measurement(message.timeline)
    if incident.suspect:
        yield "Suspect", plain(suspicion(incident.suspect, incident))
    if incident.component:
        yield "Component", plain(incident.component)
    if message.draft:
        yield "Not public yet", f"{plain(message.draft)} (alert-router publish {incident.id})"
    yield from labels(incident.labels)


def labels(all_labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The labels by importance, then by name. The last one counts the omitted labels."""
    shown = sorted(
        (_ORDER.get(name, len(_ORDER)), name, text)
        for name, value in all_labels.items()
        if (text := plain(value))
    )
    for _, name, text in shown[:MAX_LABELS]:
        yield plain(name), text
    if (left := len(shown) - MAX_LABELS) > 0:
        yield "More labels", f"+{left}"


def details(incident: Incident) -> Iterator[tuple[str, str]]:
    """(name, text of one or more lines): the annotations, except for links and the title."""
    title = plain(incident.title)
    shown = sorted(
        (_FIRST.get(name, len(_FIRST)), name, text)
        for name, value in incident.annotations.items()
        if name not in _LINKED and not web_url(value)
        if (text := paragraph(value)) and text not in title
    )
    for _, name, text in shown[:MAX_DETAILS]:
        yield _words(name), text
    if (left := len(shown) - MAX_DETAILS) > 0:
        yield "More annotations", f"+{left}"


def annotation_links(incident: Incident) -> Iterator[tuple[str, str]]:
    """(name, URL) of annotations that are web addresses, such as a dashboard."""
    for name, value in sorted(incident.annotations.items()):
        label = _words(name.removesuffix("_url").removesuffix("URL"))[:MAX_LINK_NAME]
        if label and name not in _LINKED and web_url(value):
            yield label, value


def paragraph(text: str) -> str:
    """Plain text with its line breaks: no control characters, no two empty lines in a row."""
    lines: list[str] = []
    for line in map(plain, text.splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    left = len(lines) - MAX_LINES
    shown = lines[:MAX_LINES] + ([f"(+{left} more lines)"] if left > 0 else [])
    joined = "\n".join(shown).strip()
    return joined if len(joined) <= MAX_DETAIL else f"{joined[: MAX_DETAIL - 1]}…"


def _measurement(timeline: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    """The value that set the severity, or a warning that none did."""
    judged = [entry for entry in timeline if entry.what in _RAISES and "reason" in entry.data]
    if not judged:
        return
    data = judged[-1].data
    if data["reason"] in _WARNINGS:
        noted = [entry for entry in timeline if entry.what == data["reason"]]
        yield "Warning", describe(noted[-1]) if noted else unreadable(data)
    elif data.get("value") and data.get("threshold"):
        threshold = str(data["threshold"])
        yield (
            "Measured",
            f"{measured(str(data['value']), threshold)} (threshold {plain(threshold)})",
        )


def _words(name: str) -> str:
    """Format a name: `dashboard` as `Dashboard`; a name with capitals stays."""
    words = plain(name.replace("_", " "))
    return words if words != words.lower() else words.capitalize()

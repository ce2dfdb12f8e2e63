"""An incident as text: the internal alert of the plan's templates, and its parts for senders.

All text is plain, including text of alerts and people. Labels are facts, each on one line.
Annotations are details, whose line breaks survive. A long description takes no room from the
labels, and what is left out is counted. Escaping for HTML or mrkdwn is the sender's task.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from router.core.deployments.suspect import suspicion
from router.core.messages.summary import TOP, further
from router.core.messages.templates import INTERNAL, STAKEHOLDERS, Said, Wording, ended, headed
from router.core.messages.timeline import describe, measured, moment, unreadable
from router.core.text.plain import local, plain, web_url
from router.model.decision import Entry
from router.model.incident import Incident, Status
from router.model.notification import Message
from router.model.reason_row import Trait
from router.model.reasons import having

MAX_UPDATES = 10
MAX_LINKS = 3
"""Maximum links in a message, counted separately for the config's and the annotations'.

The incident's page shows all of them.
"""

OWN_LINKS = ("All incidents", "Incident", "Post-mortem", "Runbook", "Source", "What changed")
"""Links that every message may have."""

MAX_LABELS = 20
MAX_DETAILS = 10
MAX_LINES = 30
"""Maximum lines of a detail."""

MAX_LINK_NAME = 40
"""Maximum characters of a link's name, which may be on a button."""

MAX_DETAIL = 4000
"""Maximum characters of a detail."""

_SIGNS = {Status.RESOLVED: "✅", Status.FALSE_POSITIVE: "⚪"}

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
"""The order of the labels and annotations that come first."""

_LINKED = frozenset({"runbook_url", "runbook"})
"""Annotations that a message shows as a separate link."""

_RAISES = having(Trait.STARTS_POLICY)
_WARNINGS = having(Trait.UNMEASURED)
"""Reasons for a severity that wasn't measured."""

_PACKAGED = Wording()
_DELIVERY = having(Trait.DELIVERY)
_FOLLOW_UP = having(Trait.FOLLOW_UP)


class Content(Struct, frozen=True):
    """The texts about an incident in its current state, in parts that a sender lays out.

    subject: always the same for an incident, so that mail clients keep one thread.
    updates: (time, event), oldest first.
    links: (name, http or https URL).
    facts: (name, value), the most important first.
    details: (name, text of one or more lines).
    others: (a line about a further incident, its URL or "").
    text: the plan's internal alert, which is everything except the facts and the details.
    """

    headline: str
    subject: str
    title: str
    status: str
    impact: str
    started: str
    lead: str
    updates: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    details: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, str], ...]
    text: str


def content(message: Message) -> Content:
    """The texts about the incident in its state in `message`."""
    incident, values = message.incident, _values(message)
    first = plain(incident.first_title or incident.title) or incident.name
    more = f" (and {len(message.other_incidents)} more)" if message.other_incidents else ""
    return Content(
        headline=values["headline"],
        subject=f"[{incident.name}] {first}{more}",
        title=values["title"],
        status=values["status"],
        impact=values["impact"],
        started=local(incident.opened_at, message.time_zone),
        lead=values["lead"],
        updates=tuple((update["when"], update["what"]) for update in values["updates"]),
        links=tuple((link["name"], link["url"]) for link in values["links"]),
        facts=tuple(facts(message)),
        details=tuple(details(incident)),
        others=tuple(other_lines(message)) if message.other_incidents else (),
        text=_with_extras(message, (message.write or _PACKAGED.write)(INTERNAL, values)),
    )


def brief(incident: Incident) -> str:
    """A short text about an incident: `P1 INC-8 acknowledged: Disk full`."""
    acknowledged = incident.is_open and incident.acknowledged_at is not None
    status = "acknowledged" if acknowledged else incident.status
    how = "" if status is Status.INVESTIGATING else f" {status.replace('_', ' ')}"
    return f"{incident.severity} {incident.name}{how}: {plain(incident.title) or 'no title'}"


def asked(message: Message) -> str:
    """One plain line about the follow-up in this message; "" for a message about the incident."""
    about = [entry for entry in message.timeline if entry.what is message.reason]
    return describe(about[-1]) if about and message.reason in _FOLLOW_UP else ""


def to_stakeholders(message: Message) -> Said:
    """The message to stakeholders, who are only informed of the state."""
    values = _values(message)
    values["status"] = values["status"].capitalize()
    template = headed((message.write or _PACKAGED.write)(STAKEHOLDERS, values))
    return Said(template.subject, _with_extras(message, template.text))


def other_lines(message: Message) -> Iterator[tuple[str, str]]:
    """(a line about a further incident, its URL), the worst first; then the list of all."""
    others = message.other_incidents
    for other in others[:TOP]:
        yield brief(other.incident), other.url
    if others[TOP:]:
        yield f"All {len(others) + 1} incidents:", message.list_url


def _with_extras(message: Message, text: str) -> str:
    """Add the further incidents and a warning about a repeat, which no template can leave out."""
    lines = [text]
    if message.other_incidents:
        others = [f"{what} {url}".rstrip() for what, url in other_lines(message)]
        lines += ["", further(message.other_incidents), *others]
    if message.may_be_doubled:
        lines += ["", f"Attempt {message.attempt}: an earlier one may have arrived."]
    return "\n".join(lines)


def _values(message: Message) -> dict[str, Any]:
    """The values that internal templates may use."""
    incident = message.incident
    sign = _SIGNS.get(incident.status, "🚨")
    drill = "[DRILL]" if incident.drill else ""
    title = plain(incident.title) or incident.name
    kind = "Post-Mortem" if message.reason in _FOLLOW_UP else "Incident"
    head = (sign, drill, f"[{incident.severity}]", plain(message.company), kind)
    return {
        "headline": " ".join(filter(None, head)),
        "name": incident.name,
        "title": title,
        "impact": title,
        "severity": incident.severity.value,
        "status": incident.status.replace("_", " ").upper(),
        "started": incident.opened_at,
        "updated": incident.updated_at,
        **ended(incident),
        "lead": _lead(incident),
        "suspect": suspicion(incident.suspect, incident) if incident.suspect else "",
        "updates": [{"when": when, "what": what} for when, what in _updates(message)],
        "links": [{"name": name, "url": url} for name, url in _links(message)],
        "page": message.url,
        "next_update": message.next_update,
        "company": message.company,
        "support_email": message.support_email,
        "component": incident.component,
        "labels": incident.labels,
        "annotations": incident.annotations,
        "rule": incident.rule,
        "drill": incident.drill,
        "zone": message.time_zone,
    }


def _lead(incident: Incident) -> str:
    name = plain(incident.lead or incident.acknowledged_by)
    if not name:
        return "nobody yet"
    # "somebody in Slack" is not a name that can be mentioned.
    return name if "@" in name or name.split()[0] == "somebody" else f"@{name}"


def _updates(message: Message) -> tuple[tuple[str, str], ...]:
    zone = ZoneInfo(message.time_zone)
    opened = datetime.fromtimestamp(message.incident.opened_at, zone).date()
    shown = [entry for entry in message.timeline if entry.what not in _DELIVERY][-MAX_UPDATES:]
    return tuple((moment(entry.at, opened, zone), describe(entry)) for entry in shown)


def _links(message: Message) -> Iterator[tuple[str, str]]:
    incident, suspect = message.incident, message.incident.suspect
    changed = suspect.compare or suspect.url if suspect else ""
    own = (
        message.list_url,
        message.url,
        message.postmortem,
        incident.runbook,
        incident.url,
        changed,
    )
    given = [*zip(OWN_LINKS, own, strict=True), *message.elsewhere[:MAX_LINKS]]
    shown = {name.casefold(): (name, url) for name, url in given if web_url(url)}
    from_alert: dict[str, tuple[str, str]] = {}
    for name, url in annotation_links(incident):
        if name.casefold() not in shown:
            from_alert.setdefault(name.casefold(), (name, url))
    yield from (*shown.values(), *list(from_alert.values())[:MAX_LINKS])


# --- facts and details


def facts(message: Message) -> Iterator[tuple[str, str]]:
    """(name, value) in order of importance, each on one line."""
    incident, zone = message.incident, message.time_zone
    if message.may_be_doubled:
        yield "Repeated", f"attempt {message.attempt}: an earlier one may have arrived"
    yield "Alerts firing", f"{incident.firing} of {incident.alerts}"
    if incident.closed_at is not None:
        yield "Ended", local(incident.closed_at, zone)
    if incident.flapping_since is not None:
        since = local(incident.flapping_since, zone)
        yield "Flapping", f"since {since}: changes aren't sent until it settles"
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
    """The measured value that set the severity, or a warning that there was none."""
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

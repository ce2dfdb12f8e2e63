"""A post-mortem as Markdown, in the plan's template.

It's rendered from the incident at each request, so the timeline is always current. The texts that
people wrote are stored separately, and are inserted.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from router.core.deployments.suspect import Deploys, services_of
from router.core.messages.timeline import describe, moment
from router.core.postmortem.durations import durations, in_words
from router.core.postmortem.markdown import contained, escaped
from router.core.text.plain import plain
from router.model.decision import Entry
from router.model.deployment import Deployment
from router.model.incident import Incident, Status
from router.model.postmortem import Item, Written
from router.model.reason_row import Trait
from router.model.reasons import having

_FOLLOW_UP = having(Trait.FOLLOW_UP)


class Section(Struct, frozen=True):
    """A section of the document. The first one has no title."""

    title: str
    text: str


class Case(Struct, frozen=True):
    """The data of a post-mortem.

    `zone` is the company's time zone; `deployments` are those around the incident.
    """

    incident: Incident
    timeline: Sequence[Entry]
    written: Written = Written()
    deployments: Sequence[Deployment] = ()
    zone: str = "UTC"
    chart: str = ""


PARTS = {"Summary": "summary", "Root Cause": "root_cause", "Resolution": "resolution"}
"""The sections that people write as one text, and the field of each."""

LESSONS = {
    "What went well": "went_well",
    "What could be improved": "improve",
    "Preventive measures": "prevent",
}
"""The parts of the lessons, and the field of each."""

_HINTS = {
    "went_well": "What worked",
    "improve": "What didn't",
    "prevent": "What prevents a recurrence",
}


def document(case: Case) -> str:
    """Return the whole document."""
    return assembled(sections(case))


def assembled(parts: Iterable[Section]) -> str:
    texts = [f"## {part.title}\n\n{part.text}" if part.title else part.text for part in parts]
    return "\n\n".join(texts) + "\n"


def sections(case: Case) -> list[Section]:
    """Return the sections in the order of the template. The head has no title."""
    written = case.written
    lessons = [
        f"**{name}:**\n\n{_words(getattr(written, field), _HINTS[field])}"
        for name, field in LESSONS.items()
    ]
    return [
        Section("", _head(case)),
        Section("Summary", _words(written.summary, "Brief summary of what happened")),
        Section("Timeline", _timeline(case)),
        Section("Durations", _durations(case)),
        Section("Root Cause", _words(written.root_cause, "What caused the incident")),
        Section("Impact", _impact(case)),
        Section("Resolution", _words(written.resolution, "How it was fixed")),
        Section("Action Items", _items(case.incident.items, case.zone)),
        Section("Lessons Learned", "\n\n".join(lessons)),
        *(Section(plain(extra.title), contained(extra.text)) for extra in written.extra),
    ]


def _words(text: str, hint: str) -> str:
    return contained(text) or f"*{hint}: to be written*"


def _head(case: Case) -> str:
    incident = case.incident
    lead = incident.lead or incident.acknowledged_by
    opened = datetime.fromtimestamp(incident.opened_at, ZoneInfo(case.zone))
    facts = [
        ("Incident", incident.name),
        ("Date", f"{opened:%Y-%m-%d}"),
        ("Incident Lead", escaped(lead) or "nobody"),
        ("Severity", incident.severity.value),
        ("Duration", _duration(incident)),
    ]
    # Two spaces at the end of a line are a line break in Markdown.
    lines = "  \n".join(f"**{name}:** {value}" for name, value in facts)
    return f"# Post-Mortem: {escaped(incident.title) or incident.name}\n\n{lines}"


def _duration(incident: Incident) -> str:
    return (
        "not over yet"
        if incident.closed_at is None
        else in_words(incident.closed_at - incident.opened_at)
    )


# --- what happened


def happened(case: Case) -> list[tuple[float, str]]:
    """Return the timeline and the deployments as (UTC seconds, words), in order."""
    incident = case.incident
    found = [(entry.at, describe(entry)) for entry in case.timeline if entry.what not in _FOLLOW_UP]
    found += [(deployment.at, _deployed(deployment)) for deployment in case.deployments]
    if incident.onset and incident.onset < incident.opened_at:
        found.append((incident.onset, "Onset: the first alert started to fire"))
    return sorted(found, key=lambda each: each[0])


def deployed_around(
    incident: Incident, known: Iterable[Deployment], deploys: Deploys
) -> list[Deployment]:
    """Return the deployments of the incident's services from a while before it to its end."""
    services = services_of(incident, deploys)
    since = (incident.onset or incident.opened_at) - deploys.window
    until = incident.updated_at if incident.closed_at is None else incident.closed_at
    around = [
        deployment
        for deployment in known
        if since <= deployment.at <= until and not services.isdisjoint(deployment.services)
    ]
    return sorted(around, key=lambda deployment: (deployment.at, deployment.id))


def _deployed(deployment: Deployment) -> str:
    by = f" by {deployment.author}" if deployment.author else ""
    return plain(
        f"Deployment {deployment.name} of {', '.join(deployment.services)}{by}: "
        f"{deployment.outcome}"
    )


def _timeline(case: Case) -> str:
    zone = ZoneInfo(case.zone)
    opened = datetime.fromtimestamp(case.incident.opened_at, zone).date()
    lines = [f"- {moment(at, opened, zone)} - {escaped(words)}" for at, words in happened(case)]
    chart = [f"![What happened when]({case.chart})", ""] if case.chart else []
    return "\n".join([*chart, f"Times are those of {case.zone}.", "", *lines])


def _durations(case: Case) -> str:
    took = durations(case.incident, case.timeline)
    missing = "not yet" if case.incident.closed_at is None else "never"
    rows = [
        ("Detected", took.detect, "after it began"),
        ("Acknowledged", took.acknowledge, "after that"),
        ("Mitigated", took.mitigate, "after it was detected"),
        ("Resolved", took.resolve, "after it was detected"),
    ]
    return "\n".join(
        f"- **{name}:** {missing if seconds is None else f'{in_words(seconds)} {after}'}"
        for name, seconds, after in rows
    )


# --- the results


def _impact(case: Case) -> str:
    incident, written = case.incident, case.written
    services = written.services or incident.component or incident.labels.get("service", "")
    facts = [
        ("Users Affected", escaped(written.users_affected) or "*to be written*"),
        ("Revenue Impact", escaped(written.revenue) or "*to be written*"),
        ("Duration", _duration(incident)),
        ("Services Affected", escaped(services) or "*to be written*"),
    ]
    if incident.status is Status.FALSE_POSITIVE:
        facts.append(("False Positive", "yes"))
    return "\n".join(f"- **{name}:** {value}" for name, value in facts)


def _items(items: Sequence[Item], zone: str) -> str:
    return "\n".join(_item_lines(items, ZoneInfo(zone))) or "None so far."


def _item_lines(items: Sequence[Item], zone: ZoneInfo) -> Iterator[str]:
    for item in items:
        due = datetime.fromtimestamp(item.due_at, zone)
        box = "[ ]" if item.is_open else "[x]"
        yield f"{item.number}. {box} {escaped(item.text)} - {escaped(item.owner)} - {due:%Y-%m-%d}"

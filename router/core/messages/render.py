"""An incident as text: the internal alert of the plan's templates, and its parts for senders.

All text is plain, including text of alerts and people. Each part is one line, except for details,
whose line breaks survive. Escaping for HTML or mrkdwn is the sender's task.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from router.core.deployments.suspect import suspicion
from router.core.messages.facts import annotation_links, details, facts
from router.core.messages.summary import TOP, further
from router.core.messages.templates import INTERNAL, STAKEHOLDERS, Said, Wording, ended, headed
from router.core.messages.timeline import describe, moment
from router.core.text.plain import local, plain, web_url
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

_SIGNS = {Status.RESOLVED: "✅", Status.FALSE_POSITIVE: "⚪"}

_PACKAGED = Wording()
_DELIVERY = having(Trait.DELIVERY)
_FOLLOW_UP = having(Trait.FOLLOW_UP)


class Content(Struct, frozen=True):
    """The texts about an incident in its current state, in parts that a sender lays out.

    subject: the same over the incident's life, so that mail clients keep one thread.
    updates: (time, event), oldest first.
    links: (name, http or https URL).
    facts: (name, value), the most important first.
    details: (name, text of one or more lines).
    others: (a line about a further incident, its URL); "" where it has none.
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
    """The message to stakeholders, who only want to know the state."""
    values = _values(message)
    values["status"] = values["status"].capitalize()
    template = headed((message.write or _PACKAGED.write)(STAKEHOLDERS, values))
    return Said(template.subject, _with_extras(message, template.text))


def other_lines(message: Message) -> Iterator[tuple[str, str]]:
    """(a line about a further incident, its URL), the worst first, then the page with all."""
    others = message.other_incidents
    for other in others[:TOP]:
        yield brief(other.incident), other.url
    if others[TOP:]:
        yield f"All {len(others) + 1} incidents:", message.list_url


def _with_extras(message: Message, text: str) -> str:
    """Add the further incidents and the attempt, which a company's template can't leave out."""
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
    # "somebody in Slack" is nobody who could be mentioned.
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

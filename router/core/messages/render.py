"""Puts an incident into words: the internal alert of the plan's communication templates, and one
line per event.

Everything here is plain text on single lines, whatever an alert or a person put into it; escaping
for HTML or mrkdwn is the sender's.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from router.core.deployments.suspect import suspicion
from router.core.messages.templates import INTERNAL, STAKEHOLDERS, Said, Wording, ended, headed
from router.core.text.fill import fill
from router.core.text.plain import local, plain, utc, web_url
from router.model.decision import Entry
from router.model.incident import Incident, Status
from router.model.notification import Letter
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having, row

__all__ = ["Message", "describe", "local", "message", "plain", "to_stakeholders", "utc", "web_url"]

MAX_UPDATES = 10
MAX_LABELS = 20
MAX_LINKS = 3
"""Of those in the config; the incident's page has all."""

MAX_ALSO = 20
"""Further incidents that a message names one by one."""

OWN_LINKS = ("Incident", "Post-mortem", "Runbook", "Source", "What changed")
"""The links that a message has by itself."""

_SIGNS = {Status.RESOLVED: "✅", Status.FALSE_POSITIVE: "⚪"}

_PACKAGED = Wording()
_DELIVERY = having(Trait.DELIVERY)
_FOLLOW_UP = having(Trait.FOLLOW_UP)
_LEAVES = frozenset({Reason.BELOW_THRESHOLD, Reason.RULES_CHANGED, Reason.HEARTBEAT})


class Message(Struct, frozen=True):
    """What there is to say about an incident now, in parts that a sender lays out as its service
    likes.

    `subject` stays the same over the incident's life, so that mail clients keep one thread.
    `updates` are (time, what happened), oldest first; `links` are (name, http or https URL);
    `facts` are (name, value). `also` are (a line about a further incident, its URL), or "" where
    there's none. `text` is all but the facts, as the plan writes it.
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
    also: tuple[tuple[str, str], ...]
    text: str


def message(letter: Letter) -> Message:
    """The words for the incident as it is in `letter`."""
    incident = letter.incident
    title = plain(incident.title) or incident.name
    given, also = _facts_of(letter), tuple(others(letter))
    return Message(
        headline=given["headline"],
        subject=f"[{incident.name}] {title}" + (f" (and {len(letter.also)} more)" if also else ""),
        title=title,
        status=given["status"],
        impact=title,
        started=local(incident.opened_at, letter.time_zone),
        lead=given["lead"],
        updates=tuple((one["when"], one["what"]) for one in given["updates"]),
        links=tuple((one["name"], one["url"]) for one in given["links"]),
        facts=tuple(_facts(letter)),
        also=also,
        text="\n".join([_write(letter, INTERNAL, given), *_more(letter)]),
    )


def further(letter: Letter) -> str:
    """The line before the further incidents of a letter: people in a hurry must see that there are
    more.
    """
    count = len(letter.also)
    return f"AND {count} MORE INCIDENT{'S' * (count > 1)}:"


def brief(incident: Incident) -> str:
    """An incident in a few words: `P1 INC-8 acknowledged: Disk full`."""
    status = (
        "acknowledged"
        if incident.is_open and incident.acknowledged_at is not None
        else incident.status
    )
    how = "" if status is Status.INVESTIGATING else f" {status.replace('_', ' ')}"
    return f"{incident.severity} {incident.name}{how}: {plain(incident.title) or 'no title'}"


def asked(letter: Letter) -> str:
    """In one plain line what follows the incident and this letter is about; "" if it's about the
    incident itself.
    """
    about = [entry for entry in letter.timeline if entry.what is letter.reason]
    return describe(about[-1]) if about and letter.reason in _FOLLOW_UP else ""


def _more(letter: Letter) -> list[str]:
    """The further incidents, which a company's own template can't leave out."""
    also = [f"{what} {url}".rstrip() for what, url in others(letter)]
    return ["", further(letter), *also] if also else []


def to_stakeholders(letter: Letter) -> Said:
    """What is said to who only wants to know how it stands."""
    given = _facts_of(letter)
    given["status"] = given["status"].capitalize()
    said = headed(_write(letter, STAKEHOLDERS, given))
    return Said(said.subject, "\n".join([said.text, *_more(letter)]))


def _write(letter: Letter, name: str, given: dict[str, Any]) -> str:
    return (letter.write or _PACKAGED.write)(name, given)


def _facts_of(letter: Letter) -> dict[str, Any]:
    """What the templates for people inside may use."""
    incident = letter.incident
    sign = _SIGNS.get(incident.status, "🚨")
    drill = "[DRILL]" if incident.drill else ""
    title = plain(incident.title) or incident.name
    kind = "Post-Mortem" if letter.reason in _FOLLOW_UP else "Incident"
    return {
        "headline": " ".join(
            filter(None, (sign, drill, f"[{incident.severity}]", plain(letter.company), kind))
        ),
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
        "updates": [{"when": when, "what": what} for when, what in _updates(letter)],
        "links": [{"name": name, "url": url} for name, url in _links(letter)],
        "page": letter.url,
        "next_update": letter.next_update,
        "company": letter.company,
        "support_email": letter.support_email,
        "component": incident.component,
        "labels": incident.labels,
        "annotations": incident.annotations,
        "rule": incident.rule,
        "drill": incident.drill,
        "zone": letter.time_zone,
    }


def describe(entry: Entry) -> str:
    """One plain line that says what a timeline entry records."""
    given = {**entry.data, "by": entry.by.removeprefix("source:")}
    known = {key: text for key, value in given.items() if (text := _said(value))}
    return (
        plain(fill(row(_about(entry)).timeline, known)) or entry.what.replace("_", " ").capitalize()
    )


def moment(at: float, day: date, zone: ZoneInfo) -> str:
    """The time of day there, with the date unless that is `day`."""
    local = datetime.fromtimestamp(at, zone)
    return f"{local:%H:%M}" if local.date() == day else f"{local:%Y-%m-%d %H:%M}"


def _said(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value))
    return "" if value is None else plain(str(value))


def _about(entry: Entry) -> Reason:
    """The reason to word: of an alert that left its incident, why it left."""
    why = entry.data.get("reason") if entry.what is Reason.CLEARED else None
    return Reason(why) if why in _LEAVES else entry.what


def _lead(incident: Incident) -> str:
    name = plain(incident.lead or incident.acknowledged_by)
    if not name:
        return "nobody yet"
    return name if "@" in name else f"@{name}"


def _updates(letter: Letter) -> tuple[tuple[str, str], ...]:
    zone = ZoneInfo(letter.time_zone)
    opened = datetime.fromtimestamp(letter.incident.opened_at, zone).date()
    shown = [entry for entry in letter.timeline if entry.what not in _DELIVERY]
    return tuple(
        (moment(entry.at, opened, zone), describe(entry)) for entry in shown[-MAX_UPDATES:]
    )


def _links(letter: Letter) -> Iterator[tuple[str, str]]:
    incident = letter.incident
    changed = incident.suspect.compare or incident.suspect.url if incident.suspect else ""
    own = zip(
        OWN_LINKS,
        (letter.url, letter.postmortem, incident.runbook, incident.url, changed),
        strict=True,
    )
    for name, url in (*own, *letter.elsewhere[:MAX_LINKS]):
        if web_url(url):
            yield name, url


def others(letter: Letter) -> Iterator[tuple[str, str]]:
    for other in letter.also[:MAX_ALSO]:
        yield brief(other.incident), other.url
    if left := letter.also[MAX_ALSO:]:
        yield f"and {len(left)} more: {', '.join(other.incident.name for other in left)}", ""


def _facts(letter: Letter) -> Iterator[tuple[str, str]]:
    incident, zone = letter.incident, letter.time_zone
    yield "Alerts firing", f"{incident.firing} of {incident.alerts}"
    if incident.closed_at is not None:
        yield "Ended", local(incident.closed_at, zone)
    if incident.suspect:
        yield "Suspect", plain(suspicion(incident.suspect, incident))
    if incident.component:
        yield "Component", plain(incident.component)
    if letter.draft:
        yield "Not public yet", f"{plain(letter.draft)} (alert-router publish {incident.id})"
    if description := plain(incident.annotations.get("description", "")):
        yield "Description", description
    for name, value in sorted(incident.labels.items())[:MAX_LABELS]:
        yield plain(name), plain(value)

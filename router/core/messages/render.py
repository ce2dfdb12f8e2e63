"""Puts an incident into words: the internal alert of the plan's communication templates, and one
line per event.

Everything here is plain text on single lines, whatever an alert or a person put into it; escaping
for HTML or mrkdwn is the sender's.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from router.core.deployments.suspect import suspicion
from router.core.messages.templates import INTERNAL, STAKEHOLDERS, Said, Wording, ended, headed
from router.core.text.plain import local, plain, utc, web_url
from router.model.decision import Entry
from router.model.incident import Incident, Status
from router.model.notification import Letter
from router.model.reason import Reason

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

# A part in brackets is left out when what it names isn't known.
_WORDS = {
    Reason.OPENED: "Incident detected[: {alert}][ at {value}][ (threshold {threshold})]",
    Reason.JOINED: "Alert joined[: {alert}][ at {value}]",
    Reason.CHANGED: "Alert changed[: {alert}][ at {value}]",
    Reason.CLEARED: "Alert cleared[: {alert}]",
    Reason.BELOW_THRESHOLD: "Alert is below every threshold[: {alert}][ at {value}]",
    Reason.HEARTBEAT: "Alert is a heartbeat[: {alert}]",
    Reason.HELD_RESOLVED: "Alert held back after the incident was resolved by hand[: {alert}]",
    Reason.HELD_FALSE_POSITIVE: "Alert held back as a false positive[: {alert}]",
    Reason.RULES_CHANGED: "Alert no longer belongs here under the changed rules[: {alert}]",
    Reason.SILENCED: "Silenced[ by {name}][: {alert}][: {pages}]",
    Reason.INHIBITED: "Inhibited[ by {name}][: {alert}][: {pages}]",
    Reason.VALUE_UNREADABLE: "Measured value missing or unreadable[: {alert}][ at {value}]",
    Reason.SEVERITY_RAISED: "Severity raised[ from {from}][ to {severity}]",
    Reason.SEVERITY_SET: "Severity set[ from {from}][ to {severity}][ by {by}][: {text}]",
    Reason.PROMOTED: "Not resolved in time: severity raised[ from {from}][ to {severity}]",
    Reason.STATUS_SET: "Status set[ to {status}][ by {by}][: {text}]",
    Reason.ASSIGNED: "[{lead} leads][, says {by}]",
    Reason.PUBLISHED: "Published[ by {by}][: {text}]",
    Reason.ANNOUNCED: "Announced to customers[ by {by}][: {title}]",
    Reason.UPDATE_OVERDUE: "Nobody has said anything for too long: an update is due[: {say}]",
    Reason.RESPONSE_OVERDUE: "Nobody has acknowledged in the time that was promised",
    Reason.QUIET: "All alerts cleared, waiting for quiet",
    Reason.RESOLVED: "Resolved: all alerts stayed clear",
    Reason.RESOLVED_BY_PERSON: "Resolved[ by {by}][: {text}]",
    Reason.FALSE_POSITIVE: "Marked as a false positive[ by {by}][: {text}]",
    Reason.REOPENED: "Reopened[: {alert} fires again]",
    Reason.ACKNOWLEDGED: "Acknowledged[ by {by}][: {text}]",
    Reason.ESCALATED: "Escalated[ by {by}][: {text}]",
    Reason.NOTED: "[{text}][ ({by})]",
    Reason.ALREADY_DONE: "Was so already[ when {by} asked][: {command}]",
    Reason.ALREADY_CLOSED: "Was closed already[ when {by} asked][: {command}]",
    Reason.COMMAND_OUTDATED: "Was reopened since[ when {by} asked][: {command}]",
    Reason.COMMAND_OVERTAKEN: "Came late[ from {by}], after something newer[: {command}]",
    Reason.NOT_PUBLIC: "Can't be published[, as {by} asked]: a drill is never public",
    Reason.NOT_RESOLVED: "Can't be announced[, as {by} asked]: it isn't resolved",
    Reason.NO_CUSTOMERS: "Can't be announced[, as {by} asked]: no customers are configured",
    Reason.STEP_DUE: "Notifying the next in line[: {channels}]",
    Reason.STEP_SKIPPED: "Next in line not needed[: {channels}]",
    Reason.CONDITION_FAILED: "Next in line isn't for this incident[: {channels}]",
    Reason.TOLD_AGAIN: "Notifying everybody again[: {channels}]",
    Reason.UNANSWERED: "NOBODY HAS ANSWERED, and there's nobody further to tell",
    Reason.STEPS_ENDED: "Escalation has reached its last step",
    Reason.NEXT_WAY: "Trying another way[: {channels}]",
    Reason.NOBODY_REACHED: "Nobody reached[: {target}][, {why}]",
    Reason.SUSPECTED: "Suspect[: {suspect}]",
    Reason.ACTION_REQUESTED: "Action asked for[ by {by}][: #{number}][ {action}][ ({parameters})][, to undo #{undoes}]",
    Reason.ACTION_CHECKED: "Dry run done[ of #{number}][ {action}]: it waits for approval",
    Reason.ACTION_CHECK_FAILED: "Dry run failed[ of #{number}][ {action}]",
    Reason.ACTION_STARTED: "Action approved[ by {by}][: #{number}][ {action}]",
    Reason.ACTION_CONFIRMED: "Step[ {step}] confirmed[ by {by}][ of #{number}][ {action}][: {text}]",
    Reason.ACTION_DONE: "Action done[: #{number}][ {action}]",
    Reason.ACTION_FAILED: "Action failed[: #{number}][ {action}]",
    Reason.ACTION_TIMED_OUT: "Action cut off by its time-out[: #{number}][ {action}]",
    Reason.ACTION_MAY_HAVE_RUN: "Action may have run[: #{number}][ {action}]; it isn't run again by itself",
    Reason.ACTION_PRACTISED: "Action approved[ by {by}] and not run, for it's a drill[: #{number}][ {action}]",
    Reason.ACTION_DECLINED: "Action declined[ by {by}][: #{number}][ {action}][: {text}]",
    Reason.ACTION_EXPIRED: "Action expired unapproved[: #{number}][ {action}]",
    Reason.SECOND_PERSON_NEEDED: "Approval refused[ to {by}], who asked for it[: #{number}][ {action}]",
    Reason.WRONG_CONFIRMATION: "Confirmation mistyped[ by {by}][: #{number}][ {action}]",
    Reason.ACTION_CHANGED: "Action was configured anew since it was asked for[: #{number}][ {action}]",
    Reason.POSTMORTEM_DUE: "Post-mortem is due[ by {due}]",
    Reason.POSTMORTEM_REMINDED: "Reminder: the post-mortem is due[ by {due}][, and {lead} leads]",
    Reason.POSTMORTEM_OVERDUE: "Post-mortem is overdue[ since {due}][, and {lead} leads]",
    Reason.POSTMORTEM_WRITTEN: "Post-mortem written[ by {by}]",
    Reason.POSTMORTEM_SHARED: "Post-mortem shared[ by {by}][: {text}]",
    Reason.ITEM_ADDED: "Action item[ {number}] added[ by {by}][: {text}][ ({owner}, by {due})]",
    Reason.ITEM_CHANGED: "Action item[ {number}] changed[ by {by}][: {text}][ ({owner}, by {due})]",
    Reason.ITEM_DONE: "Action item[ {number}] done[, says {by}][: {text}]",
    Reason.ITEM_REMINDED: "Reminder: action item[ {number}] is due[ by {due}][: {text}][ ({owner})]",
    Reason.ITEM_OVERDUE: "Action item[ {number}] is overdue[ since {due}][: {text}][ ({owner})]",
    Reason.DELIVERED: "Message delivered[ to {channel}][, in one with {with}]",
    Reason.BUNDLED: "Message delivered[ to {channel}][, in that about {with}]",
    Reason.DELIVERY_RETRIED: "Message will be tried again[ on {channel}][ (attempt {attempts})][: {error}]",
    Reason.DELIVERY_UNCERTAIN: "Message may have arrived[ on {channel}] and is sent again[: {error}]",
    Reason.DELIVERY_FAILED: "Message not delivered[ to {channel}][ (attempt {attempts})][: {error}]",
    Reason.FALLBACK: "Fell back[ from {channel}][ to {channels}]",
    Reason.RESENT: "Message sent again[ to {channel}][ by {by}]",
}
_PACKAGED = Wording()
_OPTIONAL = re.compile(r"\[([^]]*)\]")

# How a message travelled is for the operators: readers want what happened to the incident.
ABOUT_DELIVERY = frozenset(
    {
        Reason.CONDITION_FAILED,
        Reason.DELIVERED,
        Reason.BUNDLED,
        Reason.DELIVERY_RETRIED,
        Reason.DELIVERY_UNCERTAIN,
        Reason.DELIVERY_FAILED,
        Reason.FALLBACK,
        Reason.RESENT,
    }
)


FOLLOW_UPS = frozenset(reason for reason in Reason if reason.startswith(("postmortem_", "item_")))
"""What is about the post-mortem, and so is no part of what that tells."""


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
    given, also = _facts_of(letter), tuple(_also(letter))
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
    return describe(about[-1]) if about and letter.reason in FOLLOW_UPS else ""


def _more(letter: Letter) -> list[str]:
    """The further incidents, which a company's own template can't leave out."""
    also = [f"{what} {url}".rstrip() for what, url in _also(letter)]
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
    kind = "Post-Mortem" if letter.reason in FOLLOW_UPS else "Incident"
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
    words = _OPTIONAL.sub(lambda part: _filled(part[1], known), _WORDS.get(entry.what, ""))
    return plain(words) or entry.what.replace("_", " ").capitalize()


def moment(at: float, day: date, zone: ZoneInfo) -> str:
    """The time of day there, with the date unless that is `day`."""
    local = datetime.fromtimestamp(at, zone)
    return f"{local:%H:%M}" if local.date() == day else f"{local:%Y-%m-%d %H:%M}"


def _said(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value))
    return "" if value is None else plain(str(value))


def _filled(part: str, known: dict[str, str]) -> str:
    try:
        return part.format_map(known)
    except KeyError:
        return ""


def _lead(incident: Incident) -> str:
    name = plain(incident.lead or incident.acknowledged_by)
    if not name:
        return "nobody yet"
    return name if "@" in name else f"@{name}"


def _updates(letter: Letter) -> tuple[tuple[str, str], ...]:
    zone = ZoneInfo(letter.time_zone)
    opened = datetime.fromtimestamp(letter.incident.opened_at, zone).date()
    shown = [entry for entry in letter.timeline if entry.what not in ABOUT_DELIVERY]
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


def _also(letter: Letter) -> Iterator[tuple[str, str]]:
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

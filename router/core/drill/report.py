"""The report of a drill in Markdown: expectations and results, delivery times and response times.

Names and texts come from people and alerts, so each is plain text in one table cell or one line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from router.core.drill.progress import (
    DrillState,
    DrillTimeline,
    ExpectationOutcome,
    first_deliveries,
    is_delivery,
    is_silent,
)
from router.core.oncall.recipients import People
from router.core.text.plain import plain, utc
from router.core.text.units import duration
from router.model.decision import Entry
from router.model.drill import TICKED, Drill
from router.model.notification import person_of
from router.model.reason import Reason

MISSING = "**not delivered**"
MARKS = {
    DrillState.MET: "met",
    DrillState.LATE: "late",
    DrillState.MISSED: "**missed**",
    DrillState.WAITING: "waiting",
}


def report(
    drill: Drill,
    timeline: DrillTimeline,
    seen: Sequence[ExpectationOutcome],
    people: People,
    previews: Mapping[str, str],
) -> str:
    """The whole report, ending with a line break.

    `previews` are the texts that were reviewed, by name.
    """
    parts = [
        [
            f"# Drill {drill.id}",
            "",
            *([cell(drill.plan.description), ""] if drill.plan.description else []),
        ],
        _facts(drill, timeline, seen),
        _expectations(drill, seen),
        _deliveries(timeline),
        _answers(timeline, people),
        _ticks(drill),
        _previews(previews),
    ]
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"


def _facts(
    drill: Drill, timeline: DrillTimeline, seen: Sequence[ExpectationOutcome]
) -> Iterator[str]:
    met = sum(outcome.state is DrillState.MET for outcome in seen)
    yield f"- Scenario: {cell(drill.plan.name)}"
    yield f"- Started: {utc(drill.started_at)}, by {cell(drill.by) or 'the schedule'}"
    if drill.ended_at is None or drill.ending is None:
        yield "- The drill is still running."
    else:
        by = f", by {cell(drill.ended_by)}" if drill.ended_by else ""
        after = duration(round(drill.ended_at - drill.started_at))
        yield f"- Ended: {utc(drill.ended_at)}, after {after}: {drill.ending.replace('_', ' ')}{by}"
    yield f"- Expectations met: {met} of {len(seen)}"
    yield f"- Incidents: {', '.join(incident.name for incident in timeline.incidents) or 'none'}"
    yield ""


def _expectations(drill: Drill, seen: Sequence[ExpectationOutcome]) -> Iterator[str]:
    if not seen:
        return
    yield from table("Expectations", ("step", "within", "outcome", "after", "by"))
    for outcome in seen:
        after = "" if outcome.at is None else _span(outcome.took)
        within = duration(min(outcome.step.within, drill.plan.time_out))
        yield row(outcome.step.name, within, MARKS[outcome.state], after, outcome.by)
    yield ""


def _deliveries(timeline: DrillTimeline) -> Iterator[str]:
    first = first_deliveries(timeline)
    unneeded = {
        (entry.incident_id, entry.data["channel"]) for entry in timeline.entries if is_silent(entry)
    }
    given_back = {
        (entry.incident_id, entry.data.get("channel")): str(entry.data.get("error", ""))
        for entry in timeline.entries
        if entry.what is Reason.DELIVERY_FAILED
    }
    yield from table("Messages", ("incident", "to", "delivered after", "attempts", "error"))
    notified = {
        (incident.id, address): None
        for incident in timeline.incidents
        for address in incident.notified
    }
    for key in dict.fromkeys((*notified, *first)):
        arrived = first.get(key)
        missing = "not needed" if key in unneeded else MISSING
        after, attempts = (
            (_span(arrived.data["late"]), str(arrived.data["attempts"]))
            if arrived
            else (missing, "")
        )
        yield row(f"INC-{key[0]}", key[1], after, attempts, given_back.get(key, ""))
    yield ""


def _answers(timeline: DrillTimeline, people: People) -> Iterator[str]:
    """The time until each notified person acknowledged, counted from their first message."""
    notified: dict[str, float] = {}
    for entry in timeline.entries:
        if is_delivery(entry) and (person := person_of(entry.data["channel"])):
            notified.setdefault(person, entry.at)
    answered = {
        _person(entry, people): entry.at
        for entry in reversed(timeline.entries)
        if entry.what is Reason.ACKNOWLEDGED
    }
    if not notified and not answered:
        return
    opened = min((incident.opened_at for incident in timeline.incidents), default=0.0)
    yield from table(
        "People",
        ("person", "notified after", "acknowledged after the opening", "after the notification"),
    )
    for person in dict.fromkeys((*notified, *answered)):
        at, since = answered.get(person), notified.get(person)
        yield row(
            person,
            "" if since is None else _span(since - opened),
            "" if at is None else _span(at - opened),
            "" if at is None or since is None else _span(max(0.0, at - since)),
        )
    yield ""


def _person(entry: Entry, people: People) -> str:
    return people.find(entry.by) or entry.by


def _ticks(drill: Drill) -> Iterator[str]:
    for number, step in enumerate(drill.plan.steps):
        if step.kind not in TICKED:
            continue
        done = {tick.item: tick for tick in drill.ticks if tick.step == number}
        yield from (f"## {cell(step.name)}", "")
        for item, text in enumerate(step.items):
            tick = done.get(item)
            by = f" ({cell(tick.by)}, {utc(tick.at)})" if tick else ""
            yield f"- [{'x' if tick else ' '}] {cell(text)}{by}"
        yield ""


def _previews(previews: Mapping[str, str]) -> Iterator[str]:
    for name, text in previews.items():
        fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text) or [""]))
        yield from (f"## Preview: {cell(name)}", "", f"{fence}text", text, fence, "")


def table(title: str, columns: Sequence[str]) -> Iterator[str]:
    """A Markdown heading, and the header rows of the table below it."""
    yield from (f"## {title}", "", row(*columns), f"|{'---|' * len(columns)}")


def row(*cells: str) -> str:
    safe = (text if text in (*MARKS.values(), MISSING) else cell(text) for text in cells)
    return f"| {' | '.join(safe)} |"


def cell(text: str) -> str:
    """Plain text on one line, without markup."""
    return re.sub(r"([\\`*_\[\]<>|#~!])", r"\\\1", plain(text))


def _span(seconds: float) -> str:
    return duration(round(seconds, 3 if seconds < 10 else 0))

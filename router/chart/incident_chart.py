"""The chart of a post-mortem: the states of the incident, and the actions of people."""

from collections.abc import Iterable, Iterator

from router.chart.figure import Tone
from router.chart.gantt import Span, gantt
from router.chart.times import Mark
from router.core.postmortem.document import Case
from router.model.decision import Entry
from router.model.deployment import DeployOutcome
from router.model.incident import Status
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

MOST = 60
"""Dots in a row. More would overlap."""

_STATES = {
    Reason.OPENED: (Status.INVESTIGATING, Tone.BAD),
    Reason.REOPENED: (Status.INVESTIGATING, Tone.BAD),
    Status.INVESTIGATING: (Status.INVESTIGATING, Tone.BAD),
    Status.IDENTIFIED: (Status.IDENTIFIED, Tone.WARN),
    Status.MONITORING: (Status.MONITORING, Tone.INFO),
}
_ENDS = having(Trait.ENDS)
_FAILED = having(Trait.FAILED)
_ARRIVED = having(Trait.DELIVERY) - _FAILED
_FOLLOW_UP = having(Trait.FOLLOW_UP)


def incident_chart(case: Case) -> bytes:
    """Return the chart as SVG, in the company's time zone. It takes 50 ms: call it in a thread."""
    incident = case.incident
    entries = [entry for entry in case.timeline if entry.what not in _FOLLOW_UP]
    end = incident.closed_at or max((entry.at for entry in entries), default=incident.opened_at)
    spans = list(_states(entries, incident.onset or incident.opened_at, end))
    people = [entry for entry in entries if entry.by and not entry.by.startswith("source:")]
    spans += _dots("people", people, Tone.INFO)
    spans += _dots(
        "alerts", [entry for entry in entries if entry.by.startswith("source:")], Tone.WARN
    )
    spans += _dots(
        "actions", [entry for entry in entries if entry.what.startswith("action_")], Tone.PLAIN
    )
    spans += _dots("messages", [entry for entry in entries if entry.what in _ARRIVED], Tone.GOOD)
    spans += _dots("messages", [entry for entry in entries if entry.what in _FAILED], Tone.BAD)
    marks = [
        Mark(deployment.at, f"deploy {deployment.name}", _tone(deployment.outcome))
        for deployment in case.deployments
    ]
    answered = next((entry for entry in entries if entry.what is Reason.ACKNOWLEDGED), None)
    if answered:
        marks.append(Mark(answered.at, "acknowledged", Tone.GOOD))
    return gantt(spans, marks=marks, zone=case.zone)


def _states(entries: Iterable[Entry], onset: float, end: float) -> Iterator[Span]:
    """Return the states as spans. The first one is before the alert."""
    since, state = onset, ("unnoticed", Tone.PLAIN)
    for entry in entries:
        then = _STATES.get(
            entry.data.get("status", "") if entry.what is Reason.STATUS_SET else entry.what
        )
        if then is None and entry.what not in _ENDS:
            continue
        if state and entry.at > since:
            yield Span(str(state[0]), since, entry.at, state[1])
        since, state = entry.at, then  # type: ignore[assignment]
    if state and end > since:
        yield Span(str(state[0]), since, end, state[1])


def _dots(row: str, entries: list[Entry], tone: Tone) -> list[Span]:
    """Return at most `MOST` dots, spread over all."""
    every = max(1, -(-len(entries) // MOST))
    return [Span(row, entry.at, entry.at, tone) for entry in entries[::every]]


def _tone(outcome: DeployOutcome) -> Tone:
    return Tone.BAD if outcome is DeployOutcome.FAILURE else Tone.WARN

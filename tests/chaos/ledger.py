"""The ledger of a chaos run, and the violations in it. Pure: no I/O, no clock.

Arrivals are what providers received. The record is what the router stored, as its API shows it.
The order is that of receipt: a provider that processes a request late reorders messages by itself.
The final state is that of processing, so it must be true in spite of that.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from msgspec import Struct, field

OPEN, ACKNOWLEDGED, RESOLVED = "open", "acknowledged", "resolved"
PAGERDUTY = "pager"
"""The channel whose provider keeps an alert per dedup key."""

REPLACED = {"slack", PAGERDUTY}
"""Channels whose messages replace each other, or whose provider drops repetitions."""

STARTS = {"opened", "reopened"}
ENDS = {"resolved", "resolved_by_person", "false_positive"}
STATE_AFTER = {
    "opened": {OPEN},
    "acknowledged": {ACKNOWLEDGED},
    "resolved": {RESOLVED},
    "reopened": {OPEN, ACKNOWLEDGED},
}


class Arrival(Struct, frozen=True):
    """One request that a provider processed.

    received, applied: in Unix seconds; processing may be later, after newer requests.
    channel: the router's name for it. life: how often the incident had been reopened; -1 unknown.
    state: of the incident, as the message shows it. seq: the message's number; 0 unknown.
    key: what the provider recognises a repetition by; "" for nothing.
    marked: the message says that an earlier attempt may have arrived.
    edit: it replaces a message. news: what the message reports; "" unknown.
    """

    received: float
    applied: float
    channel: str
    incident: int
    state: str
    life: int = -1
    seq: int = 0
    key: str = ""
    marked: bool = False
    edit: bool = False
    news: str = ""


class Accepted(Struct, frozen=True):
    """The last status of an alert that was answered with 2xx."""

    instance: str
    key: str
    status: str


class Answer(Struct, frozen=True):
    """An acknowledgement that was answered with 2xx."""

    incident: int
    by: str


class Run(Struct, frozen=True):
    """All that is known after a run.

    outages: (start, end) in Unix seconds in which no replica could work.
    steps: seconds after the start at which each step is due; the first is 0.
    grace: seconds for which a step may be late. over: when the faults ended.
    """

    incidents: Sequence[Mapping[str, Any]]
    alerts: Mapping[str, Mapping[str, Any]]
    arrivals: Sequence[Arrival]
    accepted: Sequence[Accepted] = ()
    answers: Sequence[Answer] = ()
    outages: Sequence[tuple[float, float]] = ()
    steps: Sequence[float] = (0.0,)
    grace: float = 5.0
    over: float = 0.0


class Verdict(Struct):
    """Violations by kind. `overtaken`: late processing reordered messages at the provider."""

    violations: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in CHECKS})
    marked_doubles: int = 0
    overtaken: int = 0
    latest_step: float = 0.0

    @property
    def counts(self) -> dict[str, int]:
        return {kind: len(found) for kind, found in self.violations.items()}


def check(run: Run) -> Verdict:
    """Find every violation."""
    verdict = Verdict()
    for kind, look in CHECKS.items():
        verdict.violations[kind] = list(look(run))
    verdict.marked_doubles = sum(arrival.marked for arrival in run.arrivals)
    for arrivals in _by_subject(run).values():
        applied = [
            arrival.received for arrival in sorted(arrivals, key=lambda arrival: arrival.applied)
        ]
        verdict.overtaken += sum(later < earlier for earlier, later in pairwise(applied))
    lateness = [late for _, late in _steps(run)]
    verdict.latest_step = max(lateness, default=0.0)
    return verdict


# --- the checks


def lost_alerts(run: Run) -> Iterator[str]:
    """Accepted alerts that are not in an incident of their key with their last status.

    Per key, an incident is open exactly while an alert of it fires.
    """
    by_id = {incident["id"]: incident for incident in run.incidents}
    firing: Counter[str] = Counter()
    for arrival in run.accepted:
        firing[arrival.key] += arrival.status == "firing"
        row = run.alerts.get(arrival.instance)
        if row is None or row["status"] != arrival.status:
            yield f"{arrival.instance}: accepted {arrival.status}, stored {row and row['status']}"
        elif by_id.get(row["incident"], {}).get("key") != arrival.key:
            yield f"{arrival.instance}: not in an incident of {arrival.key}"
    for key, count in firing.items():
        still_open = [
            incident["firing"]
            for incident in run.incidents
            if incident["key"] == key and incident["open"]
        ]
        if still_open != ([count] if count else []):
            yield f"{key}: {count} alerts fire, open incidents have {still_open}"


def undelivered(run: Run) -> Iterator[str]:
    """Queued messages that are not sent, or are recorded as sent and never arrived."""
    arrived = _by_subject(run)
    for incident in run.incidents:
        for row in incident["notifications"]:
            subject = (incident["id"], row["channel"])
            if row["state"] != "sent" or subject not in arrived:
                yield f"INC-{subject[0]} {subject[1]}: {row['state']}, {row['error'] or 'no error'}"


def out_of_order(run: Run) -> Iterator[str]:
    """Messages received after a newer message about the same incident on the same channel."""
    history = {incident["id"]: _history(incident) for incident in run.incidents}
    for (incident, channel), arrivals in _by_subject(run).items():
        for earlier, later in pairwise(arrival.seq for arrival in arrivals if arrival.seq):
            if later < earlier:
                yield f"INC-{incident} {channel}: number {later} after {earlier}"
        shown = _shown(arrivals)
        if not _follows(shown, history.get(incident, [])):
            yield f"INC-{incident} {channel}: shown {shown}, history {history.get(incident)}"


def wrong_final_state(run: Run) -> Iterator[str]:
    """Channels whose last processed message, or PagerDuty alert, differs from the incident."""
    arrived = _by_subject(run)
    for incident in run.incidents:
        truth = _truth(incident)
        for (number, channel), arrivals in arrived.items():
            if number != incident["id"]:
                continue
            if channel == PAGERDUTY:
                yield from _wrong_alerts(incident, arrivals)
            elif (last := _last(channel, arrivals)).state not in truth:
                yield f"INC-{number} {channel}: shows {last.state}, is {'/'.join(sorted(truth))}"


def unmarked_doubles(run: Run) -> Iterator[str]:
    """A second copy that has neither the idempotency key of the first nor a mark."""
    for (incident, channel), arrivals in _by_subject(run).items():
        if channel == PAGERDUTY:
            continue
        first: dict[object, Arrival] = {}
        for arrival in arrivals:
            if arrival.edit:
                continue
            for same in _sameness(arrival):
                earlier = first.setdefault(same, arrival)
                repeated = bool(arrival.key) and arrival.key == earlier.key
                if earlier is not arrival and not repeated and not arrival.marked:
                    yield f"INC-{incident} {channel}: second copy of number {arrival.seq or '?'}"
                    break


def wrong_steps(run: Run) -> Iterator[str]:
    """Steps that were skipped over, taken twice, early, or later than the grace."""
    for what, late in _steps(run):
        if late < -0.01 or late > run.grace:
            yield f"{what}: {late:.1f} s late"
    for incident in run.incidents:
        taken: list[int] = [1]
        for entry in incident["timeline"]:
            if entry["what"] in STARTS:
                taken = [1]
            elif entry["what"] in {"step_due", "step_skipped"}:
                if (step := entry["data"]["step"]) != taken[-1] + 1:
                    yield f"INC-{incident['id']}: step {step} after {taken}"
                taken.append(step)


def lost_acknowledgements(run: Run) -> Iterator[str]:
    """Accepted acknowledgements that are not on the timeline."""
    done: dict[int, set[str]] = {
        incident["id"]: {entry["by"] for entry in incident["timeline"] if entry["by"]}
        for incident in run.incidents
    }
    for answer in run.answers:
        if answer.by not in done.get(answer.incident, set()):
            yield f"INC-{answer.incident}: {answer.by} acknowledged, not recorded"


CHECKS = {
    "lost": lost_alerts,
    "undelivered": undelivered,
    "out of order": out_of_order,
    "wrong final state": wrong_final_state,
    "unmarked doubles": unmarked_doubles,
    "wrong steps": wrong_steps,
    "lost acknowledgements": lost_acknowledgements,
}


# --- what the checks share


def _by_subject(run: Run) -> Mapping[tuple[int, str], list[Arrival]]:
    """The arrivals of each incident at each address, in order of receipt."""
    found: dict[tuple[int, str], list[Arrival]] = defaultdict(list)
    for arrival in sorted(run.arrivals, key=lambda arrival: arrival.received):
        found[arrival.incident, arrival.channel].append(arrival)
    return found


def _history(incident: Mapping[str, Any]) -> list[set[str]]:
    return [
        STATE_AFTER[entry["what"]] for entry in incident["timeline"] if entry["what"] in STATE_AFTER
    ]


def _shown(arrivals: Sequence[Arrival]) -> list[str]:
    """The states in order of receipt, without events that PagerDuty ignores or that settle an
    alert of an earlier life.
    """
    shown, life = [], -1
    alerts: dict[str, str] = {}
    for arrival in arrivals:
        if arrival.channel != PAGERDUTY:
            shown.append(arrival.state)
        elif _has_effect(alerts, arrival):
            alerts[arrival.key] = arrival.state
            shown += [arrival.state] if arrival.life >= life else []
            life = max(life, arrival.life)
    return shown


def _has_effect(alerts: Mapping[str, str], event: Arrival) -> bool:
    """Apply PagerDuty's rules: a trigger opens an alert; other events need an open one."""
    return (alerts.get(event.key, RESOLVED) != RESOLVED) != (event.state == OPEN)


def _follows(shown: Sequence[str], history: Sequence[set[str]]) -> bool:
    """Check that the states are in the history's order; some may be left out or repeated."""
    at = 0
    for state in shown:
        while at < len(history) and state not in history[at]:
            at += 1
        if at == len(history):
            return False
    return True


def _truth(incident: Mapping[str, Any]) -> set[str]:
    """The states that a message may show now. Text shows the lead, which outlasts a reopening."""
    if not incident["open"]:
        return {RESOLVED}
    if incident["acknowledged_at"]:
        return {ACKNOWLEDGED}
    return {OPEN, ACKNOWLEDGED} if incident["lead"] else {OPEN}


def _last(channel: str, arrivals: Sequence[Arrival]) -> Arrival:
    """The last message: of those to a person, by receipt.

    Nobody is texted twice because a provider may have reordered messages.
    """
    if "/" in channel:
        return arrivals[-1]
    return max(arrivals, key=lambda arrival: arrival.applied)


def _wrong_alerts(incident: Mapping[str, Any], arrivals: Sequence[Arrival]) -> Iterator[str]:
    """PagerDuty's alerts: that of the present life is as the incident, all others are resolved."""
    for key, state in pagerduty_alerts(arrivals).items():
        present = key.endswith(f":{incident['reopened']}")
        truth = _truth(incident) if present else {RESOLVED}
        if state not in truth:
            yield f"INC-{incident['id']} {key}: is {state}, not {'/'.join(sorted(truth))}"


def pagerduty_alerts(arrivals: Sequence[Arrival]) -> dict[str, str]:
    """The state of the alert of each dedup key."""
    alerts: dict[str, str] = {}
    for arrival in sorted(arrivals, key=lambda arrival: arrival.applied):
        if _has_effect(alerts, arrival):
            alerts[arrival.key] = arrival.state
    return alerts


def _sameness(arrival: Arrival) -> Iterator[object]:
    """Key that two arrivals at an address share if one is a copy of the other."""
    if arrival.seq:
        yield "number", arrival.seq
    if arrival.news:
        yield "news", arrival.news
    if not arrival.seq and arrival.channel in REPLACED:
        yield "message"


def _steps(run: Run) -> Iterator[tuple[str, float]]:
    """Each step of each life of an incident, and how late it was taken, in seconds.

    A step that was not taken counts as late until its life or the run ended.
    """
    for incident in run.incidents:
        for start, end, taken in _lives(incident, run.over):
            for number, after in enumerate(run.steps[1:], 2):
                due, what = start + after, f"INC-{incident['id']} step {number}"
                at = taken.get(number)
                late = _longest_up(due, end if at is None else at, run.outages)
                if at is not None:
                    yield what, late if at >= due else at - due
                elif late > run.grace:
                    yield f"{what} (never)", late


def _lives(
    incident: Mapping[str, Any], over: float
) -> Iterator[tuple[float, float, dict[int, float]]]:
    """(start, end, times of the steps taken) of each life."""
    start, taken = 0.0, dict[int, float]()
    for entry in incident["timeline"]:
        at = seconds(entry["at"])
        if entry["what"] in STARTS:
            start, taken = at, {}
        elif entry["what"] in {"step_due", "step_skipped"}:
            taken.setdefault(entry["data"]["step"], at)
        elif entry["what"] in ENDS and start:
            yield start, at, taken
            start = 0.0
    if start:
        yield start, over, taken


def _longest_up(start: float, end: float, outages: Sequence[tuple[float, float]]) -> float:
    """The most seconds on end between these times in which a replica could work.

    A step is due at its time or at the restart: routers that are killed sooner each time take it
    at the start that they live through.
    """
    longest, at = 0.0, start
    for begin, until in sorted(outages):
        longest = max(longest, min(begin, end) - at)
        at = max(at, min(until, end))
    return max(longest, end - at)


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()

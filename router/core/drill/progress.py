"""The course of a drill: due alerts, expectations, and the end.

Invariant: the rules treat a drill's alerts as alerts of the source that they imitate, but they have
their own fingerprints. Expectations are always evaluated from the current timelines of the drill's
incidents and from ticked items, so a message that bounces after the drill's end is in the report.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from router.core.oncall.recipients import People
from router.core.reachability.channel_health import delivered
from router.core.rules.fingerprint import fingerprint
from router.model.alert import DRILL, Alert, AlertStatus
from router.model.decision import Entry
from router.model.drill import TICKED, Drill, DrillPlan, DrillStep, Ending, Kind, PosedAlert, Tick
from router.model.incident import Incident, Severity
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

CLEANER = "drill"
"""The name under which a drill's incidents are resolved at its end."""

PROOF_TIME_OUT = 900.0
"""Seconds within which a canary must arrive."""

_ENDS = having(Trait.ENDS_BY_PERSON)


class DrillState(StrEnum):
    WAITING = "waiting"
    MET = "met"
    LATE = "late"
    MISSED = "missed"


class ExpectationOutcome(Struct, frozen=True):
    """The state of a step: when it was done (UTC epoch seconds), by whom, and after how long."""

    step: DrillStep
    state: DrillState
    at: float | None = None
    by: str = ""
    took: float = 0.0


class DrillTimeline(Struct, frozen=True):
    """The incidents of a drill, and their timelines in order."""

    incidents: tuple[Incident, ...] = ()
    entries: tuple[Entry, ...] = ()


# --- its alerts


def due(drill: Drill, now: float) -> list[int]:
    """The numbers of the steps whose alert is due and has not fired."""
    steps = enumerate(drill.plan.steps) if drill.is_running else ()
    return [
        number
        for number, step in steps
        if step.kind is Kind.ALERT
        and number not in drill.fired
        and drill.started_at + step.at <= now
    ]


def next_due(drill: Drill, now: float) -> float | None:
    """The next time after `now` of an alert, a missed expectation or the time-out."""
    steps = drill.plan.steps
    times = [step.at if step.kind is Kind.ALERT else step.at + step.within for step in steps]
    return min(
        (at for time in (*times, drill.plan.time_out) if (at := drill.started_at + time) > now),
        default=None,
    )


def alert_of(drill: Drill, number: int, *, ends_at: float | None = None) -> Alert:
    """The alert of a step.

    It is identical each time, so sending it twice has no effect; with `ends_at` it is resolved.
    """
    step = drill.plan.steps[number]
    posed, starts_at = step.alert, drill.started_at + step.at
    assert posed is not None
    return Alert(
        source=DRILL,
        fingerprint=f"{DRILL}-{drill.id}-{fingerprint(posed.labels)}",
        status=AlertStatus.FIRING if ends_at is None else AlertStatus.RESOLVED,
        labels=posed.labels,
        annotations=posed.annotations,
        starts_at=starts_at,
        ends_at=ends_at,
        by=drill.by,
        severity=Severity.P3 if posed.to else None,
        drill=drill.id,
        stands_for=posed.source,
        to=posed.to,
    )


# --- expectations


def outcomes(
    drill: Drill, timeline: DrillTimeline, people: People, now: float
) -> list[ExpectationOutcome]:
    """The outcome of each expectation at `now`, in the plan's order."""
    seen = now if drill.ended_at is None else drill.ended_at
    return [
        _outcome(drill, number, timeline, people, seen)
        for number, step in enumerate(drill.plan.steps)
        if step.kind is not Kind.ALERT
    ]


def _outcome(
    drill: Drill, number: int, timeline: DrillTimeline, people: People, now: float
) -> ExpectationOutcome:
    step = drill.plan.steps[number]
    begins = drill.started_at + step.at
    done = _ticked(drill, number) if step.kind in TICKED else _seen(step, timeline, people)
    if done is None:
        return ExpectationOutcome(
            step,
            DrillState.WAITING
            if drill.is_running and now <= begins + step.within
            else DrillState.MISSED,
        )
    at, by = done
    # A message isn't late if the policy sends it later.
    took = _slowest(timeline) if step.kind is Kind.DELIVERED else at - begins
    return ExpectationOutcome(
        step, DrillState.MET if took <= step.within else DrillState.LATE, at, by, took
    )


Done = tuple[float, str]
"""The time and the person of the acknowledgement."""


def _seen(step: DrillStep, timeline: DrillTimeline, people: People) -> Done | None:
    match step.kind:
        case Kind.DELIVERED:
            return _delivered(step, timeline)
        case Kind.ACKNOWLEDGED:
            found = (
                entry
                for entry in timeline.entries
                if entry.what is Reason.ACKNOWLEDGED and _is_one_of(entry, step, people)
            )
        case Kind.PRACTISED:
            practised = (
                entry for entry in timeline.entries if entry.what is Reason.ACTION_PRACTISED
            )
            found = (entry for entry in practised if entry.data.get("action") == step.action)
        case _:
            found = (
                entry for entry in timeline.entries if entry.what in _ENDS and entry.by != CLEANER
            )
    return next(((entry.at, entry.by) for entry in found), None)


def _delivered(step: DrillStep, timeline: DrillTimeline) -> Done | None:
    """The last recipient's delivery. A recipient whose message was dropped isn't waited for."""
    worked = delivered(timeline.entries)
    unneeded = (
        {entry.data["channel"] for entry in timeline.entries if is_silent(entry)}
        if not step.items
        else set()
    )
    notified = dict.fromkeys(
        address for incident in timeline.incidents for address in incident.notified
    )
    wanted = [
        address
        for address in step.items or notified
        if address not in unneeded or address in worked
    ]
    if not wanted or any(address not in worked for address in wanted):
        return None
    return max(entry.at for entry in first_deliveries(timeline).values()), ""


def _slowest(timeline: DrillTimeline) -> float:
    """The longest delay of a delivery."""
    return max(float(entry.data["late"]) for entry in first_deliveries(timeline).values())


def first_deliveries(timeline: DrillTimeline) -> dict[tuple[int, str], Entry]:
    """The first message about each incident (by id) to each address; later ones are edits."""
    found: dict[tuple[int, str], Entry] = {}
    for entry in timeline.entries:
        if is_delivery(entry):
            found.setdefault((entry.incident_id, entry.data["channel"]), entry)
    return found


def is_delivery(entry: Entry) -> bool:
    """Check if a message with content arrived."""
    return entry.what is Reason.DELIVERED and not entry.data.get("silent")


def is_silent(entry: Entry) -> bool:
    """Check if there was nothing left to send, as after an acknowledgement."""
    return entry.what is Reason.DELIVERED and bool(entry.data.get("silent"))


def _is_one_of(entry: Entry, step: DrillStep, people: People) -> bool:
    expected = {contact for target in step.by for contact in people.people(target, entry.at)}
    return not step.by or people.find(entry.by) in expected


def _ticked(drill: Drill, number: int) -> Done | None:
    ticks = {tick.item: tick for tick in drill.ticks if tick.step == number}
    if len(ticks) < len(drill.plan.steps[number].items):
        return None
    last = max(ticks.values(), key=lambda tick: tick.at)
    return last.at, last.by


# --- progress


def started(plan: DrillPlan, drill_id: str, by: str, now: float) -> Drill:
    return Drill(drill_id, plan, by, now)


def fired(drill: Drill, number: int, keys: Iterable[str]) -> Drill:
    """Record that the step's alert was submitted.

    If the drill has ended in the meantime, its incidents are cleaned up again.
    """
    numbers = tuple(dict.fromkeys((*drill.fired, number)))
    return replace(
        drill, fired=numbers, keys=tuple(dict.fromkeys((*drill.keys, *keys))), over=False
    )


def ticked(drill: Drill, tick: Tick) -> Drill | None:
    """The drill with the item confirmed; None if it was confirmed before.

    Raises: ValueError, if there is no such item, or the drill has ended.
    """
    if not drill.is_running:
        raise ValueError(f"the drill {drill.id} has ended")
    steps = drill.plan.steps
    if not 0 <= tick.step < len(steps) or steps[tick.step].kind not in TICKED:
        able = ", ".join(
            str(number + 1) for number, step in enumerate(steps) if step.kind in TICKED
        )
        raise ValueError(f"step {tick.step + 1} has no checklist; these have: {able or 'none'}")
    if not 0 <= tick.item < len(steps[tick.step].items):
        raise ValueError(
            f"step {tick.step + 1} has {len(steps[tick.step].items)} items to tick off"
        )
    if any((tick_.step, tick_.item) == (tick.step, tick.item) for tick_ in drill.ticks):
        return None
    return replace(drill, ticks=(*drill.ticks, tick))


def ending(drill: Drill, seen: Sequence[ExpectationOutcome], now: float) -> Ending | None:
    """The reason why the drill ends now, if it does: everything is done, or it timed out."""
    if not drill.is_running:
        return None
    if now >= drill.started_at + drill.plan.time_out:
        return Ending.TIMED_OUT
    alerts = sum(step.kind is Kind.ALERT for step in drill.plan.steps)
    done = len(drill.fired) == alerts and all(outcome.at is not None for outcome in seen)
    return Ending.COMPLETED if done else None


def ended(drill: Drill, why: Ending, by: str, now: float) -> Drill | None:
    """The drill as ended; None if it had already ended."""
    return replace(drill, ended_at=now, ending=why, ended_by=by) if drill.is_running else None


def cleaned(drill: Drill) -> Drill | None:
    """Record that all of its incidents are closed."""
    return None if drill.over else replace(drill, over=True)


# --- canaries


def proof(name: str, summary: str, to: Sequence[str]) -> DrillPlan:
    """A plan that sends a message to these addresses and checks that it arrives."""
    posed = PosedAlert({"alertname": name}, {"summary": summary}, to=tuple(to))
    arrives = DrillStep(
        Kind.DELIVERED, "every message arrives", within=PROOF_TIME_OUT, items=tuple(to)
    )
    return DrillPlan(
        name, (DrillStep(Kind.ALERT, summary, alert=posed), arrives), PROOF_TIME_OUT, proof=True
    )


def canary(to: Sequence[str]) -> DrillPlan:
    return proof("canary", "Canary: a test that messages arrive here. There is nothing to do", to)

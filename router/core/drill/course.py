"""The course of a drill: which alerts are due, which expectations are met, and when it ends.

The law: a drill's alerts go through the rules as those of the source they stand for, under
fingerprints of their own. What is met is read from the timelines of its incidents and from what
people tick off, each time anew; so a message that a service gives back after the end is seen in the
report.
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
"""In whose name the incidents of a drill are resolved at its end."""

PROOF_TIME_OUT = 900.0
"""Seconds in which a canary has to arrive."""

_ENDS = having(Trait.ENDS_BY_PERSON)


class DrillState(StrEnum):
    WAITING = "waiting"
    MET = "met"
    LATE = "late"
    MISSED = "missed"


class ExpectationOutcome(Struct, frozen=True):
    """How a step stands; when it was done, if it was (UTC seconds), and by whom; how many seconds
    it took.
    """

    step: DrillStep
    state: DrillState
    at: float | None = None
    by: str = ""
    took: float = 0.0


class Scene(Struct, frozen=True):
    """What came of a drill: its incidents, and their timelines in order."""

    incidents: tuple[Incident, ...] = ()
    entries: tuple[Entry, ...] = ()


# --- its alerts


def due(drill: Drill, now: float) -> list[int]:
    """The numbers of the steps whose alert is to fire by now, and hasn't."""
    steps = enumerate(drill.plan.steps) if drill.is_running else ()
    return [
        number
        for number, step in steps
        if step.kind is Kind.ALERT
        and number not in drill.fired
        and drill.started_at + step.at <= now
    ]


def next_due(drill: Drill, now: float) -> float | None:
    """When the next alert fires, an expectation is missed or the time is out, after `now`."""
    steps = drill.plan.steps
    times = [step.at if step.kind is Kind.ALERT else step.at + step.within for step in steps]
    return min(
        (at for one in (*times, drill.plan.time_out) if (at := drill.started_at + one) > now),
        default=None,
    )


def alert_of(drill: Drill, number: int, *, ends_at: float | None = None) -> Alert:
    """The alert of a step.

    The same each time it's made, so that a second time has no effect; over with `ends_at`.
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


# --- what is met


def outcomes(drill: Drill, scene: Scene, people: People, now: float) -> list[ExpectationOutcome]:
    """How each expectation stands at `now`, in the plan's order."""
    seen = now if drill.ended_at is None else drill.ended_at
    return [
        _outcome(drill, number, scene, people, seen)
        for number, step in enumerate(drill.plan.steps)
        if step.kind is not Kind.ALERT
    ]


def _outcome(
    drill: Drill, number: int, scene: Scene, people: People, now: float
) -> ExpectationOutcome:
    step = drill.plan.steps[number]
    begins = drill.started_at + step.at
    done = _ticked(drill, number) if step.kind in TICKED else _seen(step, scene, people)
    if done is None:
        return ExpectationOutcome(
            step,
            DrillState.WAITING
            if drill.is_running and now <= begins + step.within
            else DrillState.MISSED,
        )
    at, by = done
    # A message isn't late because the policy owed it late.
    took = _slowest(scene) if step.kind is Kind.DELIVERED else at - begins
    return ExpectationOutcome(
        step, DrillState.MET if took <= step.within else DrillState.LATE, at, by, took
    )


Done = tuple[float, str]
"""When, and by whom."""


def _seen(step: DrillStep, scene: Scene, people: People) -> Done | None:
    match step.kind:
        case Kind.DELIVERED:
            return _delivered(step, scene)
        case Kind.ACKNOWLEDGED:
            found = (
                one
                for one in scene.entries
                if one.what is Reason.ACKNOWLEDGED and _is_one_of(one, step, people)
            )
        case Kind.PRACTISED:
            practised = (one for one in scene.entries if one.what is Reason.ACTION_PRACTISED)
            found = (one for one in practised if one.data.get("action") == step.action)
        case _:
            found = (one for one in scene.entries if one.what in _ENDS and one.by != CLEANER)
    return next(((one.at, one.by) for one in found), None)


def _delivered(step: DrillStep, scene: Scene) -> Done | None:
    """When the last of those who are owed a message got it.

    Who turned out to need none isn't waited for.
    """
    worked = delivered(scene.entries)
    unneeded = (
        {one.data["channel"] for one in scene.entries if is_silent(one)}
        if not step.items
        else set()
    )
    told = dict.fromkeys(address for incident in scene.incidents for address in incident.told)
    wanted = [
        address for address in step.items or told if address not in unneeded or address in worked
    ]
    if not wanted or any(address not in worked for address in wanted):
        return None
    return max(one.at for one in first_deliveries(scene).values()), ""


def _slowest(scene: Scene) -> float:
    """From owed to delivered."""
    return max(float(one.data["late"]) for one in first_deliveries(scene).values())


def first_deliveries(scene: Scene) -> dict[tuple[int, str], Entry]:
    """The first message about each incident (by id) to each address; those after it are edits and
    endings.
    """
    found: dict[tuple[int, str], Entry] = {}
    for entry in scene.entries:
        if is_delivery(entry):
            found.setdefault((entry.incident_id, entry.data["channel"]), entry)
    return found


def is_delivery(entry: Entry) -> bool:
    """Has something arrived that was worth sending?"""
    return entry.what is Reason.DELIVERED and not entry.data.get("silent")


def is_silent(entry: Entry) -> bool:
    """Was there nothing to send by the time, since somebody had acknowledged, say?"""
    return entry.what is Reason.DELIVERED and bool(entry.data.get("silent"))


def _is_one_of(entry: Entry, step: DrillStep, people: People) -> bool:
    meant = {contact for target in step.by for contact in people.people(target, entry.at)}
    return not step.by or people.find(entry.by) in meant


def _ticked(drill: Drill, number: int) -> Done | None:
    ticks = {tick.item: tick for tick in drill.ticks if tick.step == number}
    if len(ticks) < len(drill.plan.steps[number].items):
        return None
    last = max(ticks.values(), key=lambda tick: tick.at)
    return last.at, last.by


# --- what becomes of it


def started(plan: DrillPlan, drill_id: str, by: str, now: float) -> Drill:
    return Drill(drill_id, plan, by, now)


def fired(drill: Drill, number: int, keys: Iterable[str]) -> Drill:
    """The rules have had the step's alert.

    If it has ended meanwhile, there's something to clean up again.
    """
    numbers = tuple(dict.fromkeys((*drill.fired, number)))
    return replace(
        drill, fired=numbers, keys=tuple(dict.fromkeys((*drill.keys, *keys))), over=False
    )


def ticked(drill: Drill, tick: Tick) -> Drill | None:
    """None if it was so already. Raises: ValueError, if there's no such item, or it's over."""
    if not drill.is_running:
        raise ValueError(f"the drill {drill.id} has ended")
    steps = drill.plan.steps
    if not 0 <= tick.step < len(steps) or steps[tick.step].kind not in TICKED:
        able = ", ".join(
            str(number + 1) for number, step in enumerate(steps) if step.kind in TICKED
        )
        raise ValueError(
            f"step {tick.step + 1} has nothing to tick off; these have: {able or 'none'}"
        )
    if not 0 <= tick.item < len(steps[tick.step].items):
        raise ValueError(
            f"step {tick.step + 1} has {len(steps[tick.step].items)} items to tick off"
        )
    if any((one.step, one.item) == (tick.step, tick.item) for one in drill.ticks):
        return None
    return replace(drill, ticks=(*drill.ticks, tick))


def ending(drill: Drill, seen: Sequence[ExpectationOutcome], now: float) -> Ending | None:
    """Why it ends now, if it does: all has fired and all is done, or the time is out."""
    if not drill.is_running:
        return None
    if now >= drill.started_at + drill.plan.time_out:
        return Ending.TIMED_OUT
    alerts = sum(step.kind is Kind.ALERT for step in drill.plan.steps)
    done = len(drill.fired) == alerts and all(one.at is not None for one in seen)
    return Ending.COMPLETED if done else None


def ended(drill: Drill, why: Ending, by: str, now: float) -> Drill | None:
    """None if it has ended already."""
    return replace(drill, ended_at=now, ending=why, ended_by=by) if drill.is_running else None


def cleaned(drill: Drill) -> Drill | None:
    """Nothing of it is open any more."""
    return None if drill.over else replace(drill, over=True)


# --- proofs


def proof(name: str, summary: str, to: Sequence[str]) -> DrillPlan:
    """What sends a message to these addresses, and sees that it arrives."""
    posed = PosedAlert({"alertname": name}, {"summary": summary}, to=tuple(to))
    arrives = DrillStep(
        Kind.DELIVERED, "every message arrives", within=PROOF_TIME_OUT, items=tuple(to)
    )
    return DrillPlan(
        name, (DrillStep(Kind.ALERT, summary, alert=posed), arrives), PROOF_TIME_OUT, proof=True
    )


def canary(to: Sequence[str]) -> DrillPlan:
    return proof(
        "canary", "Canary: this only proves that messages arrive here. There's nothing to do", to
    )
